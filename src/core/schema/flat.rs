//! Schemas of an object that has a few strings and nothing else, as ids, names and texts are. What is read of an input is
//! judged as it was read, without making JSON of it.

use super::compile::Compiled;
use super::judge::judge_string;
use super::rules::{Id, Node, Rules, Types};
use super::wrong::Wrong;
use crate::core::{Field, Issue, Text};

/// The declared properties are read one by one as long as there are no more of them.
pub const MOST_FIELDS: usize = 8;

/// A declared property.
struct Declared {
    id: Id,
    required: bool,
}

pub(super) struct Flat {
    /// In the order of the schema.
    pub names: Vec<String>,
    declared: Vec<Declared>,
}

fn rules_of(schema: &Compiled, id: Id) -> Option<&Rules> {
    match &schema.nodes[id] {
        Node::Rules(rules) => Some(rules),
        _ => None,
    }
}

/// The same where nothing else judges the value.
fn alone(schema: &Compiled, id: Id) -> Option<&Rules> {
    rules_of(schema, id).filter(|rules| rules.in_place().next().is_none())
}

fn is_plain_string(schema: &Compiled, id: Id) -> bool {
    // A text of JavaScript with a lone surrogate equals none that can be compared with it.
    let comparable = |place: &u32| {
        let value = schema.document.at(*place);
        value.between_quotes().is_some() && value.is_well_formed()
    };
    alone(schema, id).is_some_and(|rules| {
        rules.types == Some(Types::STRING) && rules.one_of_values.iter().flatten().all(comparable)
    })
}

impl Flat {
    /// Nothing where the schema is of another kind.
    pub fn of(schema: &Compiled) -> Option<Flat> {
        let rules = alone(schema, schema.root)?;
        let object = &rules.object;
        let names: Vec<_> = object.properties.iter().map(|(name, _)| name.clone()).collect();
        let flat = rules.types == Some(Types::OBJECT)
            && rules.one_of_values.is_empty()
            && rules.unevaluated_properties.is_none()
            && (1..=MOST_FIELDS).contains(&names.len())
            && object.count.least.is_none()
            && object.count.most.is_none()
            && object.names.is_none()
            && object.patterns.is_empty()
            && object.additional.is_none()
            && object.dependent_required.is_empty()
            && object.required.iter().all(|name| names.contains(name))
            && object.properties.iter().all(|(_, id)| is_plain_string(schema, *id));
        let of = |(name, id): &(String, Id)| Declared { id: *id, required: object.required.contains(name) };
        flat.then(|| Flat { names, declared: object.properties.iter().map(of).collect() })
    }

    /// Whether an object is valid whose declared properties have these values, in the order of the schema.
    pub fn accepts(&self, schema: &Compiled, values: &[Field<'_>]) -> bool {
        self.judge(schema, values, &mut |_, _| false)
    }

    pub fn issues(&self, schema: &Compiled, values: &[Field<'_>]) -> Vec<Issue> {
        let mut issues = Vec::new();
        self.judge(schema, values, &mut |name, wrong| {
            issues.push(Issue::at(name, wrong.code(), format!("{name} {}", wrong.text(schema))));
            true
        });
        issues
    }

    fn judge(
        &self,
        schema: &Compiled,
        values: &[Field<'_>],
        wrong: &mut dyn FnMut(&str, Wrong<'_>) -> bool,
    ) -> bool {
        let mut valid = true;
        for ((name, Declared { id, required }), value) in self.names.iter().zip(&self.declared).zip(values) {
            valid &= match *value {
                Field::Text(text) => judge_text(schema, *id, text, &mut |it| wrong(name, it)),
                Field::Other(kind) if kind.is_missing() => {
                    if *required {
                        wrong(name, Wrong::Missing);
                    }
                    !required
                }
                Field::Other(kind) => {
                    wrong(name, Wrong::Type { allowed: Types::STRING, found: kind.name() });
                    false
                }
            };
        }
        valid
    }
}

fn judge_text<'a>(
    schema: &'a Compiled,
    id: Id,
    text: &Text,
    wrong: &mut dyn FnMut(Wrong<'a>) -> bool,
) -> bool {
    let Some(rules) = rules_of(schema, id) else {
        return true;
    };
    let mut valid = true;
    for places in &rules.one_of_values {
        let is = |place: &u32| text.is_well_formed() && schema.document.at(*place).is_text(text.as_str());
        if !places.iter().any(is) {
            valid = false;
            wrong(Wrong::Value(places));
        }
    }
    judge_string(&rules.string, text.as_str(), wrong) && valid
}
