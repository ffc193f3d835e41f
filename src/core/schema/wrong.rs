//! What may be wrong with a value, in zod's codes and in words.

use super::compile::Compiled;
use super::rules::Types;
use crate::core::json::Value;

/// One thing wrong with a value. It costs nothing to find: words are made of it where they are asked for.
pub(super) enum Wrong<'a> {
    Missing,
    Forbidden,
    Type {
        allowed: Types,
        found: &'static str,
    },
    /// By the places of the values that are allowed.
    Value(&'a [u32]),
    TooShort(usize),
    TooLong(usize),
    Pattern(&'a str),
    Format(&'static str),
    TooSmall {
        least: f64,
        itself: bool,
    },
    TooBig {
        most: f64,
        itself: bool,
    },
    NoMultiple(&'a str),
    TooFewItems(usize),
    TooManyItems(usize),
    Repeats,
    Contains {
        least: usize,
    },
    ContainsTooMany {
        most: usize,
    },
    TooFewProperties(usize),
    TooManyProperties(usize),
    Undeclared(Vec<String>),
    Name(String),
    TooMuch,
    NoBranch,
    ManyBranches,
    Not,
}

/// In a JSON Schema, the pattern of a string without `:`. It has a message of its own.
const NO_COLON: &str = "^[^:]*$";
/// So many values or names are listed, each so long.
const LISTED: usize = 10;
const LONGEST: usize = 64;

impl Wrong<'_> {
    pub fn code(&self) -> &'static str {
        match self {
            Wrong::Missing | Wrong::Forbidden | Wrong::Type { .. } => "invalid_type",
            Wrong::Value(_) => "invalid_value",
            Wrong::Pattern(_) | Wrong::Format(_) => "invalid_format",
            Wrong::TooShort(_)
            | Wrong::TooSmall { .. }
            | Wrong::TooFewItems(_)
            | Wrong::TooFewProperties(_)
            | Wrong::Contains { .. } => "too_small",
            Wrong::TooLong(_)
            | Wrong::TooBig { .. }
            | Wrong::TooManyItems(_)
            | Wrong::TooManyProperties(_)
            | Wrong::ContainsTooMany { .. }
            | Wrong::TooMuch => "too_big",
            Wrong::NoMultiple(_) => "not_multiple_of",
            Wrong::Undeclared(_) => "unrecognized_keys",
            Wrong::Name(_) => "invalid_key",
            Wrong::NoBranch | Wrong::ManyBranches => "invalid_union",
            Wrong::Repeats | Wrong::Not => "custom",
        }
    }

    /// What is to be said behind the name of the value.
    pub fn text(&self, schema: &Compiled) -> String {
        match self {
            Wrong::Missing => "is required".into(),
            Wrong::Forbidden => "must not be there".into(),
            Wrong::Type { allowed, found } => format!("must be {}, but it is {found}", allowed.describe()),
            Wrong::Value([only]) => format!("must be {}", shown(schema, *only)),
            Wrong::Value(places) => {
                let listed: Vec<_> = places.iter().take(LISTED).map(|place| shown(schema, *place)).collect();
                let more = if places.len() > LISTED { ", …" } else { "" };
                format!("must be one of {}{more}", listed.join(", "))
            }
            Wrong::TooShort(1) => "must not be empty".into(),
            Wrong::TooShort(least) => format!("must have at least {least} characters"),
            Wrong::TooLong(most) => format!("must have at most {}", count(*most, "character")),
            Wrong::Pattern(NO_COLON) => "must not contain ':', which separates the parts of a job id".into(),
            Wrong::Pattern(pattern) => format!("must match {}", cut(pattern)),
            Wrong::Format(format) => format!("must have the format {format}"),
            Wrong::TooSmall { least, itself: true } => format!("must be at least {least}"),
            Wrong::TooSmall { least, .. } => format!("must be over {least}"),
            Wrong::TooBig { most, itself: true } => format!("must be at most {most}"),
            Wrong::TooBig { most, .. } => format!("must be under {most}"),
            Wrong::NoMultiple(of) => format!("must be a multiple of {of}"),
            Wrong::TooFewItems(1) => "must not be empty".into(),
            Wrong::TooFewItems(least) => format!("must have at least {least} items"),
            Wrong::TooManyItems(most) => format!("must have at most {}", count(*most, "item")),
            Wrong::Repeats => "must not have the same item twice".into(),
            Wrong::Contains { least } => {
                format!("lacks items of a kind that there must be at least {least} of")
            }
            Wrong::ContainsTooMany { most } => {
                format!("has too many items of a kind that there must be at most {most} of")
            }
            Wrong::TooFewProperties(least) => format!("must have at least {}", properties(*least)),
            Wrong::TooManyProperties(most) => format!("must have at most {}", properties(*most)),
            Wrong::Undeclared(names) => {
                let listed: Vec<_> =
                    names.iter().take(LISTED).map(|name| format!("\"{}\"", cut(name))).collect();
                let more = if names.len() > LISTED { ", …" } else { "" };
                format!("must not have {}{more}", listed.join(", "))
            }
            Wrong::Name(name) => format!("must not have a property called \"{}\"", cut(name)),
            Wrong::TooMuch => "is too deep, or too much, to be held to the schema".into(),
            Wrong::NoBranch => "is of none of the forms that are allowed".into(),
            Wrong::ManyBranches => "is of more than one of the forms of which it must have one".into(),
            Wrong::Not => "is of a form that is not allowed".into(),
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn properties(number: usize) -> String {
    if number == 1 { "1 property".into() } else { format!("{number} properties") }
}

/// A value of the schema as it is written there.
fn shown(schema: &Compiled, place: u32) -> String {
    cut(schema.document.at(place).raw())
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is found where another type was expected.
pub fn type_of(value: Value<'_>) -> &'static str {
    use crate::core::json::Kind;
    match value.kind() {
        Kind::Null => "null",
        Kind::True | Kind::False => "a boolean",
        Kind::Number => "a number",
        Kind::Plain | Kind::Escaped => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}
