//! Leaves out of a document what its schema does not declare.

use crate::core::json::{Document, Kind, Value};

/// Places of a document, one bit for each.
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

    fn has(&self, value: Value<'_>) -> bool {
        let place = value.place() as usize;
        self.0.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
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
            let declared = marked.has(value);
            value
                .members()
                .any(|(name, value)| declared && !marked.has(name) || has_undeclared(value, marked))
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
            let declared = marked.has(value);
            text.push('{');
            let kept = value.members().filter(|(name, _)| !declared || marked.has(*name));
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
