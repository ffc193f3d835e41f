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
