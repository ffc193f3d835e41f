//! A batch of jobs of any kinds on the wire: one call of `add_any_jobs.lua`, with every key declared that is known here.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{INSPECTOR, KEYS, QUEUE, QUEUE_KEYS, Source, base_of, queue_keys};
use crate::core::options::{Deduplication, JobOptions};
use crate::queue::connection::resp::{Decimal, push_array, push_bulk, push_bulk_of};
use crate::queue::{Addition, Destination, Reuse};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new(&[KEYS, INSPECTOR, QUEUE, include_str!("add_any_jobs.lua")]));

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
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Addition], out: &mut Vec<u8>) {
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        let mut forms = Forms::default();
        for addition in batch {
            let own = addition.job.options();
            let form = forms.number_of(kind_of(addition), own.map_or(&self.options, |own| &own.front), own);
            self.push_job(addition, form, &mut keys, &mut values);
        }
        let mut head = Strings::default();
        head.push(&[self.job_name.as_bytes()]);
        head.push_number(number);
        forms.push(&mut head);
        let key_count = QUEUE_KEYS.len() + keys.count;
        push_array(3 + key_count + head.count + values.count, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(key_count as u64), out);
        out.extend_from_slice(&self.queue_keys);
        out.extend_from_slice(&keys.bytes);
        out.extend_from_slice(&head.bytes);
        out.extend_from_slice(&values.bytes);
    }

    fn push_job(&self, addition: &Addition, form: usize, keys: &mut Strings, values: &mut Strings) {
        let job = &addition.job;
        values.push_number(form as u64);
        values.push(&[job.data()]);
        values.push(&[job.id_json().unwrap_or_default()]);
        values.push_number(addition.timestamp());
        let key = [self.base.as_bytes(), job.id()];
        keys.push(&key);
        if addition.reuse != Reuse::Never {
            for suffix in SUFFIXES {
                keys.push(&[key[0], key[1], suffix.as_bytes()]);
            }
        }
        let Some(own) = job.options() else { return };
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
            values.push(&[parent.json.as_bytes()]);
        }
    }
}

/// What many jobs of a batch have in common, sent once: what they are, and their options.
#[derive(Default)]
struct Forms<'a> {
    known: HashMap<(String, &'a str), usize>,
    strings: Strings,
}

impl<'a> Forms<'a> {
    /// From 1, as Lua counts.
    fn number_of(&mut self, kind: String, front: &'a str, own: Option<&JobOptions>) -> usize {
        let next = self.known.len() + 1;
        let strings = &mut self.strings;
        *self.known.entry((kind, front)).or_insert_with_key(|(kind, front)| {
            strings.push(&[kind.as_bytes()]);
            strings.push(&[front.as_bytes()]);
            strings.push_number(own.map_or(0, |own| own.delay));
            strings.push_number(own.map_or(0, |own| own.priority));
            next
        })
    }

    fn push(&self, values: &mut Strings) {
        values.push_number(self.known.len() as u64);
        values.count += self.strings.count;
        values.bytes.extend_from_slice(&self.strings.bytes);
    }
}

/// What a job is, in the letters of the script.
fn kind_of(addition: &Addition) -> String {
    let is = |letter: char, so: bool| so.then_some(letter);
    let own = |has: fn(&JobOptions) -> bool| addition.job.options().is_some_and(has);
    [
        is('a', addition.again),
        is('r', addition.reuse == Reuse::AfterFailed),
        is('R', addition.reuse == Reuse::AfterFinished),
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

    use super::*;
    use crate::core::{Job, Text};

    fn addition(options: &str, reuse: Reuse) -> Addition {
        let text = Text::from("x\"");
        let mut job = Job::sample("q", &[&text], &[("a", &text)]);
        job.set_options(Some(Arc::new(JobOptions::read(options).unwrap())));
        Addition::new(job, 5, reuse)
    }

    /// The keys of a job and its values, without those of the queue and the batch.
    fn strings(options: &str, reuse: Reuse) -> (Vec<String>, Vec<String>) {
        let addition = addition(options, reuse);
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, 9, &[&addition], &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        let keys: usize = strings[2].parse().unwrap();
        assert_eq!(strings[3 + keys..][..3], ["triage", "9", "1"]);
        let short = |key: &String| key.strip_prefix("bull:ticket-triage:").unwrap_or(key).to_owned();
        (strings[16..3 + keys].iter().map(short).collect(), strings[6 + keys..].to_vec())
    }

    #[test]
    fn a_job_has_the_keys_and_values_of_what_it_is() {
        for (options, form, keys, values) in [
            (r#"{"attempts":1}"#, ["", "0", "0"], &[][..], &[][..]),
            (r#"{"delay":7,"priority":3}"#, ["dp", "7", "3"], &[], &[]),
            (r#"{"lifo":true}"#, ["l", "0", "0"], &[], &[]),
            (
                r#"{"de":{"id":"z","ttl":4,"replace":true,"extend":true}}"#,
                ["u", "0", "0"],
                &["de:z", "dn:z"],
                &["z", "4", "er"],
            ),
        ] {
            let (found, rest) = strings(options, Reuse::Never);
            assert_eq!(found, [&["q:x\""][..], keys].concat(), "{options}");
            let front = format!("{},\"jobId\":\"", &options[..options.len() - 1]);
            let [kind, delay, priority] = form;
            let job = ["1", "{\"a\":\"x\\\"\"}", "q:x\\\"", "5"];
            assert_eq!(rest, [&[kind, &front, delay, priority][..], &job, values].concat(), "{options}");
        }
    }

    #[test]
    fn what_jobs_have_in_common_is_sent_once_and_an_id_twice_only_where_it_is_escaped() {
        let text = Text::from("x");
        let plain = || Job::sample("q", &[], &[("a", &text)]);
        let mut jobs =
            ["{\"delay\":7}", "{\"lifo\":true}", "{\"delay\":7}"].map(|it| addition(it, Reuse::Never));
        for addition in &mut jobs {
            let options = addition.job.options().cloned().map(Arc::new);
            addition.job = plain();
            addition.job.set_options(options);
        }
        let jobs: Vec<_> = jobs.iter().collect();
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, 9, &jobs, &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).collect();
        let values = strings.iter().position(|it| *it == "triage").unwrap();
        assert_eq!(strings[values + 2], "2");
        let jobs = ["1", "2", "1"].map(|form| [form, r#"{"a":"x"}"#, "", "5"]);
        assert_eq!(strings[values + 11..], jobs.concat());
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
            (&*values[0], &values[8..]),
            ("Rc", &["p", r#"{"id":"p","queueKey":"bull:other"}"#].map(str::to_owned)[..])
        );
    }
}
