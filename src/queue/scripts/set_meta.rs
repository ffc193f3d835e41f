//! Fields of a queue's meta on the wire: one call of `set_meta.lua`.

use std::sync::LazyLock;

use super::{Source, Strings, base_of};
use crate::queue::Destination;
use crate::queue::connection::resp::{Reply, push_array};

static SOURCE: LazyLock<Source> = LazyLock::new(|| Source::new(&[include_str!("set_meta.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        Script { base: base_of(destination) }
    }

    /// Appends the call for a batch: of each call its fields, each followed by its value.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Vec<String>], out: &mut Vec<u8>) {
        let mut strings = Strings::default();
        strings.push_number(1);
        strings.push(&[self.base.as_bytes(), b"meta"]);
        strings.push_number(number);
        for fields in batch {
            strings.push_number(fields.len() as u64 / 2);
            for text in *fields {
                strings.push(&[text.as_bytes()]);
            }
        }
        push_array(2 + strings.count, out);
        SOURCE.push(whole, out);
        out.extend_from_slice(&strings.bytes);
    }
}

/// How many fields each call of a batch of `count` added; nothing when this is no reply to the batch.
pub fn counts(reply: &Reply, number: u64, count: usize) -> Option<Vec<u64>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let (Reply::Integer(first), counts) = items.split_first()? else {
        return None;
    };
    if u64::try_from(*first) != Ok(number) || counts.len() != count {
        return None;
    }
    let read = |item: &Reply| match item {
        Reply::Integer(added) => u64::try_from(*added).ok(),
        _ => None,
    };
    counts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_fields_of_each_behind_how_many_there_are() {
        let calls = [vec!["a", "1"], vec!["b", "2", "c", "3"]]
            .map(|fields| fields.into_iter().map(str::to_owned).collect());
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, 9, &[&calls[0], &calls[1]], &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("*13\r\n$7\r\nEVALSHA\r\n"), "{out}");
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).skip(2).collect();
        assert_eq!(strings, ["1", "bull:ticket-triage:meta", "9", "1", "a", "1", "2", "b", "2", "c", "3"]);
    }

    #[test]
    fn a_reply_has_a_count_for_each_call() {
        let read =
            |items: &[i64]| counts(&Reply::Array(items.iter().copied().map(Reply::Integer).collect()), 9, 2);
        assert_eq!(read(&[9, 1, 0]), Some(vec![1, 0]));
        for wrong in [&[][..], &[9], &[9, 1], &[8, 1, 0], &[9, 1, -1], &[9, 1, 0, 0]] {
            assert_eq!(read(wrong), None);
        }
        assert_eq!(counts(&Reply::Nil, 9, 2), None);
    }
}
