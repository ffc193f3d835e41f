//! The schema of an input, compiled once: JSON Schema 2020-12. Decides whether an input is valid, lists everything wrong with
//! one that is not, and knows what of a valid one is declared.
//!
//! `compile` makes `rules` of the JSON, with `keywords`, `resources` and `uri` to find its parts by; `judge` holds a document
//! to them, `flat` what was read of a simple object; `cut` leaves out what is undeclared; `wrong` says what is wrong.
//!
//! It is written here, and not taken from a crate, since it is what the package is for: a crate that judges any
//! representation of JSON was half of the binary, does not say what of an input was declared, and can't judge one that was
//! never made into JSON.

mod compile;
mod cut;
mod flat;
mod formats;
mod judge;
mod keywords;
mod number;
mod pattern;
mod resources;
mod rules;
mod uri;
mod wrong;

#[cfg(test)]
mod tests;

pub use self::compile::Fault;
pub use self::flat::MOST_FIELDS;
pub use self::judge::MOST_ISSUES;
pub use self::keywords::nearest;
pub use self::wrong::type_of;

use self::compile::Compiled;
use self::flat::Flat;
use self::judge::Judge;
use super::json::{self, Document};
use super::{Field, Issue, Kind};

pub struct Schema {
    compiled: Compiled,
    flat: Option<Flat>,
}

impl Schema {
    /// Compiles JSON text, or says everything that is wrong with it.
    pub fn compile(text: &str) -> Result<Schema, Vec<Fault>> {
        let whole = |message: String| vec![Fault { pointer: String::new(), message }];
        let document = Document::parse(text.to_owned()).map_err(|fault| {
            whole(match fault {
                json::Fault::Syntax(at) => format!("is no JSON at byte {at}"),
                json::Fault::TooDeep => format!("is more than {} levels deep", json::MAX_DEPTH),
                json::Fault::TooLong => "is too long".into(),
            })
        })?;
        let compiled = compile::compile(document)?;
        let flat = Flat::of(&compiled);
        Ok(Schema { compiled, flat })
    }

    /// The names of the declared properties, in the order in which they are read and stored, of a schema whose input can be
    /// judged by them alone.
    pub fn fields(&self) -> Option<&[String]> {
        self.flat.as_ref().map(|flat| flat.names.as_slice())
    }

    /// Everything wrong with an object whose `fields` have these values, in the order of the schema.
    pub fn issues_of_fields(&self, values: &[Field<'_>]) -> Vec<Issue> {
        match &self.flat {
            // The plain decision first: nearly always it is all there is to do.
            Some(flat) if !flat.accepts(&self.compiled, values) => flat.issues(&self.compiled, values),
            _ => Vec::new(),
        }
    }

    /// What of a document is declared, as JSON: nothing where that is all of it. Or everything that is wrong with it.
    pub fn judge(&self, document: &Document) -> Result<Option<String>, Vec<Issue>> {
        let mut judge = Judge::new(&self.compiled);
        if judge.accepts(document.root()) {
            let marks = judge.into_marks();
            return Ok(if marks.is_empty() { None } else { cut::cut(document, &marks) });
        }
        Err(Judge::new(&self.compiled).issues(document.root()))
    }

    /// What is wrong with an input that is no object at all. No kind is that of a string.
    pub fn not_an_object(kind: Option<Kind>) -> Issue {
        let kind = kind.map_or("a string", Kind::name);
        Issue {
            path: Vec::new(),
            code: "invalid_type",
            message: format!("the input must be an object, but it is {kind}"),
        }
    }
}
