//! The input schema, compiled once: decides whether an input is valid and, when it is not, lists everything wrong.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::instance::{Fields, Instance, Read};
use super::{Field, Issue, Kind};

/// In a JSON Schema, the pattern of a string without `:`. It has a message of its own.
const NO_COLON: &str = "^[^:]*$";

/// A JSON Schema of an object whose declared properties are strings.
pub struct Schema {
    validator: Validator<Read>,
    names: Vec<String>,
}

impl Schema {
    /// Compiles `schema`, which is JSON. `names` are its declared properties, in the order in which they are read, stored and reported.
    pub fn compile(schema: &str, names: &[&str]) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(schema).map_err(|error| error.to_string())?;
        let validator =
            jsonschema::options_for::<Read>().build(&schema).map_err(|error| error.to_string())?;
        Ok(Schema { validator, names: names.iter().map(|name| (*name).to_owned()).collect() })
    }

    /// Everything wrong with an object whose declared properties have these values, in the order of the declaration.
    pub fn issues(&self, values: &[Field<'_>]) -> Vec<Issue> {
        let instance = Instance::Fields(Fields { names: &self.names, values });
        // The plain decision first: far cheaper than collecting errors, and nearly always all there is to do.
        if self.validator.is_valid(instance) {
            return Vec::new();
        }
        let errors = self.validator.iter_errors(instance);
        let mut issues: Vec<_> = errors.map(|error| self.issue(&error, values)).collect();
        issues.sort_by_key(|issue| issue.path.first().and_then(|name| self.position(name)));
        issues
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

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|declared| declared == name)
    }

    fn issue(&self, error: &ValidationError<'_>, values: &[Field<'_>]) -> Issue {
        use ValidationErrorKind as Wrong;
        if let Wrong::Required { property } = error.kind() {
            let name = property.as_str().unwrap_or_default();
            return Issue::at(name, "invalid_type", format!("{name} is required"));
        }
        let name = error.instance_path().as_str().trim_start_matches('/');
        let (code, must) = match error.kind() {
            Wrong::Type { .. } => {
                let kind = match self.position(name).map(|at| values[at]) {
                    Some(Field::Other(kind)) => kind,
                    _ => Kind::Undefined,
                };
                return Issue::at(
                    name,
                    "invalid_type",
                    format!("{name} must be a string, but it is {}", kind.name()),
                );
            }
            Wrong::MinLength { limit: 1 } => ("too_small", "must not be empty"),
            Wrong::Pattern { pattern } if pattern == NO_COLON => {
                ("invalid_format", "must not contain ':', which separates the parts of a job id")
            }
            _ => ("custom", "is not valid"),
        };
        Issue::at(name, code, format!("{name} {must}"))
    }
}
