//! When two values are the same: objects in any order of their members, numbers by what they amount to.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use super::{Kind, Value};

fn is_string(kind: Kind) -> bool {
    matches!(kind, Kind::Plain | Kind::Escaped)
}

pub fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Number, Kind::Number) => a.as_number() == b.as_number(),
        (Kind::Plain, Kind::Plain) => a.raw() == b.raw(),
        (one, other) if is_string(one) && is_string(other) => a.units().eq(b.units()),
        (Kind::Array, Kind::Array) => {
            a.size() == b.size() && a.items().zip(b.items()).all(|(a, b)| equal(a, b))
        }
        (Kind::Object, Kind::Object) => {
            // Looking each name up would take a hostile document of two large objects for ever.
            let sorted = |value: Value<'_>| {
                let mut members: Vec<_> = value
                    .members()
                    .map(|(name, it)| (name.units().collect::<Vec<_>>(), it.place()))
                    .collect();
                members.sort();
                members
            };
            a.size() == b.size()
                && sorted(a).into_iter().zip(sorted(b)).all(|((a_name, a_at), (b_name, b_at))| {
                    a_name == b_name && equal(a.document.at(a_at), b.document.at(b_at))
                })
        }
        (one, other) => one == other,
    }
}

/// Hashes of values of one document, each made once: a value may be looked at on each level that it is in.
#[derive(Default)]
pub struct Hashes {
    state: RandomState,
    known: HashMap<u32, u64>,
}

/// Whether an item of the array is there twice.
pub fn has_repeats(array: Value<'_>, hashes: &mut Hashes) -> bool {
    if array.size() < 2 {
        return false;
    }
    let mut seen: HashMap<u64, Vec<Value<'_>>> = HashMap::with_capacity(array.size());
    array.items().any(|item| {
        let alike = seen.entry(hashes.of(item)).or_default();
        let repeated = alike.iter().any(|other| equal(*other, item));
        alike.push(item);
        repeated
    })
}

impl Hashes {
    /// The same for values that are the same.
    fn of(&mut self, value: Value<'_>) -> u64 {
        if let Some(hash) = self.known.get(&value.place()) {
            return *hash;
        }
        let mut hasher = self.state.build_hasher();
        match value.kind() {
            Kind::Number => {
                // Both zeros are the same number.
                let number = value.as_number().unwrap_or_default() + 0.0;
                (1u8, number.to_bits()).hash(&mut hasher);
            }
            Kind::Plain | Kind::Escaped => {
                2u8.hash(&mut hasher);
                value.units().for_each(|unit| unit.hash(&mut hasher));
            }
            Kind::Array => {
                3u8.hash(&mut hasher);
                value.items().for_each(|item| self.of(item).hash(&mut hasher));
            }
            Kind::Object => {
                let members = value.members().map(|(name, value)| {
                    let member = (self.of(name), self.of(value));
                    self.state.hash_one(member)
                });
                (4u8, members.fold(0, u64::wrapping_add)).hash(&mut hasher);
            }
            kind => (5u8, kind as u8).hash(&mut hasher),
        }
        let hash = hasher.finish();
        self.known.insert(value.place(), hash);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn repeats(text: &str) -> bool {
        has_repeats(Document::parse(text.into()).unwrap().root(), &mut Hashes::default())
    }

    #[test]
    fn values_are_the_same_by_what_they_are_and_not_by_how_they_are_written() {
        for same in [
            r#"[1, 1.0]"#,
            "[0, -0]",
            "[100, 1e2]",
            r#"["a\u0062", "ab"]"#,
            r#"["\ud800", "\ud800"]"#,
            r#"[{"a":1,"b":[2]}, {"b":[2.0],"a":1}]"#,
            "[[], []]",
            "[null, 1, null]",
        ] {
            assert!(repeats(same), "{same}");
        }
        for different in [
            "[]",
            "[1]",
            "[1, true]",
            "[0, false]",
            r#"["1", 1]"#,
            "[[1], [1, 1]]",
            "[[], {}]",
            r#"[{"a":1}, {"a":1,"b":1}]"#,
            r#"[{"a":1}, {"b":1}]"#,
            r#"["\ud800", "\udc00", "\ufffd"]"#,
            r#"[[1, 2], [2, 1]]"#,
        ] {
            assert!(!repeats(different), "{different}");
        }
    }
}
