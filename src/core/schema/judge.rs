//! Judges a value by a schema: whether it is valid, what is wrong with it where it is not, and what of it was declared.

mod arrays;
mod branches;
mod objects;
mod path;
mod plain;

use self::branches::is_of_another;
pub(super) use self::path::Path;
pub(super) use self::plain::{judge_number, judge_string};

use super::compile::Compiled;
use super::rules::{Id, Node, Rules, Types};
use super::wrong::{Wrong, type_of};
use crate::core::Issue;
use crate::core::json::{Hashes, Kind, Value, equal};

/// So many issues are reported. Nobody reads more, and hostile input could have millions.
pub const MOST_ISSUES: usize = 100;

/// So many subschemas may judge within one another: those of a value, of what is in it, and those that refer to others. It
/// bounds the stack. Values alone are no deeper than a tenth of it.
const MOST_DEPTH: usize = 800;
/// So many subschemas may judge something in all, and so many more for each value of the input. A schema that leads back to
/// itself in several branches can take a time that doubles with each level of the input: that is cut short.
const STEPS: usize = 100_000;
const STEPS_A_VALUE: usize = 64;
/// So many steps it costs to say what is wrong.
const WORDS: usize = 8;
/// No more is reported once the issues have so many bytes: names of hostile input may be long.
const MOST_BYTES: usize = 16 * 1024;

pub(super) struct Judge<'a> {
    schema: &'a Compiled,
    /// What subschemas that accept have judged and declared, as `Mark` has it. What one noted that refuses is taken back.
    marks: Vec<u32>,
    /// The resources that were entered on the way here, the last one last.
    scope: Vec<usize>,
    /// What is wrong, where that is asked for. Else the first thing that is ends it.
    issues: Option<Vec<Issue>>,
    depth: usize,
    /// How many more subschemas may judge something.
    steps: usize,
    /// Whether it went too deep or took too long, so that what it found means nothing.
    exhausted: bool,
    /// In a branch of a union of which all issues are collected: how deep the value of the union is.
    branch: Option<usize>,
    /// The branch is not the one that is meant: nothing more is wanted of it.
    aborted: bool,
    /// How many bytes the issues have.
    bytes: usize,
    hashes: Hashes,
}

/// What is noted of a place in a document: the place twice, and this.
pub(super) struct Mark;

impl Mark {
    /// A name or an item was judged.
    pub const JUDGED: u32 = 0;
    /// Of an object: members of it are declared. Of a name: it is asked for, and so kept, though nothing judges it.
    pub const DECLARED: u32 = 1;

    pub fn of(value: Value<'_>, kind: u32) -> u32 {
        2 * value.place() + kind
    }
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Compiled) -> Self {
        Judge {
            schema,
            marks: Vec::new(),
            scope: Vec::new(),
            issues: None,
            depth: 0,
            steps: 0,
            exhausted: false,
            branch: None,
            aborted: false,
            bytes: 0,
            hashes: Hashes::default(),
        }
    }

    /// Whether the value is valid. The places of what was judged are in `marks` then.
    pub fn accepts(&mut self, value: Value<'a>) -> bool {
        self.issues = None;
        self.steps = STEPS + STEPS_A_VALUE * value.all();
        self.judge(self.schema.root, value, &Path::Root) && !self.exhausted
    }

    pub fn issues(&mut self, value: Value<'a>) -> Vec<Issue> {
        self.issues = Some(Vec::new());
        self.steps = STEPS + STEPS_A_VALUE * value.all();
        self.judge(self.schema.root, value, &Path::Root);
        if self.exhausted {
            (self.issues, self.bytes) = (Some(Vec::new()), 0);
            self.wrong(&Path::Root, Wrong::TooMuch);
        }
        self.issues.take().unwrap_or_default()
    }

    pub fn into_marks(self) -> Vec<u32> {
        self.marks
    }

    /// Notes what is wrong. Says whether to go on looking for more.
    fn wrong(&mut self, path: &Path<'_>, wrong: Wrong<'_>) -> bool {
        let Some(issues) = &mut self.issues else {
            return false;
        };
        if issues.len() < MOST_ISSUES && self.bytes < MOST_BYTES {
            // Words cost more than a verdict, the more so the deeper the value is.
            self.steps = self.steps.saturating_sub(WORDS + path.depth());
            let message = format!("{} {}", path.name(), wrong.text(self.schema));
            let issue = Issue { path: path.steps(), code: wrong.code(), message };
            self.bytes += issue.size();
            self.aborted |= self.branch.is_some_and(|depth| is_of_another(&issue, depth));
            issues.push(issue);
        }
        !self.aborted
    }

    /// Whether one thing that is wrong is enough.
    fn stops(&self) -> bool {
        self.issues.is_none() || self.aborted || self.exhausted
    }

    fn judge(&mut self, id: Id, value: Value<'a>, path: &Path<'_>) -> bool {
        // The compiled schema outlives the judge, and is not borrowed through it.
        let schema = self.schema;
        match &schema.nodes[id] {
            Node::Always => true,
            Node::Never => {
                self.wrong(path, Wrong::Forbidden);
                false
            }
            Node::Rules(_) if self.depth == MOST_DEPTH || self.steps == 0 || self.exhausted => {
                self.exhausted = true;
                false
            }
            Node::Rules(rules) => {
                self.depth += 1;
                self.steps -= 1;
                let entered = !schema.dynamic.is_empty() && self.scope.last() != Some(&rules.resource);
                if entered {
                    self.scope.push(rules.resource);
                }
                let start = self.marks.len();
                let accepted = self.rules(rules, value, path);
                if !accepted {
                    self.marks.truncate(start);
                }
                if entered {
                    self.scope.pop();
                }
                self.depth -= 1;
                accepted
            }
        }
    }

    fn rules(&mut self, rules: &'a Rules, value: Value<'a>, path: &Path<'_>) -> bool {
        if let Some(allowed) = rules.types
            && !allowed.has(types_of(value))
        {
            // Whatever else is asked for is meant for another kind of value.
            self.wrong(path, Wrong::Type { allowed, found: type_of(value) });
            return false;
        }
        let start = self.marks.len();
        let mut valid = true;
        let document = &self.schema.document;
        for places in &rules.one_of_values {
            if !places.iter().any(|place| equal(document.at(*place), value)) {
                valid = false;
                if !self.wrong(path, Wrong::Value(places)) {
                    return false;
                }
            }
        }
        valid &= match value.kind() {
            Kind::Number => judge_number(&rules.number, value.raw(), &mut |wrong| self.wrong(path, wrong)),
            Kind::Plain | Kind::Escaped if rules.string.is_empty() => true,
            Kind::Plain | Kind::Escaped => {
                judge_string(&rules.string, &value.text(), &mut |wrong| self.wrong(path, wrong))
            }
            Kind::Array => self.array(&rules.array, value, path),
            Kind::Object => self.object(&rules.object, value, path),
            Kind::Null | Kind::True | Kind::False => true,
        };
        if !valid && self.stops() {
            return false;
        }
        valid &= self.branches(rules, value, path);
        if !valid {
            return false;
        }
        self.unevaluated(rules, start, value, path)
    }
}

/// The types that a value is of.
fn types_of(value: Value<'_>) -> Types {
    match value.kind() {
        Kind::Null => Types::NULL,
        Kind::True | Kind::False => Types::BOOLEAN,
        Kind::Number if value.as_number().is_some_and(|number| number.fract() == 0.0) => {
            Types(Types::NUMBER.0 | Types::INTEGER.0)
        }
        Kind::Number => Types::NUMBER,
        Kind::Plain | Kind::Escaped => Types::STRING,
        Kind::Array => Types::ARRAY,
        Kind::Object => Types::OBJECT,
    }
}
