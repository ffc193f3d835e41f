//! What was read of an input's declared properties.

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

    /// Whether it is that of a property that is not there.
    pub fn is_missing(self) -> bool {
        self == Kind::Undefined
    }
}

/// One declared property, read once.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    Text(&'a Text),
    /// Anything else. `Undefined` is a property that is not there.
    Other(Kind),
}
