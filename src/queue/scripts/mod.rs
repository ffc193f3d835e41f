//! The scripts that run inside Redis, each `.lua` with the module beside it that puts it on the wire. What several have in
//! common is in `refusal.lua`, `keys.lua`, `inspector.lua`, `queue.lua` and `rate.lua`; `answer` reads the replies of those that add jobs.

pub mod add_any_jobs;
pub mod add_jobs;
pub mod add_numbered_jobs;
pub mod admit;
pub mod answer;
pub mod look_at_jobs;
pub mod set_meta;
pub mod settle;
pub mod work;

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use self::answer::{Additions, State};
pub use self::work::{Kind, Work};
use super::Destination;
use super::backlog::{Batch, Call};
use super::connection::resp::{Decimal, Reply, push_bulk, push_bulk_of, push_command};
use super::quota::{BatchName, Verdict};

/// How long a replica may take to confirm a batch.
pub const REPLICA: Duration = Duration::from_secs(1);
/// The keys of a queue that come before those of the jobs, in the order of `keys.lua`.
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

/// What several scripts begin with.
const REFUSAL: &str = include_str!("refusal.lua");
const KEYS: &str = include_str!("keys.lua");
const INSPECTOR: &str = include_str!("inspector.lua");
const QUEUE: &str = include_str!("queue.lua");
const RATE: &str = include_str!("rate.lua");
/// Asks what our user may do. No writer sends it.
pub(in crate::queue) static RIGHTS: LazyLock<String> =
    LazyLock::new(|| Source::new(&[include_str!("ask_for_rights.lua")]).text);

/// The calls for one queue, and everything that is the same in each of them.
pub struct Scripts {
    plain: add_jobs::Script,
    alike: add_jobs::AlikeScript,
    numbered: add_numbered_jobs::Script,
    any: add_any_jobs::Script,
    look: look_at_jobs::Script,
    admit: admit::Script,
    settle: settle::Script,
    set_meta: set_meta::Script,
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
            alike: add_jobs::AlikeScript::new(destination),
            numbered: add_numbered_jobs::Script::new(destination),
            any: add_any_jobs::Script::new(destination),
            look: look_at_jobs::Script::new(destination),
            admit: admit::Script::new(destination),
            settle: settle::Script::new(destination),
            set_meta: set_meta::Script::new(destination),
            trailer,
        }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, call: &Call<'_>, out: &mut Vec<u8>) {
        match &call.work {
            Work::AddPlain(additions) => {
                let jobs = additions.iter().map(|addition| (&addition.job, addition.timestamp()));
                self.plain.push_call(call.whole, call.number, jobs, out);
            }
            Work::AddAlike(additions) => self.alike.push_call(call.whole, call.number, additions, out),
            Work::AddNumbered(additions) => self.numbered.push_call(call.whole, call.number, additions, out),
            Work::AddAny(additions) => self.any.push_call(call.whole, call.number, additions, out),
            Work::Look(looks) => self.look.push_call(call.whole, call.number, looks, out),
            Work::Admit(admissions) => {
                let name = BatchName { writer: call.writer, number: call.number };
                self.admit.push_call(call.whole, name, (admissions, call.parties), out);
            }
            Work::Settle(settlements) => self.settle.push_call(call.whole, call.number, settlements, out),
            Work::SetMeta(fields) => self.set_meta.push_call(call.whole, call.number, fields, out),
        }
    }

    /// Appends what follows a call: a WAIT for a replica, where one is to confirm it.
    pub fn push_trailer(&self, kind: Kind, out: &mut Vec<u8>) {
        if kind.is_confirmed() {
            out.extend_from_slice(&self.trailer);
        }
    }
}

/// What a script says of the operations of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Answers {
    Added(Additions),
    /// Where each job is; nothing of one that is not there.
    Looked(Vec<Option<State>>),
    /// What becomes of each call.
    Admitted(Vec<Verdict>),
    Settled,
    /// How many fields each call added.
    Counted(Vec<u64>),
}

impl Answers {
    /// Nothing when this is no reply to the batch.
    pub fn read(reply: &Reply, batch: &Batch) -> Option<Answers> {
        match batch.kind {
            Kind::AddPlain | Kind::AddAlike | Kind::AddNumbered | Kind::AddAny => {
                answer::answers(reply, batch.number, batch.jobs.len()).map(Answers::Added)
            }
            Kind::Look => look_at_jobs::states(reply, batch.number, batch.weight).map(Answers::Looked),
            Kind::Admit => admit::verdicts(reply, batch.number, &batch.parties).map(Answers::Admitted),
            Kind::Settle => settle::is_reply(reply, batch.number).then_some(Answers::Settled),
            Kind::SetMeta => set_meta::counts(reply, batch.number, batch.jobs.len()).map(Answers::Counted),
        }
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

/// The values that every script that adds jobs begins with, as they stand in each call.
fn shared_values(destination: &Destination) -> Vec<u8> {
    let mut values = Vec::new();
    push_bulk(destination.job_name.as_bytes(), &mut values);
    match destination.max_events {
        Some(most) => push_bulk(Decimal::default().write(most), &mut values),
        None => push_bulk(b"", &mut values),
    }
    values
}

/// Whether one stands more than once. Found out here, since time is dearer in Redis.
fn has_repeats<'a>(mut ids: impl Iterator<Item = &'a [u8]>) -> bool {
    let (Some(first), Some(second)) = (ids.next(), ids.next()) else {
        return false;
    };
    let mut seen = HashSet::with_capacity(2 + ids.size_hint().0);
    seen.insert(first);
    !(seen.insert(second) && ids.all(|id| seen.insert(id)))
}

/// A script as it is sent, and its name on the server.
struct Source {
    text: String,
    sha: String,
}

impl Source {
    /// The comments of these parts are for us: they would be half of what is sent.
    fn new(parts: &[&str]) -> Source {
        let lines = parts.iter().flat_map(|part| part.lines()).map(str::trim_start);
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

/// The strings of a call, of which some are written before it is known how many there are.
#[derive(Default)]
struct Strings {
    count: usize,
    bytes: Vec<u8>,
}

impl Strings {
    fn push(&mut self, parts: &[&[u8]]) {
        self.count += 1;
        push_bulk_of(parts, &mut self.bytes);
    }

    fn push_number(&mut self, number: u64) {
        self.push(&[Decimal::default().write(number)]);
    }
}

fn flag(set: bool) -> &'static [u8] {
    if set { b"1" } else { b"0" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_a_second_to_confirm_a_batch_that_writes_where_one_is_asked_for() {
        let wait = "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n";
        for replicated in [true, false] {
            for (kind, waits) in
                [(Kind::AddPlain, replicated), (Kind::AddAny, replicated), (Kind::Look, false)]
            {
                let mut out = Vec::new();
                Scripts::new(&Destination::sample("bull"), replicated).push_trailer(kind, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), if waits { wait } else { "" });
            }
        }
    }
}
