//! The id that a job has: stable, so that the same job is never there twice, and one that BullMQ itself would take.
//!
//! | fields | id | what no field may hold |
//! |---|---|---|
//! | one | `<queue>-<a>` | `:` |
//! | two | `<queue>:<a>:<b>` | `:` |
//! | more | `<queue>:<a>:<b>,<c>…` | `:`, and from the second on `,` |
//!
//! BullMQ takes ids with two colons or none, and none of digits alone. Two different lists of fields never make the same id.

use std::borrow::Cow;

use super::job::Form;
use super::{Field, Issue, Text};

/// The most bytes that the id of a job may have. It stands in Redis six times: as a key, in the options, in a list, in two
/// events and, once finished, in a set.
pub const MAX_ID: usize = 512;

/// What BullMQ calls its own keys, where the ids of jobs stand too.
const RESERVED: [&str; 23] = [
    "dn",
    "wait",
    "paused",
    "active",
    "delayed",
    "prioritized",
    "waiting-children",
    "completed",
    "failed",
    "stalled",
    "stalled-check",
    "limiter",
    "meta",
    "id",
    "pc",
    "events",
    "marker",
    "repeat",
    "priority",
    "waiting",
    "de",
    "metrics",
    "added",
];
/// What those of its own keys begin with that are made of three parts.
const RESERVED_FRONTS: [&str; 4] = ["de", "dn", "metrics", "repeat"];

/// How ids are made of some fields of the data.
pub struct IdRule {
    queue: String,
    fields: Vec<String>,
    /// Whether what no field may hold is percent-encoded, and `%` with it.
    encode: bool,
}

impl IdRule {
    pub fn new(queue: &str, fields: Vec<String>, encode: bool) -> Self {
        IdRule { queue: queue.to_owned(), fields, encode }
    }

    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// What parts a field from those before it.
    fn separator(&self, position: usize) -> char {
        match position {
            0 if self.fields.len() == 1 => '-',
            0 | 1 => ':',
            _ => ',',
        }
    }

    fn may_hold(&self, position: usize, character: char) -> bool {
        character != ':' && !(character == ',' && self.fields.len() > 2 && position > 0)
    }

    /// What is wrong with fields that are to make an id, beside what the schema says is wrong with them.
    pub fn issues(&self, values: &[Field<'_>], has_issue: impl Fn(&str) -> bool) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.is_plain(values) {
            return issues;
        }
        for (position, (name, value)) in self.fields.iter().zip(values).enumerate() {
            issues.extend(self.issues_of(position, name, value, has_issue(name)));
        }
        if issues.is_empty() && !self.fields.iter().any(|name| has_issue(name)) {
            issues.extend(self.too_long(values));
        }
        issues
    }

    /// Whether nothing is wrong with them, for sure: what nearly all fields are.
    fn is_plain(&self, values: &[Field<'_>]) -> bool {
        let mut length = self.queue.len();
        for value in values {
            let Field::Text(text) = value else { return false };
            let bytes = text.as_str().as_bytes();
            length += 1 + bytes.len();
            // Without an early exit, which the compiler vectorises.
            let separates = bytes.iter().fold(false, |any, byte| any | matches!(byte, b':' | b',' | b'%'));
            if separates || !text.is_well_formed() {
                return false;
            }
        }
        length <= MAX_ID
    }

    /// `has_issue` says that the schema found something wrong with the field: a wrong type, or what separates.
    fn issues_of(&self, position: usize, name: &str, value: &Field<'_>, has_issue: bool) -> Vec<Issue> {
        let text = match value {
            Field::Text(text) => text,
            Field::Other(_) if has_issue => return Vec::new(),
            Field::Other(kind) if kind.is_missing() => {
                return vec![Issue::at(name, "invalid_type", format!("{name} is required"))];
            }
            Field::Other(kind) => {
                let message = format!("{name} must be a string, but it is {}", kind.name());
                return vec![Issue::at(name, "invalid_type", message)];
            }
        };
        let unsaid = !self.encode && !has_issue;
        let wrong = text.as_str().chars().find(|it| unsaid && !self.may_hold(position, *it));
        let separates =
            wrong.map(|it| format!("{name} must not contain '{it}', which separates the parts of a job id"));
        // Two such ids would become one key, and a worker could never finish their job.
        let ill_formed = (!text.is_well_formed())
            .then(|| format!("{name} must be well-formed Unicode, but it has a lone surrogate"));
        let messages = separates.into_iter().chain(ill_formed);
        messages.map(|message| Issue::at(name, "invalid_format", message)).collect()
    }

    /// Said of the longest of the fields.
    fn too_long(&self, values: &[Field<'_>]) -> Option<Issue> {
        let parts =
            self.fields.iter().zip(values).enumerate().filter_map(|(at, (name, value))| match value {
                Field::Text(text) => Some((name, self.part(at, text).len())),
                Field::Other(_) => None,
            });
        let id = self.queue.len() + parts.clone().map(|(_, bytes)| 1 + bytes).sum::<usize>();
        let (name, bytes) = parts.max_by_key(|(_, bytes)| *bytes).filter(|_| id > MAX_ID)?;
        let message = format!(
            "{name} has {bytes} bytes, which makes an id of {id} bytes for the job: at most {MAX_ID} will do"
        );
        Some(Issue::at(name, "too_big", message))
    }

    /// A field as it stands in the id.
    fn part<'a>(&self, position: usize, text: &'a Text) -> Cow<'a, str> {
        let is_plain = |it: char| it != '%' && self.may_hold(position, it);
        if !self.encode || text.as_str().chars().all(is_plain) {
            return Cow::Borrowed(text.as_str());
        }
        let mut part = String::new();
        for character in text.as_str().chars() {
            if is_plain(character) {
                part.push(character);
            } else {
                part.push_str(&format!("%{:02X}", character as u32));
            }
        }
        Cow::Owned(part)
    }

    /// Writes the id that these fields make, with which nothing is wrong.
    pub fn write<'a>(&self, texts: impl Iterator<Item = &'a Text>, bytes: &mut Vec<u8>, form: Form) {
        bytes.extend_from_slice(self.queue.as_bytes());
        for (position, text) in texts.enumerate() {
            bytes.push(self.separator(position) as u8);
            match self.part(position, text) {
                Cow::Borrowed(_) if form == Form::Json => text.write_json(bytes),
                Cow::Owned(part) if form == Form::Json => Text::from(&*part).write_json(bytes),
                part => bytes.extend_from_slice(part.as_bytes()),
            }
        }
    }
}

/// Why no job may have this id, if that is so.
pub fn fault(id: &Text) -> Option<String> {
    if !id.is_well_formed() {
        return Some("must be well-formed Unicode, but it has a lone surrogate".into());
    }
    let text = id.as_str();
    if text.is_empty() {
        return Some("must not be empty".into());
    }
    if text.len() > MAX_ID {
        return Some(format!("has {} bytes: at most {MAX_ID} will do", text.len()));
    }
    if is_number(text) {
        return Some("must not be a whole number, as BullMQ's own are".into());
    }
    // BullMQ takes what splits into three, whatever is between the colons.
    let colons = text.matches(':').count();
    if colons != 0 && colons != 2 {
        return Some(format!("must have two ':' or none, as BullMQ demands, but it has {colons}"));
    }
    if text.starts_with("0:") {
        return Some("must not start with '0:', as BullMQ demands".into());
    }
    is_reserved(text).then(|| "is the name of a key of the queue".into())
}

/// Whether it is one of the numbers that Redis gives jobs without an id.
pub fn is_number(id: &str) -> bool {
    id.strip_prefix('-').unwrap_or(id).bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a job of this id would have the key of something else.
pub fn is_reserved(id: &str) -> bool {
    match id.split_once(':') {
        None => RESERVED.contains(&id),
        Some((front, _)) => RESERVED_FRONTS.contains(&front),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fields: &[&str], encode: bool) -> IdRule {
        IdRule::new("q", fields.iter().map(|name| (*name).to_owned()).collect(), encode)
    }

    fn id(rule: &IdRule, parts: &[&str]) -> Result<String, Vec<Issue>> {
        let texts: Vec<_> = parts.iter().map(|part| Text::from(*part)).collect();
        let values: Vec<_> = texts.iter().map(Field::Text).collect();
        let issues = rule.issues(&values, |_| false);
        if !issues.is_empty() {
            return Err(issues);
        }
        let mut bytes = Vec::new();
        rule.write(texts.iter(), &mut bytes, Form::Plain);
        Ok(String::from_utf8(bytes).unwrap())
    }

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    #[test]
    fn an_id_is_made_of_the_fields_in_the_form_that_bullmq_takes() {
        for (parts, expected) in [
            (&["x"][..], "q-x"),
            (&["x", "y"], "q:x:y"),
            (&["x,y", "z"], "q:x,y:z"),
            (&["x", "y", "z"], "q:x:y,z"),
            (&["x,", "", "", "w"], "q:x,:,,w"),
        ] {
            assert_eq!(id(&rule(&NAMES[..parts.len()], false), parts).unwrap(), expected);
        }
        for (parts, expected) in [
            (&["a:b%"][..], "q-a%3Ab%25"),
            (&["auth0|x", "urn:a:b"], "q:auth0|x:urn%3Aa%3Ab"),
            (&["a,b", "c,d", ","], "q:a,b:c%2Cd,%2C"),
        ] {
            assert_eq!(id(&rule(&NAMES[..parts.len()], true), parts).unwrap(), expected);
        }
    }

    #[test]
    fn a_field_that_would_make_an_id_ambiguous_is_named() {
        for (parts, at) in [(&["a:b"][..], "/a"), (&["a", ":"], "/b"), (&["a,b", "c", "d,e"], "/c")] {
            let issues = id(&rule(&NAMES[..parts.len()], false), parts).unwrap_err();
            assert_eq!(issues.iter().map(Issue::pointer).collect::<Vec<_>>(), [at]);
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_field_is_said() {
        let text = Text::from_iter([u16::from(b':'), 0xd800]);
        let issues = rule(&["a"], false).issues(&[Field::Text(&text)], |_| false);
        let messages: Vec<_> = issues.iter().map(|issue| issue.message.as_str()).collect();
        assert_eq!(messages.len(), 2);
        assert!(messages[0].contains("':'") && messages[1].contains("surrogate"), "{messages:?}");
        // The schema may have found that it separates, but not that it is ill-formed.
        let beside = rule(&["a"], false).issues(&[Field::Text(&text)], |_| true);
        assert_eq!(beside, issues[1..]);
    }

    #[test]
    fn different_fields_make_different_ids_and_each_is_one_that_a_job_may_have() {
        let pieces = ["", "a", ":", ",", "%", "%3A", "a,", ",a", "%2C", "::"];
        for encode in [false, true] {
            for count in 1..=3 {
                let rule = rule(&NAMES[..count], encode);
                let mut seen = std::collections::HashMap::new();
                for number in 0..pieces.len().pow(count as u32) {
                    let parts: Vec<_> = (0..count as u32)
                        .map(|at| pieces[number / pieces.len().pow(at) % pieces.len()])
                        .collect();
                    let Ok(id) = id(&rule, &parts) else { continue };
                    assert_eq!(fault(&Text::from(&*id)), None, "{id}");
                    if let Some(other) = seen.insert(id.clone(), parts.clone()) {
                        panic!("{id} is made of {other:?} and of {parts:?}");
                    }
                }
                assert!(seen.len() > 1);
            }
        }
    }

    #[test]
    fn ids_that_no_job_may_have_are_told_from_those_that_one_may() {
        for fine in ["a", "a:b:c", "::", "12a", "é", "meta:a:b", "wait-1", "1:a:b", "--1"] {
            assert_eq!(fault(&Text::from(fine)), None, "{fine}");
        }
        for wrong in [
            "",
            "12",
            "-5",
            "0",
            "0:a:b",
            "a:b",
            "a:b:c:d",
            "wait",
            "meta",
            "de",
            "de:a:b",
            "dn:a:b",
            "metrics:completed:data",
            "repeat:a:1",
        ] {
            assert!(fault(&Text::from(wrong)).is_some(), "{wrong}");
        }
        assert!(fault(&Text::from(&*"x".repeat(MAX_ID + 1))).is_some());
        assert!(fault(&Text::from_iter([0xd800])).is_some());
    }
}
