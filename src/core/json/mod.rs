//! JSON text as a list of nodes that point into it: nothing of it is copied, and what is left out of it later is cut out of
//! the text itself.

mod parse;
mod same;
mod string;

pub use self::parse::{Fault, MAX_DEPTH};
pub use self::same::{Hashes, equal, has_repeats};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    False,
    True,
    Number,
    /// A string that stands in the text as it is.
    Plain,
    /// One with escapes.
    Escaped,
    Array,
    Object,
}

/// A value, or the name of a member. Its children follow it in the list.
#[derive(Clone, Copy)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// What follows it and all that is in it.
    next: u32,
    /// How many items or members it has.
    size: u32,
}

/// Some JSON.
#[derive(Default)]
pub struct Document {
    text: String,
    nodes: Vec<Node>,
}

impl Document {
    /// Reads JSON text. Names that stand twice in an object are members twice.
    pub fn parse(text: String) -> Result<Document, Fault> {
        let mut document = Document { text, nodes: Vec::new() };
        parse::fill(&document.text, &mut document.nodes)?;
        Ok(document)
    }

    /// The same with other text, in the memory that is there already.
    pub fn read<E: From<Fault>>(&mut self, fill: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        self.text.clear();
        self.nodes.clear();
        fill(&mut self.text)?;
        Ok(parse::fill(&self.text, &mut self.nodes)?)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn root(&self) -> Value<'_> {
        self.at(0)
    }

    /// The value that has this place.
    pub fn at(&self, place: u32) -> Value<'_> {
        Value { document: self, at: place }
    }
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    at: u32,
}

impl<'a> Value<'a> {
    fn node(self) -> Node {
        self.document.nodes[self.at as usize]
    }

    /// Its place in the list, which no other value or name of the document has.
    pub fn place(self) -> u32 {
        self.at
    }

    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// As it is written.
    pub fn raw(self) -> &'a str {
        let Node { start, end, .. } = self.node();
        &self.document.text[start as usize..end as usize]
    }

    /// How many values and names it is made of.
    pub fn all(self) -> usize {
        (self.node().next - self.at) as usize
    }

    /// How many items or members it has.
    pub fn size(self) -> usize {
        self.node().size as usize
    }

    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    pub fn as_number(self) -> Option<f64> {
        (self.kind() == Kind::Number).then(|| self.raw().parse().unwrap_or(f64::NAN))
    }

    /// What stands between the quotes, still escaped.
    pub fn between_quotes(self) -> Option<&'a str> {
        let Node { kind, start, end, .. } = self.node();
        matches!(kind, Kind::Plain | Kind::Escaped)
            .then(|| &self.document.text[start as usize + 1..end as usize - 1])
    }

    pub fn items(self) -> Items<'a> {
        let of = if self.kind() == Kind::Array { self.size() } else { 0 };
        Items { document: self.document, at: self.at + 1, left: of }
    }

    /// Its members: the name and the value of each.
    pub fn members(self) -> Members<'a> {
        let of = if self.kind() == Kind::Object { self.size() } else { 0 };
        Members { document: self.document, at: self.at + 1, left: of }
    }

    /// The member of this name, which is not escaped.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.members().find(|(key, _)| key.is_text(name)).map(|(_, value)| value)
    }
}

pub struct Items<'a> {
    document: &'a Document,
    at: u32,
    left: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let item = Value { document: self.document, at: self.at };
        self.at = item.node().next;
        Some(item)
    }
}

pub struct Members<'a> {
    document: &'a Document,
    at: u32,
    left: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let name = Value { document: self.document, at: self.at };
        let value = Value { document: self.document, at: self.at + 1 };
        self.at = value.node().next;
        Some((name, value))
    }
}
