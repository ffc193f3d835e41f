//! A batch of jobs of any kinds on the wire: one call of `add_any_jobs.lua`, with every key declared that is known here.

use std::sync::LazyLock;

use super::{QUEUE_KEYS, Source, base_of, queue_keys};
use crate::core::options::{Deduplication, JobOptions};
use crate::queue::backlog::Call;
use crate::queue::connection::resp::{Decimal, push_array, push_bulk, push_bulk_of};
use crate::queue::{Destination, Ready, Reuse};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new([include_str!("queue.lua"), include_str!("add_any_jobs.lua")]));

/// What belongs to a job beside its hash.
const SUFFIXES: [&str; 6] = [":logs", ":dependencies", ":processed", ":failed", ":unsuccessful", ":lock"];
/// Of the queue of a parent.
const PARENT_KEYS: [&str; 10] = [
    ":wait",
    ":paused",
    ":meta",
    ":active",
    ":events",
    ":marker",
    ":waiting-children",
    ":delayed",
    ":prioritized",
    ":pc",
];

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
    queue_keys: Vec<u8>,
    job_name: String,
    /// The options of jobs that have none of their own.
    options: String,
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

impl Script {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        Script {
            queue_keys: queue_keys(&base),
            base,
            job_name: destination.job_name.clone(),
            options: destination.options.clone(),
        }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, call: &Call<'_>, out: &mut Vec<u8>) {
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        values.push(&[self.job_name.as_bytes()]);
        values.push_number(call.number);
        for ready in &call.jobs {
            self.push_job(ready, &mut keys, &mut values);
        }
        let key_count = QUEUE_KEYS.len() + keys.count;
        push_array(3 + key_count + values.count, out);
        SOURCE.push(call.whole, out);
        push_bulk(Decimal::default().write(key_count as u64), out);
        out.extend_from_slice(&self.queue_keys);
        out.extend_from_slice(&keys.bytes);
        out.extend_from_slice(&values.bytes);
    }

    fn push_job(&self, ready: &Ready, keys: &mut Strings, values: &mut Strings) {
        let job = &ready.job;
        let own = job.options();
        let front = own.map_or(&*self.options, |own| &*own.front);
        let id_json = job.id_json().unwrap_or(job.id());
        values.push(&[kind_of(ready).as_bytes()]);
        values.push(&[job.data()]);
        values.push(&[front.as_bytes()]);
        values.push(&[id_json]);
        values.push_number(ready.timestamp());
        let key = [self.base.as_bytes(), job.id()];
        keys.push(&key);
        if ready.reuse != Reuse::Never {
            for suffix in SUFFIXES {
                keys.push(&[key[0], key[1], suffix.as_bytes()]);
            }
        }
        let Some(own) = own else { return };
        if own.delay > 0 {
            values.push_number(own.delay);
        }
        if own.priority > 0 {
            values.push_number(own.priority);
        }
        if let Some(unique) = &own.deduplication {
            for name in ["de:", "dn:"] {
                keys.push(&[key[0], name.as_bytes(), unique.id.as_bytes()]);
            }
            values.push(&[unique.id.as_bytes()]);
            values.push_number(unique.ttl);
            values.push(&[modes_of(unique).as_bytes()]);
        }
        if let Some(parent) = &own.parent {
            let [queue, id] = [parent.queue.as_bytes(), parent.id.as_bytes()];
            for suffix in ["", ":dependencies", ":processed"] {
                keys.push(&[queue, b":", id, suffix.as_bytes()]);
            }
            for key in PARENT_KEYS {
                keys.push(&[queue, key.as_bytes()]);
            }
            values.push(&[id]);
            values.push(&[queue]);
            values.push(&[parent.json.as_bytes()]);
        }
    }
}

/// What a job is, in the letters of the script.
fn kind_of(ready: &Ready) -> String {
    let is = |letter: char, so: bool| so.then_some(letter);
    let own = |has: fn(&JobOptions) -> bool| ready.job.options().is_some_and(has);
    [
        is('a', ready.again),
        is('r', ready.reuse == Reuse::AfterFailed),
        is('R', ready.reuse == Reuse::AfterFinished),
        is('d', own(|it| it.delay > 0)),
        is('p', own(|it| it.priority > 0)),
        is('l', own(|it| it.lifo)),
        is('u', own(|it| it.deduplication.is_some())),
        is('c', own(|it| it.parent.is_some())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn modes_of(unique: &Deduplication) -> String {
    let modes = [
        ('e', unique.extend),
        ('r', unique.replace),
        ('k', unique.keep_last_if_active),
        ('s', unique.reschedule),
    ];
    modes.into_iter().filter_map(|(letter, set)| set.then_some(letter)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::core::{Job, Text};
    use crate::queue::scripts::Kind;

    fn ready(options: &str, reuse: Reuse) -> Ready {
        let text = Text::from("x\"");
        let mut job = Job::sample("q", &[&text], &[("a", &text)]);
        job.set_options(Some(Arc::new(JobOptions::read(options).unwrap())));
        Ready { slot: 0, job, timestamp: 5, deadline: Instant::now(), reuse, room: false, again: false }
    }

    /// The keys of a job and its values, without those of the queue and the batch.
    fn strings(options: &str, reuse: Reuse) -> (Vec<String>, Vec<String>) {
        let ready = ready(options, reuse);
        let jobs = vec![&ready];
        let call = Call { lane: 0, number: 9, whole: false, kind: Kind::of(&jobs), jobs };
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(&call, &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        let keys: usize = strings[2].parse().unwrap();
        assert_eq!(strings[3 + keys..][..2], ["triage", "9"]);
        let short = |key: &String| key.strip_prefix("bull:ticket-triage:").unwrap_or(key).to_owned();
        (strings[16..3 + keys].iter().map(short).collect(), strings[5 + keys..].to_vec())
    }

    #[test]
    fn a_job_has_the_keys_and_values_of_what_it_is() {
        let common = |kind: &str, options: &str| {
            let front = format!("{},\"jobId\":\"", &options[..options.len() - 1]);
            [kind, "{\"a\":\"x\\\"\"}", &front, "q:x\\\"", "5"].map(str::to_owned).to_vec()
        };
        for (options, kind, keys, values) in [
            (r#"{"attempts":1}"#, "", &[][..], &[][..]),
            (r#"{"delay":7,"priority":3}"#, "dp", &[], &["7", "3"]),
            (r#"{"lifo":true}"#, "l", &[], &[]),
            (
                r#"{"de":{"id":"z","ttl":4,"replace":true,"extend":true}}"#,
                "u",
                &["de:z", "dn:z"],
                &["z", "4", "er"],
            ),
        ] {
            let (found, rest) = strings(options, Reuse::Never);
            assert_eq!(found, [&["q:x\""][..], keys].concat(), "{options}");
            assert_eq!(
                rest,
                [common(kind, options), values.iter().map(|it| (*it).to_owned()).collect()].concat()
            );
        }
    }

    #[test]
    fn what_may_be_removed_and_what_a_parent_has_is_declared() {
        let (keys, values) = strings(r#"{"attempts":1}"#, Reuse::AfterFailed);
        assert_eq!(keys.len(), 7);
        assert_eq!((&*keys[6], &*values[0]), ("q:x\":lock", "r"));
        let (keys, values) = strings(r#"{"parent":{"id":"p","queue":"bull:other"}}"#, Reuse::AfterFinished);
        assert_eq!(keys[7..10], ["bull:other:p", "bull:other:p:dependencies", "bull:other:p:processed"]);
        assert_eq!((keys.len(), &*keys[10], &*keys[19]), (20, "bull:other:wait", "bull:other:pc"));
        assert_eq!(
            (&*values[0], &values[5..]),
            ("Rc", &["p", "bull:other", r#"{"id":"p","queueKey":"bull:other"}"#].map(str::to_owned)[..])
        );
    }
}
