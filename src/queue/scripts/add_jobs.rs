//! A batch of jobs on the wire: one call of `add_jobs.lua`, with every key declared.

use std::collections::HashSet;
use std::time::Duration;

use crate::core::Job;
use crate::queue::Destination;
use crate::queue::connection::resp::{Decimal, Reply, push_array, push_bulk, push_bulk_of, push_command};

const SOURCE: &str = include_str!("add_jobs.lua");
/// The keys of the queue that come before those of the jobs, in the order of the script.
const QUEUE_KEYS: [&str; 7] = ["wait", "paused", "meta", "id", "active", "events", "marker"];

/// How long a replica may take to confirm a batch.
pub const REPLICA: Duration = Duration::from_secs(1);

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    sha: String,
    /// `<prefix>:<queue>:`, which all keys of the queue start with.
    base: String,
    queue_keys: Vec<u8>,
    constants: Vec<u8>,
    trailer: Vec<u8>,
}

impl Script {
    /// `replicated` has each call followed by a WAIT for one replica.
    pub fn new(destination: &Destination, replicated: bool) -> Self {
        let Destination { prefix, queue, job_name, options } = destination;
        let base = format!("{prefix}:{queue}:");
        let mut queue_keys = Vec::new();
        for key in QUEUE_KEYS {
            push_bulk_of(&[base.as_bytes(), key.as_bytes()], &mut queue_keys);
        }
        let mut constants = Vec::new();
        push_bulk(job_name.as_bytes(), &mut constants);
        push_bulk(options.as_bytes(), &mut constants);
        let mut trailer = Vec::new();
        if replicated {
            let timeout = REPLICA.as_millis().to_string();
            push_command(&[b"WAIT", b"1", timeout.as_bytes()], &mut trailer);
        }
        let sha = sha1_smol::Sha1::from(SOURCE).digest().to_string();
        Script { sha, base, queue_keys, constants, trailer }
    }

    /// Appends the call for a batch. `whole` sends the script itself, which also makes the server keep it.
    pub fn push_call<'a>(
        &self,
        whole: bool,
        number: u64,
        batch: impl ExactSizeIterator<Item = (&'a Job, u64)> + Clone,
        out: &mut Vec<u8>,
    ) {
        let keys = QUEUE_KEYS.len() + batch.len();
        let common = common_timestamp(batch.clone());
        let escaped = batch.clone().any(|(job, _)| job.id_json().is_some());
        let width = 1 + usize::from(common.is_none()) + usize::from(escaped);
        push_array(3 + keys + 6 + width * batch.len(), out);
        if whole {
            push_bulk(b"EVAL", out);
            push_bulk(SOURCE.as_bytes(), out);
        } else {
            push_bulk(b"EVALSHA", out);
            push_bulk(self.sha.as_bytes(), out);
        }
        push_bulk(Decimal::default().write(keys as u64), out);
        out.extend_from_slice(&self.queue_keys);
        for (job, _) in batch.clone() {
            push_bulk_of(&[self.base.as_bytes(), job.id()], out);
        }
        out.extend_from_slice(&self.constants);
        push_bulk(Decimal::default().write(number), out);
        push_bulk(flag(has_repeats(batch.clone())), out);
        match common {
            Some(timestamp) => push_bulk(Decimal::default().write(timestamp), out),
            None => push_bulk(b"", out),
        }
        push_bulk(flag(escaped), out);
        for (job, timestamp) in batch {
            push_bulk(job.data(), out);
            if common.is_none() {
                push_bulk(Decimal::default().write(timestamp), out);
            }
            if escaped {
                push_bulk(job.id_json().unwrap_or(job.id()), out);
            }
        }
    }

    /// Appends what follows each call: a WAIT for a replica, where one is asked for.
    pub fn push_trailer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.trailer);
    }
}

fn flag(set: bool) -> &'static [u8] {
    if set { b"1" } else { b"0" }
}

/// The timestamp that all jobs have, as those do that were handed over together.
fn common_timestamp<'a>(mut batch: impl Iterator<Item = (&'a Job, u64)>) -> Option<u64> {
    let (_, first) = batch.next()?;
    batch.all(|(_, timestamp)| timestamp == first).then_some(first)
}

/// Whether an id stands more than once. Found out here, since time is dearer in Redis.
fn has_repeats<'a>(batch: impl ExactSizeIterator<Item = (&'a Job, u64)>) -> bool {
    if batch.len() == 1 {
        return false;
    }
    let mut seen = HashSet::with_capacity(batch.len());
    !batch.into_iter().all(|(job, _)| seen.insert(job.id()))
}

/// Which jobs of a batch were there already, by position from 0; nothing when this is no reply to the batch.
pub fn duplicates(reply: &Reply, number: u64, batch: usize) -> Option<Vec<usize>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let (Reply::Integer(first), positions) = items.split_first()? else {
        return None;
    };
    if u64::try_from(*first) != Ok(number) {
        return None;
    }
    let position = |item: &Reply| match item {
        Reply::Integer(at) => {
            usize::try_from(*at).ok().filter(|at| (1..=batch).contains(at)).map(|at| at - 1)
        }
        _ => None,
    };
    positions.iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Text;

    fn call(tenants: &[&str], timestamps: &[u64]) -> String {
        let texts: Vec<_> = tenants.iter().map(|tenant| Text::from(*tenant)).collect();
        let jobs: Vec<_> =
            texts.iter().map(|text| Job::sample("ticket-triage", &[text], &[("a", text)])).collect();
        let mut out = Vec::new();
        let batch = jobs.iter().zip(timestamps.iter().copied());
        Script::new(&Destination::sample("bull"), false).push_call(false, 9, batch, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What follows the constants of a call.
    fn values(tenants: &[&str], timestamps: &[u64]) -> Vec<String> {
        let call = call(tenants, timestamps);
        let (_, values) = call.split_once("\"jobId\":\"\r\n").unwrap();
        values.split("\r\n").skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_call_declares_as_many_strings_and_keys_as_it_has() {
        for (tenants, timestamps) in [(&["a"][..], &[1][..]), (&["a", "b\"", "c"], &[1, 1, 2])] {
            let call = call(tenants, timestamps);
            let strings = call.matches('$').count();
            assert!(call.starts_with(&format!("*{strings}\r\n$7\r\nEVALSHA\r\n")), "{call}");
            let keys = call.matches("bull:ticket-triage:").count();
            assert_eq!(keys, 7 + tenants.len());
            assert!(call.contains(&format!("\r\n{keys}\r\n")));
        }
    }

    #[test]
    fn what_jobs_have_in_common_is_sent_once() {
        let data = |tenant: &str| format!("{{\"a\":\"{tenant}\"}}");
        assert_eq!(values(&["a", "b"], &[5, 5]), ["9", "0", "5", "0", &data("a"), &data("b")]);
        assert_eq!(values(&["a", "b"], &[5, 6]), ["9", "0", "", "0", &data("a"), "5", &data("b"), "6"]);
    }

    #[test]
    fn escaped_ids_are_sent_only_when_one_needs_them() {
        let [data, escaped] = ["{\"a\":\"a\"}", "{\"a\":\"b\\\"\"}"];
        let ids = ["ticket-triage:a", "ticket-triage:b\\\""];
        assert_eq!(values(&["a", "b\""], &[5, 5]), ["9", "0", "5", "1", data, ids[0], escaped, ids[1]]);
        let values = values(&["a", "b\""], &[5, 6]);
        assert_eq!(values, ["9", "0", "", "1", data, "5", ids[0], escaped, "6", ids[1]]);
    }

    #[test]
    fn an_id_that_stands_twice_is_announced() {
        for (tenants, repeats) in [(&["a", "b", "a"][..], "1"), (&["a", "b"], "0"), (&["a"], "0")] {
            assert_eq!(values(tenants, &[5; 3])[1], repeats);
        }
    }

    #[test]
    fn a_replica_has_a_second_to_confirm_a_batch_where_one_is_asked_for() {
        for (replicated, expected) in [(true, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n"), (false, "")] {
            let mut out = Vec::new();
            Script::new(&Destination::sample("bull"), replicated).push_trailer(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_reply_names_its_batch_and_positions_within_it() {
        let reply = |items: &[i64]| Reply::Array(items.iter().map(|item| Reply::Integer(*item)).collect());
        assert_eq!(duplicates(&reply(&[7]), 7, 2), Some(vec![]));
        assert_eq!(duplicates(&reply(&[7, 1, 2]), 7, 2), Some(vec![0, 1]));
        for wrong in [
            reply(&[]),
            reply(&[6]),
            reply(&[7, 0]),
            reply(&[7, 3]),
            reply(&[7, -1]),
            Reply::Integer(7),
            Reply::Nil,
        ] {
            assert_eq!(duplicates(&wrong, 7, 2), None);
        }
    }
}
