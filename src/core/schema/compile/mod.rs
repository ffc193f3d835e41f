//! From the JSON of a schema to its rules, with everything that is wrong with it.

mod circles;
mod values;

use std::collections::HashMap;

use super::keywords::{self, Holds};
use super::resources::Resources;
use super::rules::*;
use crate::core::json::{Document, Kind, Value};

/// Something wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    /// What must be so or is not so, without naming the place.
    pub message: String,
}

/// A schema, compiled.
pub(super) struct Compiled {
    pub document: Document,
    pub nodes: Vec<Node>,
    pub root: Id,
    /// By resource: the subschemas that a `$dynamicRef` may lead to, by name. Empty where there is none.
    pub dynamic: Vec<HashMap<String, Id>>,
    /// Whether it matters which members and items were judged.
    pub marks: bool,
}

pub(super) fn compile(document: Document) -> Result<Compiled, Vec<Fault>> {
    let mut faults = Vec::new();
    let resources = Resources::of(&document, &mut faults);
    let mut compiler = Compiler {
        resources: &resources,
        ids: HashMap::new(),
        nodes: Vec::new(),
        pointers: Vec::new(),
        todo: Vec::new(),
        faults,
        marks: false,
        dynamic: false,
    };
    let root = compiler.id(document.root(), 0, String::new());
    compiler.build_all();
    let dynamic = if compiler.dynamic { compiler.dynamic_anchors() } else { Vec::new() };
    compiler.refuse_circles(&dynamic);
    let Compiler { nodes, faults, marks, .. } = compiler;
    if !faults.is_empty() {
        return Err(faults);
    }
    let nodes = nodes.into_iter().map(|node| node.unwrap_or(Node::Always)).collect();
    let mut compiled = Compiled { document, nodes, root, dynamic, marks };
    let tells: Vec<_> = (0..compiled.nodes.len()).map(|id| compiled.tells(id)).collect();
    for node in &mut compiled.nodes {
        if let Node::Rules(rules) = node {
            rules.object.tells = rules.object.properties.iter().any(|(_, id)| tells[*id]);
        }
    }
    Ok(compiled)
}

impl Compiled {
    /// Whether a subschema is a constant, or one of some.
    pub fn tells(&self, id: Id) -> bool {
        matches!(&self.nodes[id], Node::Rules(rules) if !rules.one_of_values.is_empty())
    }
}

/// A subschema that is yet to be compiled.
struct Task<'a> {
    id: Id,
    value: Value<'a>,
    resource: usize,
}

struct Compiler<'a> {
    resources: &'a Resources<'a>,
    /// By the place of each subschema.
    ids: HashMap<u32, Id>,
    nodes: Vec<Option<Node>>,
    pointers: Vec<String>,
    todo: Vec<Task<'a>>,
    faults: Vec<Fault>,
    marks: bool,
    dynamic: bool,
}

/// A keyword as it is compiled: its value, and where it stands.
struct Keyword<'a, 'p> {
    value: Value<'a>,
    resource: usize,
    pointer: &'p str,
}

impl<'a> Compiler<'a> {
    /// The number of the subschema.
    fn id(&mut self, value: Value<'a>, resource: usize, pointer: String) -> Id {
        let resource = self.resources.at(value).unwrap_or(resource);
        if let Some(id) = self.ids.get(&value.place()) {
            return *id;
        }
        let id = self.nodes.len();
        self.ids.insert(value.place(), id);
        self.nodes.push(None);
        self.pointers.push(pointer);
        self.todo.push(Task { id, value, resource });
        id
    }

    fn build_all(&mut self) {
        while let Some(Task { id, value, resource }) = self.todo.pop() {
            let pointer = self.pointers[id].clone();
            self.nodes[id] = Some(self.build(value, resource, &pointer));
        }
    }

    fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        self.faults.push(Fault { pointer: pointer.to_owned(), message: message.into() });
    }

    fn build(&mut self, value: Value<'a>, resource: usize, pointer: &str) -> Node {
        match value.kind() {
            Kind::True => return Node::Always,
            Kind::False => return Node::Never,
            Kind::Object => {}
            _ => {
                self.fault(pointer, "must be a schema: an object, true or false");
                return Node::Always;
            }
        }
        let mut rules = Rules { resource, ..Rules::default() };
        rules.array.contained.least = Some(1);
        let mut condition = [None; 3];
        for (name, value) in value.members() {
            let name = name.text();
            let pointer = below(pointer, &name);
            let keyword = Keyword { value, resource, pointer: &pointer };
            match &*name {
                "if" => condition[0] = Some(self.schema(&keyword)),
                "then" => condition[1] = Some(self.schema(&keyword)),
                "else" => condition[2] = Some(self.schema(&keyword)),
                _ => self.keyword(&name, &keyword, &mut rules),
            }
        }
        if let [Some(when), then, otherwise] = condition {
            rules.condition = Some(Condition { when, then, otherwise });
        }
        rules.object.index();
        self.marks |= rules.object.declares
            || rules.unevaluated_items.is_some()
            || rules.unevaluated_properties.is_some();
        Node::Rules(Box::new(rules))
    }

    fn keyword(&mut self, name: &str, keyword: &Keyword<'a, '_>, rules: &mut Rules) {
        let Rules { number, string, array, object, .. } = rules;
        match name {
            "$schema" => self.dialect(keyword),
            "$ref" => rules.all.extend(self.reference(keyword).map(|(id, _)| id)),
            "$dynamicRef" => match self.reference(keyword) {
                Some((usual, Some(name))) => {
                    self.dynamic = true;
                    rules.dynamic = Some(Dynamic { name, usual });
                }
                found => rules.all.extend(found.map(|(id, _)| id)),
            },
            "type" => rules.types = self.types(keyword),
            "const" => rules.one_of_values.push(vec![keyword.value.place()]),
            "enum" => match keyword.value.kind() {
                Kind::Array if keyword.value.size() > 0 => {
                    rules.one_of_values.push(keyword.value.items().map(Value::place).collect());
                }
                _ => self.fault(keyword.pointer, "must be an array of at least one value"),
            },
            "minimum" => number.least = self.number(keyword),
            "exclusiveMinimum" => number.more_than = self.number(keyword),
            "maximum" => number.most = self.number(keyword),
            "exclusiveMaximum" => number.less_than = self.number(keyword),
            "multipleOf" => match keyword.value.as_number() {
                Some(of) if of > 0.0 => number.multiple_of = Some(keyword.value.raw().to_owned()),
                _ => self.fault(keyword.pointer, "must be a number over 0"),
            },
            "minLength" => string.length.least = self.count(keyword),
            "maxLength" => string.length.most = self.count(keyword),
            "pattern" => {
                string.pattern = self.text(keyword).and_then(|source| self.pattern(&source, keyword.pointer))
            }
            "format" => string.format = self.format(keyword),
            "minItems" => array.count.least = self.count(keyword),
            "maxItems" => array.count.most = self.count(keyword),
            "uniqueItems" => match keyword.value.as_bool() {
                Some(unique) => array.unique = unique,
                None => self.fault(keyword.pointer, "must be true or false"),
            },
            "prefixItems" => array.prefix = self.list(keyword),
            "items" if keyword.value.kind() == Kind::Array => {
                self.fault(
                    keyword.pointer,
                    "must be one schema: what older JSON Schemas say so is prefixItems",
                );
            }
            "items" => array.rest = Some(self.schema(keyword)),
            "contains" => array.contains = Some(self.schema(keyword)),
            "minContains" => array.contained.least = self.count(keyword),
            "maxContains" => array.contained.most = self.count(keyword),
            "minProperties" => object.count.least = self.count(keyword),
            "maxProperties" => object.count.most = self.count(keyword),
            "required" => object.required = self.texts(keyword),
            "dependentRequired" => {
                for (name, keyword) in self.entries(keyword) {
                    let keyword = Keyword { value: keyword.0, pointer: &keyword.1, resource: 0 };
                    object.dependent_required.push((name, self.texts(&keyword)));
                }
            }
            "propertyNames" => object.names = Some(self.schema(keyword)),
            "properties" => {
                object.declares = true;
                object.properties = self.map(keyword);
            }
            "patternProperties" => {
                object.declares = true;
                for (source, id) in self.map(keyword) {
                    let pattern = self.pattern(&source, &below(keyword.pointer, &source));
                    object.patterns.extend(pattern.map(|pattern| (pattern, id)));
                }
            }
            "additionalProperties" => object.additional = Some(self.schema(keyword)),
            "dependentSchemas" => object.dependent = self.map(keyword),
            "allOf" => {
                let all = self.list(keyword);
                rules.all.extend(all);
            }
            "anyOf" => rules.any_of = Some(self.list(keyword)),
            "oneOf" => rules.one_of = Some(self.list(keyword)),
            "not" => rules.not = Some(self.schema(keyword)),
            "unevaluatedItems" => rules.unevaluated_items = Some(self.schema(keyword)),
            "unevaluatedProperties" => rules.unevaluated_properties = Some(self.schema(keyword)),
            // What is in there is compiled too, so that what is wrong with it is said.
            "$defs" | "definitions" => drop(self.map(keyword)),
            known if keywords::holds(known).is_some() => {}
            unknown => {
                if let Some(message) = keywords::fault(unknown) {
                    self.fault(keyword.pointer, message);
                }
            }
        }
    }

    // --- schemas in keywords ---------------------------------------------------------------------------------------

    fn schema(&mut self, keyword: &Keyword<'a, '_>) -> Id {
        self.id(keyword.value, keyword.resource, keyword.pointer.to_owned())
    }

    fn list(&mut self, keyword: &Keyword<'a, '_>) -> Vec<Id> {
        if keyword.value.kind() != Kind::Array || keyword.value.size() == 0 {
            self.fault(keyword.pointer, "must be an array of at least one schema");
        }
        let items = keyword.value.items().enumerate();
        items.map(|(at, item)| self.id(item, keyword.resource, format!("{}/{at}", keyword.pointer))).collect()
    }

    fn map(&mut self, keyword: &Keyword<'a, '_>) -> Vec<(String, Id)> {
        let entries = self.entries(keyword).into_iter();
        entries.map(|(name, (value, pointer))| (name, self.id(value, keyword.resource, pointer))).collect()
    }

    /// The members of an object, with the pointer to each.
    fn entries(&mut self, keyword: &Keyword<'a, '_>) -> Vec<(String, (Value<'a>, String))> {
        if keyword.value.kind() != Kind::Object {
            self.fault(keyword.pointer, "must be an object");
        }
        let members = keyword.value.members().map(|(name, value)| (name.text().into_owned(), value));
        members.map(|(name, value)| (name.clone(), (value, below(keyword.pointer, &name)))).collect()
    }

    /// The subschema that is referred to, and its name where that is one of a `$dynamicAnchor`.
    fn reference(&mut self, keyword: &Keyword<'a, '_>) -> Option<(Id, Option<String>)> {
        let reference = self.text(keyword)?;
        match self.resources.find(&reference, keyword.resource) {
            Ok(found) => {
                let id = self.id(found.value, found.resource, found.pointer);
                Some((id, found.dynamic))
            }
            Err(message) => {
                self.fault(keyword.pointer, message);
                None
            }
        }
    }

    // --- the whole -------------------------------------------------------------------------------------------------

    fn dynamic_anchors(&mut self) -> Vec<HashMap<String, Id>> {
        let mut all = Vec::new();
        for (resource, anchors) in self.resources.dynamic() {
            let ids = anchors.map(|(name, value)| (name.to_owned(), self.id(value, resource, String::new())));
            all.push(ids.collect());
            self.build_all();
        }
        all
    }
}

/// The pointer to what is called `name` there.
pub(super) fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The subschemas that stand directly in a schema, with the pointer to each.
pub(super) fn subschemas<'a>(schema: Value<'a>, pointer: &str) -> Vec<(Value<'a>, String)> {
    let mut found = Vec::new();
    for (name, value) in schema.members() {
        let name = name.text();
        let pointer = below(pointer, &name);
        match keywords::holds(&name) {
            Some(Holds::Schema) => found.push((value, pointer)),
            Some(Holds::List) => {
                found.extend(value.items().enumerate().map(|(at, item)| (item, format!("{pointer}/{at}"))));
            }
            Some(Holds::Map) => {
                let members = value.members();
                found.extend(members.map(|(name, value)| (value, below(&pointer, &name.text()))));
            }
            Some(Holds::Other) | None => {}
        }
    }
    found
}
