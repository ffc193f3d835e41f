//! What a schema is made of by name: the resources that `$id` sets apart, their anchors, and where a reference leads.

use std::collections::HashMap;

use super::compile::{Fault, below, subschemas};
use super::uri;
use crate::core::json::{Document, Kind, Value};

struct Resource<'a> {
    uri: String,
    root: Value<'a>,
    pointer: String,
    anchors: HashMap<String, (Value<'a>, String)>,
    /// Those of the anchors that are dynamic.
    dynamic: HashMap<String, Value<'a>>,
}

pub(super) struct Resources<'a> {
    all: Vec<Resource<'a>>,
    /// By the place of the root of each.
    roots: HashMap<u32, usize>,
}

/// Where a reference leads.
pub(super) struct Found<'a> {
    pub value: Value<'a>,
    pub resource: usize,
    pub pointer: String,
    /// Its name, where that is one of a `$dynamicAnchor`.
    pub dynamic: Option<String>,
}

impl<'a> Resources<'a> {
    pub fn of(document: &'a Document, faults: &mut Vec<Fault>) -> Resources<'a> {
        let mut resources = Resources { all: Vec::new(), roots: HashMap::new() };
        resources.add(document.root(), String::new(), String::new());
        resources.survey(document.root(), 0, String::new(), faults);
        resources
    }

    /// The resource whose root this is.
    pub fn at(&self, value: Value<'a>) -> Option<usize> {
        self.roots.get(&value.place()).copied()
    }

    /// The dynamic anchors of each resource.
    pub fn dynamic(&self) -> impl Iterator<Item = (usize, impl Iterator<Item = (&str, Value<'a>)>)> {
        let each = self.all.iter().enumerate();
        each.map(|(at, it)| (at, it.dynamic.iter().map(|(name, value)| (name.as_str(), *value))))
    }

    fn add(&mut self, root: Value<'a>, uri: String, pointer: String) -> usize {
        let number = self.all.len();
        self.roots.insert(root.place(), number);
        self.all.push(Resource { uri, root, pointer, anchors: HashMap::new(), dynamic: HashMap::new() });
        number
    }

    fn survey(&mut self, schema: Value<'a>, mut resource: usize, pointer: String, faults: &mut Vec<Fault>) {
        let mut wrong = |keyword: &str, message: &str| {
            faults.push(Fault { pointer: below(&pointer, keyword), message: message.to_owned() });
        };
        if let Some(id) = schema.get("$id") {
            let text = id.text();
            let (absolute, fragment) = text.split_once('#').unwrap_or((&text, ""));
            if id.between_quotes().is_none() || !fragment.is_empty() {
                wrong("$id", "must be a URI without a fragment");
            }
            let uri = uri::resolve(&self.all[resource].uri, absolute);
            if schema.place() == self.all[0].root.place() {
                self.all[0].uri = uri;
            } else if self.all.iter().any(|other| other.uri == uri) {
                wrong("$id", "is the $id of another subschema too");
            } else {
                resource = self.add(schema, uri, pointer.clone());
            }
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            let Some(anchor) = schema.get(keyword) else { continue };
            let name = anchor.text().into_owned();
            if !is_anchor(&name) {
                wrong(keyword, "must be a name of letters, digits, '-', '_' and '.'");
                continue;
            }
            let of = &mut self.all[resource];
            if keyword == "$dynamicAnchor" {
                of.dynamic.insert(name.clone(), schema);
            }
            if of
                .anchors
                .insert(name, (schema, pointer.clone()))
                .is_some_and(|(it, _)| it.place() != schema.place())
            {
                wrong(keyword, "is an anchor of another subschema too");
            }
        }
        for (value, pointer) in subschemas(schema, &pointer) {
            self.survey(value, resource, pointer, faults);
        }
    }

    /// What `reference` means in a resource, or why there is no such thing.
    pub fn find(&self, reference: &str, resource: usize) -> Result<Found<'a>, String> {
        let uri = uri::resolve(&self.all[resource].uri, reference);
        let (absolute, fragment) = uri.split_once('#').unwrap_or((&uri, ""));
        let fragment = uri::decoded(fragment);
        let missing = || format!("refers to {reference}, which is not in the schema");
        let number = self.all.iter().position(|it| it.uri == absolute).ok_or_else(missing)?;
        let of = &self.all[number];
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.walk(number, &fragment).ok_or_else(missing);
        }
        let (value, pointer) = of.anchors.get(&fragment).ok_or_else(missing)?;
        let dynamic = of.dynamic.contains_key(&fragment).then_some(fragment);
        Ok(Found { value: *value, resource: number, pointer: pointer.clone(), dynamic })
    }

    fn walk(&self, mut resource: usize, fragment: &str) -> Option<Found<'a>> {
        let Resource { root: mut value, ref pointer, .. } = self.all[resource];
        for step in fragment.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            value = match value.kind() {
                Kind::Object => value.get(&name)?,
                _ => value.items().nth(name.parse().ok()?)?,
            };
            resource = self.at(value).unwrap_or(resource);
        }
        Some(Found { value, resource, pointer: format!("{pointer}{fragment}"), dynamic: None })
    }
}

fn is_anchor(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
