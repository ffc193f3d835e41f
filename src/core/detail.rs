//! What an operator reads beside an error's message: which server, what it or the system said, and the code of that.

use std::borrow::Cow;
use std::fmt::Display;

/// Goes to logs, never to a client, and never holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// As Node's errors have one: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. For what Redis said it is Redis' own: `OOM`.
    pub code: Option<Cow<'static, str>>,
    pub text: String,
}

impl Detail {
    pub fn new(code: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Detail { code: Some(code.into()), text: text.into() }
    }

    /// Says which server it was: `127.0.0.1:6379: connection refused`.
    pub fn at(mut self, server: impl Display) -> Self {
        self.text = format!("{server}: {}", self.text);
        self
    }
}

/// So many characters of a secret are what a text may not have in common with it.
const TELLING: usize = 8;

impl Detail {
    /// Cut where it repeats a secret, or a piece of one: servers and proxies may repeat what they were sent.
    pub fn without(mut self, secret: &str) -> Self {
        let characters: Vec<_> = secret.chars().collect();
        let pieces = characters.windows(characters.len().clamp(1, TELLING)).map(String::from_iter);
        let repeats = |text: &str| pieces.clone().filter_map(|piece| text.find(&piece)).min();
        if self.code.as_deref().is_some_and(|code| repeats(code).is_some()) {
            self.code = None;
        }
        if let Some(at) = repeats(&self.text) {
            self.text.truncate(at);
            self.text.push('…');
        }
        self
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Detail { code: None, text }
    }
}

impl From<&str> for Detail {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_repeats_a_secret_or_a_piece_of_one() {
        let secret = "correct-horse-battery-staple";
        for (text, cut) in [
            ("ERR bad correct-horse-battery-staple", "ERR bad …"),
            ("ERR it ends in ry-staple, it does", "ERR it ends in …"),
            ("ERR it begins with correct-h", "ERR it begins with …"),
            ("ERR correct the horse", "ERR correct the horse"),
        ] {
            assert_eq!(Detail::new("ERR", text).without(secret), Detail::new("ERR", cut));
        }
        assert_eq!(Detail::new("ERR", "ERR pw is wrong").without("pw").text, "ERR …");
        assert_eq!(Detail::new("HUNTER2", "HUNTER2").without("HUNTER2"), Detail::from("…"));
        assert_eq!(Detail::new("ERR", "ERR x").without("").text, "ERR x");
    }
}
