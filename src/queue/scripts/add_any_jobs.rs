//! A batch of jobs of any kinds on the wire: one call of `add_any_jobs.lua`, with every key declared that is known here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::{
    INSPECTOR, KEYS, QUEUE, QUEUE_KEYS, REFUSAL, Source, Strings, base_of, flag, has_repeats, queue_keys,
    shared_values,
};
use crate::core::options::{Deduplication, JobOptions};
use crate::queue::connection::resp::{Decimal, push_array, push_bulk};
use crate::queue::{Addition, Destination, Reuse};

static SOURCE: LazyLock<Source> = LazyLock::new(|| {
    Source::new(&[
        REFUSAL,
        KEYS,
        INSPECTOR,
        QUEUE,
        include_str!("any/jobs.lua"),
        include_str!("any/checks.lua"),
        include_str!("any/places.lua"),
        include_str!("any/room.lua"),
        include_str!("any/deduplication.lua"),
        include_str!("any/parents.lua"),
        include_str!("add_any_jobs.lua"),
    ])
});

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
    shared_values: Vec<u8>,
    /// The options of jobs that have none of their own.
    options: String,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        Script {
            queue_keys: queue_keys(&base),
            base,
            shared_values: shared_values(destination),
            options: destination.options.clone(),
        }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Addition], out: &mut Vec<u8>) {
        let mut forms = Forms::default();
        let runs = forms.runs_of(batch.iter().map(|addition| Form::of(addition, &self.options)));
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        for (form, run) in runs {
            values.push_number(form as u64);
            values.push_number(run.len() as u64);
            for addition in &batch[run] {
                self.push_job(addition, &mut keys, &mut values);
            }
        }
        let mut head = Strings::default();
        head.push_number(number);
        head.push(&[flag(meets(batch))]);
        forms.push(&mut head);
        let key_count = QUEUE_KEYS.len() + keys.count;
        push_array(3 + key_count + 2 + head.count + values.count, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(key_count as u64), out);
        out.extend_from_slice(&self.queue_keys);
        out.extend_from_slice(&keys.bytes);
        out.extend_from_slice(&self.shared_values);
        out.extend_from_slice(&head.bytes);
        out.extend_from_slice(&values.bytes);
    }

    fn push_job(&self, addition: &Addition, keys: &mut Strings, values: &mut Strings) {
        let job = &addition.job;
        values.push(&[job.data()]);
        if let Some(id) = job.id_json() {
            values.push(&[id]);
        }
        let key = [self.base.as_bytes(), job.id()];
        if job.has_id() {
            keys.push(&key);
        }
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
            let json = own.around(unique)[1];
            if json != unique.id {
                values.push(&[json.as_bytes()]);
            }
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

/// Whether jobs may meet each other: an id stands more than once, or a deduplication id.
fn meets(batch: &[&Addition]) -> bool {
    let uniques = || batch.iter().filter_map(|addition| addition.job.options()?.deduplication.as_ref());
    has_repeats(batch.iter().filter(|addition| addition.job.has_id()).map(|addition| addition.job.id()))
        || has_repeats(uniques().map(|unique| unique.id.as_bytes()))
}

/// What many jobs of a batch have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Form<'a> {
    /// The letters of the script, a bit each.
    letters: u16,
    front: &'a str,
    back: &'a str,
    name: Option<&'a str>,
    timestamp: u64,
    /// What follows from those two texts.
    delay: u64,
    priority: u64,
    ttl: u64,
    modes: u8,
}

const LETTERS: [u8; 12] = *b"arRdpluijcng";
const MODES: [u8; 4] = *b"erks";

impl<'a> Form<'a> {
    /// `options` are those of a job that has none of its own.
    fn of(addition: &'a Addition, options: &'a str) -> Form<'a> {
        let own = addition.job.options();
        let unique = own.and_then(|own| own.deduplication.as_ref());
        let [front, json, back] = match (own, unique) {
            (Some(own), Some(unique)) => own.around(unique),
            _ => [own.map_or(options, |own| &own.front), "", ""],
        };
        let has = |what: fn(&JobOptions) -> bool| own.is_some_and(what);
        Form {
            letters: bits([
                addition.again,
                addition.reuse == Reuse::AfterFailed,
                addition.reuse == Reuse::AfterFinished,
                has(|own| own.delay > 0),
                has(|own| own.priority > 0),
                has(|own| own.lifo),
                unique.is_some(),
                addition.job.id_json().is_some(),
                unique.is_some_and(|unique| unique.id != json),
                has(|own| own.parent.is_some()),
                has(|own| own.name.is_some()),
                !addition.job.has_id(),
            ]) as u16,
            front,
            back,
            name: own.and_then(|own| own.name.as_deref()),
            timestamp: addition.timestamp(),
            delay: own.map_or(0, |own| own.delay),
            priority: own.map_or(0, |own| own.priority),
            ttl: unique.map_or(0, |unique| unique.ttl),
            modes: unique.map_or(0, modes_of) as u8,
        }
    }

    fn push(&self, values: &mut Strings) {
        values.push(&[&named(self.letters.into(), &LETTERS)]);
        values.push(&[self.front.as_bytes()]);
        values.push(&[self.back.as_bytes()]);
        for number in [self.delay, self.priority, self.timestamp, self.ttl] {
            values.push_number(number);
        }
        values.push(&[&named(self.modes.into(), &MODES)]);
        if let Some(name) = self.name {
            values.push(&[name.as_bytes()]);
        }
    }
}

/// Those of a batch, sent once.
#[derive(Default)]
struct Forms<'a> {
    known: HashMap<Form<'a>, usize>,
    strings: Strings,
}

impl<'a> Forms<'a> {
    /// The number of the form of each job that follows others of it, from 1, as Lua counts, and which jobs those are.
    fn runs_of(&mut self, forms: impl Iterator<Item = Form<'a>>) -> Vec<(usize, Range<usize>)> {
        let mut runs: Vec<(usize, Range<usize>)> = Vec::new();
        let mut last = None;
        for (at, form) in forms.enumerate() {
            match runs.last_mut() {
                Some((_, run)) if last == Some(form) => run.end = at + 1,
                _ => runs.push((self.number_of(form), at..at + 1)),
            }
            last = Some(form);
        }
        runs
    }

    fn number_of(&mut self, form: Form<'a>) -> usize {
        let next = self.known.len() + 1;
        let strings = &mut self.strings;
        *self.known.entry(form).or_insert_with(|| {
            form.push(strings);
            next
        })
    }

    fn push(&self, values: &mut Strings) {
        values.push_number(self.known.len() as u64);
        values.count += self.strings.count;
        values.bytes.extend_from_slice(&self.strings.bytes);
    }
}

fn bits<const N: usize>(set: [bool; N]) -> usize {
    set.iter().enumerate().map(|(at, set)| usize::from(*set) << at).sum()
}

/// The letters whose bits are set.
fn named(bits: usize, letters: &[u8]) -> Vec<u8> {
    letters.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, letter)| *letter).collect()
}

fn modes_of(unique: &Deduplication) -> usize {
    bits([unique.extend, unique.replace, unique.keep_last_if_active, unique.reschedule])
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

    /// What a batch has on the wire: its keys without those of the queue, its forms and its jobs.
    fn strings(batch: &[&Addition]) -> [Vec<String>; 3] {
        let mut out = Vec::new();
        let destination = Destination { max_events: Some(7), ..Destination::sample("bull") };
        Script::new(&destination).push_call(false, 9, batch, &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        let keys: usize = strings[2].parse().unwrap();
        let values = &strings[3 + keys..];
        assert_eq!(values[..3], ["triage", "7", "9"]);
        let forms = values[4].parse::<usize>().unwrap() * 8;
        let short = |key: &String| key.strip_prefix("bull:ticket-triage:").unwrap_or(key).to_owned();
        let keys = strings[16..3 + keys].iter().map(short).collect();
        [keys, values[5..5 + forms].to_vec(), [&values[3..4], &values[5 + forms..]].concat()]
    }

    #[test]
    fn a_job_has_the_keys_and_values_of_what_it_is() {
        let front = |options: &str| format!("{},\"jobId\":\"", &options[..options.len() - 1]);
        for (options, form, keys, values) in [
            (r#"{"attempts":1}"#, ["i", "", "0", "0", "0", ""], &[][..], &[][..]),
            (r#"{"delay":7,"priority":3}"#, ["dpi", "", "7", "3", "0", ""], &[], &[]),
            (r#"{"lifo":true}"#, ["li", "", "0", "0", "0", ""], &[], &[]),
            (
                r#"{"de":{"id":"z","ttl":4,"replace":true,"extend":true}}"#,
                ["ui", r#"","ttl":4,"replace":true,"extend":true},"jobId":""#, "0", "0", "4", "er"],
                &["de:z", "dn:z"],
                &["z"],
            ),
            (
                r#"{"de":{"id":"z\""}}"#,
                ["uij", r#""},"jobId":""#, "0", "0", "0", ""],
                &["de:z\"", "dn:z\""],
                &["z\"", "z\\\""],
            ),
        ] {
            let [found, forms, jobs] = strings(&[&addition(options, Reuse::Never)]);
            assert_eq!(found, [&["q:x\""][..], keys].concat(), "{options}");
            let [letters, back, delay, priority, ttl, modes] = form;
            let front = if back.is_empty() { front(options) } else { r#"{"de":{"id":""#.to_owned() };
            assert_eq!(forms, [letters, &front, back, delay, priority, "5", ttl, modes], "{options}");
            let job = ["0", "1", "1", "{\"a\":\"x\\\"\"}", "q:x\\\""];
            assert_eq!(jobs, [&job[..], values].concat(), "{options}");
        }
    }

    #[test]
    fn what_jobs_have_in_common_is_sent_once_and_an_id_twice_only_where_it_is_escaped() {
        let text = Text::from("x");
        let plain = || Job::sample("q", &[], &[("a", &text)]);
        let lifo = "{\"lifo\":true}";
        let mut jobs = ["{\"delay\":7}", lifo, lifo, "{\"delay\":7}"].map(|it| addition(it, Reuse::Never));
        for addition in &mut jobs {
            let options = addition.job.options().cloned().map(Arc::new);
            addition.job = plain();
            addition.job.set_options(options);
        }
        let batch: Vec<_> = jobs.iter().collect();
        let [_, forms, runs] = strings(&batch);
        assert_eq!(forms.len(), 16);
        let data = r#"{"a":"x"}"#;
        // All of them have one id.
        assert_eq!(runs, ["1", "1", "1", data, "2", "2", data, data, "1", "1", data]);
    }

    #[test]
    fn deduplicated_jobs_differ_in_their_ids_alone() {
        let [one, other] = ["a", "b"].map(|id| format!(r#"{{"attempts":3,"de":{{"id":"{id}","ttl":9}}}}"#));
        for (second, meets) in [(&other, "0"), (&one, "1")] {
            let mut jobs = [&one, second].map(|options| addition(options, Reuse::Never));
            let text = Text::from("y");
            let options = jobs[1].job.options().cloned().map(Arc::new);
            jobs[1].job = Job::sample("q", &[&text], &[("a", &text)]);
            jobs[1].job.set_options(options);
            let [_, forms, runs] = strings(&[&jobs[0]]);
            assert_eq!((forms.len(), &*forms[1]), (8, r#"{"attempts":3,"de":{"id":""#));
            assert_eq!(runs.last().unwrap(), "a");
            let [keys, _, runs] = strings(&[&jobs[0], &jobs[1]]);
            assert_eq!((&*runs[0], keys.len()), (meets, 6));
        }
    }

    #[test]
    fn a_job_without_an_id_has_no_key_and_one_with_a_name_says_it_with_its_form() {
        let nameless = |options: &str, name: &str| {
            let mut job = crate::core::job::JobBuilder::default().build(|_, _| {}, |data| data.push(b'7'));
            job.set_options(Some(Arc::new(JobOptions::of_named(name, options, false).unwrap())));
            Addition::new(job, 5, Reuse::Never)
        };
        let jobs = [nameless("{}", "a"), nameless("{}", "a"), nameless(r#"{"de":{"id":"z"}}"#, "b")];
        let mut out = Vec::new();
        let script = Script::new(&Destination::sample("bull"));
        script.push_call(false, 9, &jobs.iter().collect::<Vec<_>>(), &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        assert_eq!(strings[2], "15");
        assert_eq!(strings[16..18], ["bull:ticket-triage:de:z", "bull:ticket-triage:dn:z"]);
        let plain = ["ng", "{}", "", "0", "0", "5", "0", "", "a"];
        let unique = ["ung", r#"{"de":{"id":""#, "\"}}", "0", "0", "5", "0", "", "b"];
        let jobs = ["1", "2", "7", "7", "2", "1", "7", "z"];
        assert_eq!(strings[20..], [&["9", "0", "2"][..], &plain, &unique, &jobs].concat());
    }

    #[test]
    fn what_may_be_removed_and_what_a_parent_has_is_declared() {
        let [keys, forms, _] = strings(&[&addition(r#"{"attempts":1}"#, Reuse::AfterFailed)]);
        assert_eq!((keys.len(), &*keys[6], &*forms[0]), (7, "q:x\":lock", "ri"));
        let options = r#"{"parent":{"id":"p","queue":"bull:other"}}"#;
        let [keys, forms, jobs] = strings(&[&addition(options, Reuse::AfterFinished)]);
        assert_eq!(keys[7..10], ["bull:other:p", "bull:other:p:dependencies", "bull:other:p:processed"]);
        assert_eq!((keys.len(), &*keys[10], &*keys[19]), (20, "bull:other:wait", "bull:other:pc"));
        assert_eq!(
            (&*forms[0], &jobs[5..]),
            ("Ric", &["p", r#"{"id":"p","queueKey":"bull:other"}"#].map(str::to_owned)[..])
        );
    }
}
