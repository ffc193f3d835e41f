//! What a schema says, compiled: each subschema by its number, each keyword as what is to be checked.

use std::collections::HashMap;

use super::formats::Format;
use super::pattern::Pattern;

/// A subschema, by its place in `Compiled`.
pub(super) type Id = usize;

pub(super) enum Node {
    /// `true`, or an object that says nothing.
    Always,
    /// `false`.
    Never,
    Rules(Box<Rules>),
}

/// What one subschema asks of a value. What is not asked for is empty.
#[derive(Default)]
pub(super) struct Rules {
    /// The schema resource that it belongs to.
    pub resource: usize,
    pub types: Option<Types>,
    /// `const` and `enum`: each is a list of values, by their places in the document of the schema.
    pub one_of_values: Vec<Vec<u32>>,
    pub number: NumberRules,
    pub string: StringRules,
    pub array: ArrayRules,
    pub object: ObjectRules,
    /// Those that judge the same value, and must all accept it: `$ref` and `allOf`.
    pub all: Vec<Id>,
    pub dynamic: Option<Dynamic>,
    pub any_of: Option<Vec<Id>>,
    pub one_of: Option<Vec<Id>>,
    pub not: Option<Id>,
    pub condition: Option<Condition>,
    pub unevaluated_items: Option<Id>,
    pub unevaluated_properties: Option<Id>,
}

/// A `$dynamicRef` whose target is the outermost of those that have its name.
pub(super) struct Dynamic {
    pub name: String,
    /// Where nothing further out has the name.
    pub usual: Id,
}

pub(super) struct Condition {
    pub when: Id,
    pub then: Option<Id>,
    pub otherwise: Option<Id>,
}

/// The types of JSON that are allowed, one bit for each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(pub u8);

impl Types {
    pub const NAMES: [(&str, &str); 7] = [
        ("null", "null"),
        ("boolean", "a boolean"),
        ("integer", "an integer"),
        ("number", "a number"),
        ("string", "a string"),
        ("array", "an array"),
        ("object", "an object"),
    ];
    pub const NULL: Types = Types(1);
    pub const BOOLEAN: Types = Types(2);
    pub const INTEGER: Types = Types(4);
    pub const NUMBER: Types = Types(8);
    pub const STRING: Types = Types(16);
    pub const ARRAY: Types = Types(32);
    pub const OBJECT: Types = Types(64);

    pub fn named(name: &str) -> Option<Types> {
        Self::NAMES.iter().position(|(known, _)| *known == name).map(|at| Types(1 << at))
    }

    pub fn has(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    /// For messages: "a string or null".
    pub fn describe(self) -> String {
        let all = Self::NAMES.iter().enumerate().filter(|(at, _)| self.0 >> at & 1 == 1);
        let names: Vec<_> = all.map(|(_, (_, name))| *name).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}

/// How many there may be of something.
#[derive(Default, Clone, Copy)]
pub(super) struct Range {
    pub least: Option<usize>,
    pub most: Option<usize>,
}

#[derive(Default)]
pub(super) struct NumberRules {
    pub least: Option<f64>,
    pub more_than: Option<f64>,
    pub most: Option<f64>,
    pub less_than: Option<f64>,
    /// As it is written in the schema.
    pub multiple_of: Option<String>,
}

#[derive(Default)]
pub(super) struct StringRules {
    pub length: Range,
    pub pattern: Option<Pattern>,
    pub format: Option<Format>,
}

impl StringRules {
    /// Whether it asks anything of a string.
    pub fn is_empty(&self) -> bool {
        let StringRules { length, pattern, format } = self;
        length.least.is_none() && length.most.is_none() && pattern.is_none() && format.is_none()
    }
}

#[derive(Default)]
pub(super) struct ArrayRules {
    pub count: Range,
    pub unique: bool,
    pub prefix: Vec<Id>,
    pub rest: Option<Id>,
    pub contains: Option<Id>,
    pub contained: Range,
}

#[derive(Default)]
pub(super) struct ObjectRules {
    pub count: Range,
    pub required: Vec<String>,
    pub names: Option<Id>,
    /// Whether it says which members there are, so that others are no part of it.
    pub declares: bool,
    /// Whether one of its properties is a constant, or one of some.
    pub tells: bool,
    /// In the order of the schema.
    pub properties: Vec<(String, Id)>,
    /// Where there are too many of them to look through.
    pub index: Option<HashMap<String, usize>>,
    pub patterns: Vec<(Pattern, Id)>,
    pub additional: Option<Id>,
    pub dependent_required: Vec<(String, Vec<String>)>,
    pub dependent: Vec<(String, Id)>,
}

/// From so many on, properties are looked up by their hash.
const MANY: usize = 8;

impl ObjectRules {
    pub fn index(&mut self) {
        if self.properties.len() > MANY {
            let numbered = self.properties.iter().enumerate();
            self.index = Some(numbered.map(|(at, (name, _))| (name.clone(), at)).collect());
        }
    }

    pub fn property(&self, name: &str) -> Option<Id> {
        let at = match &self.index {
            Some(index) => *index.get(name)?,
            None => self.properties.iter().position(|(declared, _)| declared == name)?,
        };
        Some(self.properties[at].1)
    }

    /// Whether it says of a name that it must be there.
    pub fn asks_for(&self, name: &str) -> bool {
        let dependent = self.dependent_required.iter().flat_map(|(_, needed)| needed);
        self.declares && self.required.iter().chain(dependent).any(|asked| asked == name)
    }

    /// Whether it asks anything of an object.
    pub fn is_empty(&self) -> bool {
        self.count.least.is_none()
            && self.count.most.is_none()
            && self.required.is_empty()
            && self.names.is_none()
            && !self.declares
            && self.additional.is_none()
            && self.dependent_required.is_empty()
            && self.dependent.is_empty()
    }
}

impl Rules {
    /// Those that judge the same value as this.
    pub fn in_place(&self) -> impl Iterator<Item = Id> + '_ {
        let branches = self.any_of.iter().chain(&self.one_of).flatten().copied();
        let condition = self.condition.iter().flat_map(|it| [Some(it.when), it.then, it.otherwise]).flatten();
        let dependent = self.object.dependent.iter().map(|(_, id)| *id);
        self.all
            .iter()
            .copied()
            .chain(self.dynamic.iter().map(|it| it.usual))
            .chain(branches)
            .chain(self.not)
            .chain(condition)
            .chain(dependent)
    }
}
