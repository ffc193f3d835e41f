//! The scripts that run inside Redis, each `.lua` with the module beside it that puts it on the wire. `queue.lua` is what both
//! begin with; `answer` reads their replies.

pub mod add_any_jobs;
pub mod add_jobs;
pub mod answer;

use std::time::Duration;

use super::backlog::Call;
use super::connection::resp::{push_bulk, push_bulk_of, push_command};
use super::{Destination, Ready};

/// How long a replica may take to confirm a batch.
pub const REPLICA: Duration = Duration::from_secs(1);
/// The keys of a queue that come before those of the jobs, in the order of `queue.lua`.
pub(in crate::queue) const QUEUE_KEYS: [&str; 13] = [
    "wait",
    "paused",
    "meta",
    "id",
    "active",
    "events",
    "marker",
    "delayed",
    "prioritized",
    "pc",
    "completed",
    "failed",
    "waiting-children",
];

/// The calls for one queue, and everything that is the same in each of them.
pub struct Scripts {
    plain: add_jobs::Script,
    any: add_any_jobs::Script,
    trailer: Vec<u8>,
}

impl Scripts {
    /// `replicated` has each call followed by a WAIT for one replica.
    pub fn new(destination: &Destination, replicated: bool) -> Self {
        let mut trailer = Vec::new();
        if replicated {
            let timeout = REPLICA.as_millis().to_string();
            push_command(&[b"WAIT", b"1", timeout.as_bytes()], &mut trailer);
        }
        Scripts {
            plain: add_jobs::Script::new(destination),
            any: add_any_jobs::Script::new(destination),
            trailer,
        }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, call: &Call<'_>, out: &mut Vec<u8>) {
        match call.kind {
            Kind::Plain => {
                let jobs = call.jobs.iter().map(|ready| (&ready.job, ready.timestamp()));
                self.plain.push_call(call.whole, call.number, jobs, out);
            }
            Kind::Any => self.any.push_call(call, out),
        }
    }

    /// Appends what follows each call: a WAIT for a replica, where one is asked for.
    pub fn push_trailer(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.trailer);
    }
}

/// The script that a batch goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `add_jobs.lua`, which costs less.
    Plain,
    /// `add_any_jobs.lua`.
    Any,
}

impl Kind {
    /// The one that all of these can go through.
    pub fn of(jobs: &[&Ready]) -> Kind {
        if jobs.iter().any(|ready| ready.is_special()) { Kind::Any } else { Kind::Plain }
    }
}

/// `<prefix>:<queue>:`, which all keys of the queue start with.
fn base_of(destination: &Destination) -> String {
    format!("{}:{}:", destination.prefix, destination.queue)
}

/// The keys of the queue, as they stand in each call.
fn queue_keys(base: &str) -> Vec<u8> {
    let mut keys = Vec::new();
    for key in QUEUE_KEYS {
        push_bulk_of(&[base.as_bytes(), key.as_bytes()], &mut keys);
    }
    keys
}

/// A script as it is sent, and its name on the server.
struct Source {
    text: String,
    sha: String,
}

impl Source {
    /// The comments of these parts are for us: they would be half of what is sent.
    fn new(parts: [&str; 2]) -> Source {
        let lines = parts.into_iter().flat_map(str::lines).map(str::trim_start);
        let kept: Vec<_> = lines.filter(|line| !line.is_empty() && !line.starts_with("--")).collect();
        let text = kept.join("\n");
        Source { sha: sha1_smol::Sha1::from(&text).digest().to_string(), text }
    }

    /// Appends the two strings that a call begins with. `whole` sends the script itself, which also makes the server
    /// keep it.
    fn push(&self, whole: bool, out: &mut Vec<u8>) {
        if whole {
            push_bulk(b"EVAL", out);
            push_bulk(self.text.as_bytes(), out);
        } else {
            push_bulk(b"EVALSHA", out);
            push_bulk(self.sha.as_bytes(), out);
        }
    }
}

fn flag(set: bool) -> &'static [u8] {
    if set { b"1" } else { b"0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_a_second_to_confirm_a_batch_where_one_is_asked_for() {
        for (replicated, expected) in [(true, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n"), (false, "")] {
            let mut out = Vec::new();
            Scripts::new(&Destination::sample("bull"), replicated).push_trailer(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
