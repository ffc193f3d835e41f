//! Leaves out of a document what its schema does not declare.

use super::judge::Mark;
use crate::core::json::{Document, Kind, Value};

/// The marks of a judge, one bit for each.
struct Places(Vec<u64>);

impl Places {
    fn of(marks: &[u32]) -> Places {
        let most = marks.iter().max().map_or(0, |most| *most as usize / 64 + 1);
        let mut bits = vec![0; most];
        for mark in marks {
            bits[*mark as usize / 64] |= 1u64 << (mark % 64);
        }
        Places(bits)
    }

    fn has(&self, value: Value<'_>, kind: u32) -> bool {
        let mark = Mark::of(value, kind) as usize;
        self.0.get(mark / 64).is_some_and(|bits| bits >> (mark % 64) & 1 == 1)
    }

    /// Whether members of this object are declared.
    fn declares(&self, object: Value<'_>) -> bool {
        self.has(object, Mark::DECLARED)
    }

    /// Whether the member of this name is one of them.
    fn keeps(&self, name: Value<'_>) -> bool {
        self.has(name, Mark::JUDGED) || self.has(name, Mark::DECLARED)
    }
}

/// The text without the members that are not marked, of objects that are. Nothing where there are none.
pub(super) fn cut(document: &Document, marks: &[u32]) -> Option<String> {
    let marked = Places::of(marks);
    let root = document.root();
    if !has_undeclared(root, &marked) {
        return None;
    }
    let mut text = String::with_capacity(document.text().len());
    write(root, &marked, &mut text);
    Some(text)
}

fn has_undeclared(value: Value<'_>, marked: &Places) -> bool {
    match value.kind() {
        Kind::Array => value.items().any(|item| has_undeclared(item, marked)),
        Kind::Object => {
            let declared = marked.declares(value);
            value
                .members()
                .any(|(name, value)| declared && !marked.keeps(name) || has_undeclared(value, marked))
        }
        _ => false,
    }
}

fn write(value: Value<'_>, marked: &Places, text: &mut String) {
    match value.kind() {
        Kind::Array => {
            text.push('[');
            for (at, item) in value.items().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(item, marked, text);
            }
            text.push(']');
        }
        Kind::Object => {
            let declared = marked.declares(value);
            text.push('{');
            let kept = value.members().filter(|(name, _)| !declared || marked.keeps(*name));
            for (at, (name, value)) in kept.enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(name.raw());
                text.push(':');
                write(value, marked, text);
            }
            text.push('}');
        }
        _ => text.push_str(value.raw()),
    }
}
