//! What is wrong with an input, in the form that a client can show beside the field.

use serde::Serialize;

/// From a value to one in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    Name(String),
    Item(usize),
}

/// One thing wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where: the steps from the root. Empty for the input itself.
    pub path: Vec<Step>,
    /// What kind of thing: `invalid_type`, `too_small`, `invalid_format` …, as in zod 4.
    pub code: &'static str,
    /// One sentence for people.
    pub message: String,
}

impl Issue {
    pub fn at(field: &str, code: &'static str, message: String) -> Self {
        Issue { path: vec![Step::Name(field.to_owned())], code, message }
    }

    /// About how many bytes it has.
    pub fn size(&self) -> usize {
        let step = |step: &Step| match step {
            Step::Name(name) => name.len(),
            Step::Item(_) => 8,
        };
        self.message.len() + self.path.iter().map(step).sum::<usize>()
    }

    /// `path` as a JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            pointer.push('/');
            match step {
                Step::Name(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Item(at) => pointer.push_str(&at.to_string()),
            }
        }
        pointer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_escapes_what_rfc_6901_says() {
        assert_eq!(Issue::at("a/b~c", "invalid_type", String::new()).pointer(), "/a~1b~0c");
        let root = Issue { path: vec![], code: "invalid_type", message: String::new() };
        assert_eq!(root.pointer(), "");
    }
}
