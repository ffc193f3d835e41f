//! What was read of an input, as a JSON value that the validator can walk without a copy.
//!
//! The `jsonschema` crate validates any representation that says which JSON type it is. Ours is the handful of declared
//! properties that were read, borrowed from the buffers they were read into: a valid ticket costs one small allocation here.

use std::borrow::Cow;

use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use jsonschema::types::JsonType;
use serde_json::Value;

use super::Text;

/// What JavaScript calls a value that is not a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Undefined,
    Null,
    Boolean,
    Number,
    BigInt,
    Symbol,
    Function,
    Array,
    Object,
}

impl Kind {
    /// With its article, for messages: "an array".
    pub fn name(self) -> &'static str {
        match self {
            Kind::Undefined => "undefined",
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Number => "a number",
            Kind::BigInt => "a bigint",
            Kind::Symbol => "a symbol",
            Kind::Function => "a function",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }

    /// Values that JSON cannot hold count as null: no schema of ours accepts either.
    fn json_type(self) -> JsonType {
        match self {
            Kind::Boolean => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
            Kind::Undefined | Kind::Null | Kind::BigInt | Kind::Symbol | Kind::Function => JsonType::Null,
        }
    }
}

/// One declared property, read once.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    Text(&'a Text),
    /// Anything else. `Undefined` is a property that is not there.
    Other(Kind),
}

/// The whole input: its declared properties by name, in the order of the schema.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    pub names: &'a [String],
    pub values: &'a [Field<'a>],
}

impl<'a> Fields<'a> {
    fn present(self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        let named = self.names.iter().map(String::as_str);
        named
            .zip(self.values.iter().copied())
            .filter(|(_, value)| !matches!(value, Field::Other(Kind::Undefined)))
    }
}

/// The representation the validator is compiled for.
pub struct Read;

/// A value of that representation.
#[derive(Clone, Copy)]
pub enum Instance<'a> {
    Fields(Fields<'a>),
    Text(&'a str),
    Other(Kind),
}

impl<'a> From<Field<'a>> for Instance<'a> {
    fn from(field: Field<'a>) -> Self {
        match field {
            Field::Text(text) => Instance::Text(text.as_str()),
            Field::Other(kind) => Instance::Other(kind),
        }
    }
}

impl Json for Read {
    type Node<'a> = Instance<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Instance<'_>) -> T) -> T {
        f(Instance::Text(string))
    }
}

impl<'a> Node<'a, Read> for Instance<'a> {
    type Object = Fields<'a>;
    type Array = Empty;
    type Number = serde_json::Number;

    fn as_object(&self) -> Option<Fields<'a>> {
        match self {
            Instance::Fields(fields) => Some(*fields),
            // An object where none is declared: what is in it was not read.
            Instance::Other(Kind::Object) => Some(Fields { names: &[], values: &[] }),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Empty> {
        matches!(self, Instance::Other(Kind::Array)).then_some(Empty)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Instance::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<serde_json::Number> {
        // Which number is not read, since no schema of ours has a number in it.
        matches!(self, Instance::Other(Kind::Number)).then(|| 0.into())
    }

    fn as_boolean(&self) -> Option<bool> {
        matches!(self, Instance::Other(Kind::Boolean)).then_some(false)
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        match self {
            Instance::Fields(_) => JsonType::Object,
            Instance::Text(_) => JsonType::String,
            Instance::Other(kind) => kind.json_type(),
        }
    }

    /// Of use in an error alone, and no message of ours repeats the input: it may be long, and is not copied.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Value::Null)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self {
            Instance::Text(text) => expected.as_str() == Some(text),
            Instance::Other(Kind::Null) => expected.is_null(),
            // What these are was read, not which.
            Instance::Fields(_) | Instance::Other(_) => false,
        }
    }

    fn identity(&self) -> Option<NodeIdentity> {
        // Needed for recursive schemas only; what is read is flat.
        None
    }
}

impl<'a> Object<'a, Read> for Fields<'a> {
    type Node = Instance<'a>;
    type MemberName = &'a str;
    type MembersIter = Box<dyn Iterator<Item = (&'a str, Instance<'a>)> + 'a>;

    fn len(&self) -> usize {
        self.present().count()
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        self.present().find(|(name, _)| name == key).map(|(_, value)| value.into())
    }

    fn members(&self) -> Self::MembersIter {
        Box::new(self.present().map(|(name, value)| (name, value.into())))
    }
}

/// An array, of which only that it is one was read.
pub struct Empty;

impl<'a> Array<'a, Read> for Empty {
    type Node = Instance<'a>;
    type ElementsIter = std::iter::Empty<Instance<'a>>;

    fn len(&self) -> usize {
        0
    }

    fn elements(&self) -> Self::ElementsIter {
        std::iter::empty()
    }
}
