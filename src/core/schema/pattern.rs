//! The regular expressions of schemas, as JavaScript reads them with the flag `u`.

use regress::Regex;

/// A regular expression. The usual ones of ids, which ask that all characters be of some set, are judged without an engine.
pub(super) enum Pattern {
    Characters { set: Box<Set>, least: usize, source: String },
    Other { regex: Box<Regex>, source: String },
}

/// By byte of UTF-8: whether a character that has it is in the set. All that are not of ASCII are, or none.
pub(super) struct Set([bool; 256]);

impl Pattern {
    pub fn compile(source: &str) -> Result<Pattern, String> {
        let regex = Regex::with_flags(source, "u").map_err(|error| error.to_string())?;
        let source = source.to_owned();
        Ok(match characters(&source) {
            Some((set, least)) => Pattern::Characters { set: Box::new(set), least, source },
            None => Pattern::Other { regex: Box::new(regex), source },
        })
    }

    pub fn source(&self) -> &str {
        match self {
            Pattern::Characters { source, .. } | Pattern::Other { source, .. } => source,
        }
    }

    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Characters { set, least, .. } => {
                text.len() >= *least && text.bytes().all(|byte| set.has(byte))
            }
            Pattern::Other { regex, .. } => regex.find(text).is_some(),
        }
    }
}

impl Set {
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

/// Reads `^[…]*$` and `^[…]+$`, where nothing between the brackets is escaped.
fn characters(source: &str) -> Option<(Set, usize)> {
    let inner = source.strip_prefix("^[")?;
    let (inner, least) = match inner.strip_suffix("]*$") {
        Some(inner) => (inner, 0),
        None => (inner.strip_suffix("]+$")?, 1),
    };
    let (inner, others) = match inner.strip_prefix('^') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let bytes = inner.as_bytes();
    if !inner.is_ascii() || bytes.iter().any(|byte| matches!(byte, b'\\' | b'[' | b']')) {
        return None;
    }
    let mut set = [others; 256];
    let mut at = 0;
    while at < bytes.len() {
        let first = bytes[at];
        let last = match bytes.get(at + 1..at + 3) {
            Some([b'-', last]) => {
                at += 3;
                *last
            }
            _ => {
                at += 1;
                first
            }
        };
        (first..=last).for_each(|byte| set[usize::from(byte)] = !others);
    }
    Some((Set(set), least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_engine_is_judged_as_an_engine_judges_it() {
        let sources = [
            "^[^:]*$",
            "^[a-z0-9_-]+$",
            "^[-a]*$",
            "^[^]*$",
            "^[A-Za-z]+$",
            "^[^a-z]+$",
            "^[.+*]+$",
            "^[a-a]*$",
        ];
        let texts =
            ["", "a", ":", "a:b", "z9_-", "Z", "\n", "é", "日本", "-", ".", "a-", "\u{fffd}", "\u{7f}"];
        for source in sources {
            let pattern = Pattern::compile(source).unwrap();
            assert!(matches!(pattern, Pattern::Characters { .. }), "{source}");
            let regex = Regex::with_flags(source, "u").unwrap();
            for text in texts {
                assert_eq!(pattern.matches(text), regex.find(text).is_some(), "{source} {text:?}");
            }
        }
        for source in ["^[\\d]*$", "[a]*", "^[a]|[b]*$", "^[a][b]*$", "^[é]*$", "^a$"] {
            assert!(matches!(Pattern::compile(source).unwrap(), Pattern::Other { .. }), "{source}");
        }
    }

    #[test]
    fn it_is_the_regular_expression_of_javascript() {
        for (source, text, matches) in [
            ("a", "xax", true),
            ("^(?!x)\\w+$", "abc", true),
            ("^(?!x)\\w+$", "xbc", false),
            ("^\\p{Letter}+$", "éa", true),
            ("^.$", "😀", true),
            ("^\\d$", "\u{0967}", false),
            ("^\\cC$", "\u{3}", true),
            ("^(?<year>\\d{4})-\\k<year>$", "2020-2020", true),
        ] {
            assert_eq!(Pattern::compile(source).unwrap().matches(text), matches, "{source}");
        }
        for source in ["(", "[", "\\", "\\-", "a{2,1}", "(?<a"] {
            assert!(Pattern::compile(source).is_err(), "{source}");
        }
    }
}
