//! A batch of looks on the wire: one call of `look_at_jobs.lua`, with every key declared.

use std::sync::LazyLock;

use super::answer::State;
use super::{INSPECTOR, KEYS, QUEUE_KEYS, Source, base_of, queue_keys};
use crate::queue::connection::resp::{Decimal, Reply, push_array, push_bulk, push_bulk_of};
use crate::queue::{Destination, Look};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new(&[KEYS, INSPECTOR, include_str!("look_at_jobs.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
    queue_keys: Vec<u8>,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        Script { queue_keys: queue_keys(&base), base }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Look], out: &mut Vec<u8>) {
        let ids = || batch.iter().flat_map(|look| &look.ids);
        let keys = QUEUE_KEYS.len() + ids().count();
        push_array(3 + keys + 1, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(keys as u64), out);
        out.extend_from_slice(&self.queue_keys);
        for id in ids() {
            push_bulk_of(&[self.base.as_bytes(), id.as_bytes()], out);
        }
        push_bulk(Decimal::default().write(number), out);
    }
}

/// The states that a reply to a batch of `count` jobs has, nothing of one that is not there; nothing at all when this is no
/// reply to the batch.
pub fn states(reply: &Reply, number: u64, count: usize) -> Option<Vec<Option<State>>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let (Reply::Integer(first), states) = items.split_first()? else {
        return None;
    };
    if u64::try_from(*first) != Ok(number) || states.len() != count {
        return None;
    }
    let read = |item: &Reply| match item {
        Reply::Bulk(name) if name == b"missing" => Some(None),
        Reply::Bulk(name) => State::read(name).map(Some),
        _ => None,
    };
    states.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.into())
    }

    #[test]
    fn a_call_names_the_hash_of_each_job_that_is_asked_for() {
        let looks = [vec!["a", "b\r\n"], vec!["\u{e9}"]]
            .map(|ids| Look { at: 0, ids: ids.into_iter().map(str::to_owned).collect() });
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, 7, &[&looks[0], &looks[1]], &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("*20\r\n$7\r\nEVALSHA\r\n"));
        let end = "$20\r\nbull:ticket-triage:a\r\n$22\r\nbull:ticket-triage:b\r\n\r\n$21\r\nbull:ticket-triage:\u{e9}\r\n$1\r\n7\r\n";
        assert!(out.ends_with(end), "{out}");
    }

    #[test]
    fn a_reply_has_a_state_for_each_job_and_what_does_not_is_none() {
        let read = |items| states(&Reply::Array(items), 7, 2);
        let seven = || Reply::Integer(7);
        assert_eq!(
            read(vec![seven(), bulk("missing"), bulk("waiting-children")]),
            Some(vec![None, Some(State::WaitingChildren)])
        );
        for wrong in [
            vec![],
            vec![seven()],
            vec![seven(), bulk("active")],
            vec![Reply::Integer(6), bulk("active"), bulk("active")],
            vec![seven(), bulk("active"), bulk("lost")],
            vec![seven(), bulk("active"), Reply::Nil],
        ] {
            assert_eq!(read(wrong), None);
        }
        assert_eq!(states(&seven(), 7, 2), None);
    }
}
