//! A batch of jobs on the wire: one call of `add_jobs.lua`, with every key declared.

use std::sync::LazyLock;

use super::{
    INSPECTOR, KEYS, QUEUE, QUEUE_KEYS, REFUSAL, Source, base_of, flag, has_repeats, queue_keys,
    shared_values,
};
use crate::core::Job;
use crate::queue::connection::resp::{Decimal, push_array, push_bulk, push_bulk_of};
use crate::queue::{Addition, Destination, Reuse};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new(&[REFUSAL, KEYS, INSPECTOR, QUEUE, include_str!("add_jobs.lua")]));

/// That of jobs which come with their name.
static SOURCE_OF_ALIKE: LazyLock<Source> = LazyLock::new(|| {
    let name = include_str!("name_of_form.lua");
    Source::new(&[REFUSAL, KEYS, INSPECTOR, QUEUE, name, include_str!("add_jobs.lua")])
});

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
    queue_keys: Vec<u8>,
    constants: Vec<u8>,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        let mut constants = shared_values(destination);
        push_bulk(destination.options.as_bytes(), &mut constants);
        push_bulk(Decimal::default().write(destination.reuse as u64), &mut constants);
        Script { queue_keys: queue_keys(&base), base, constants }
    }

    /// Appends the call for a batch.
    pub fn push_call<'a>(
        &self,
        whole: bool,
        number: u64,
        batch: impl ExactSizeIterator<Item = (&'a Job, u64)> + Clone,
        out: &mut Vec<u8>,
    ) {
        let call = Call { source: &SOURCE, base: &self.base, queue_keys: &self.queue_keys };
        call.push((whole, number), &self.constants, 0, batch, out);
    }
}

/// The same for jobs that come with name and options, which all of a batch have in common.
pub struct AlikeScript {
    base: String,
    queue_keys: Vec<u8>,
    shared_values: Vec<u8>,
}

impl AlikeScript {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        AlikeScript { queue_keys: queue_keys(&base), base, shared_values: shared_values(destination) }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Addition], out: &mut Vec<u8>) {
        let Some(form) = batch.first().and_then(|addition| addition.job.options()) else { return };
        let mut constants = self.shared_values.clone();
        push_bulk(form.front.as_bytes(), &mut constants);
        push_bulk(Decimal::default().write(Reuse::Never as u64), &mut constants);
        let jobs = batch.iter().map(|addition| (&addition.job, addition.timestamp()));
        let call = Call { source: &SOURCE_OF_ALIKE, base: &self.base, queue_keys: &self.queue_keys };
        call.push((whole, number), &constants, 1, jobs, out);
        push_bulk(form.name.as_deref().unwrap_or_default().as_bytes(), out);
    }
}

/// What both have in each call.
struct Call<'c> {
    source: &'static Source,
    base: &'c str,
    queue_keys: &'c [u8],
}

impl Call<'_> {
    /// Appends a call for a batch, to which so many values are appended that come last.
    fn push<'a>(
        &self,
        (whole, number): (bool, u64),
        constants: &[u8],
        last: usize,
        batch: impl ExactSizeIterator<Item = (&'a Job, u64)> + Clone,
        out: &mut Vec<u8>,
    ) {
        let keys = QUEUE_KEYS.len() + batch.len();
        let common = common_timestamp(batch.clone());
        let escaped = batch.clone().any(|(job, _)| job.id_json().is_some());
        let width = 1 + usize::from(common.is_none()) + usize::from(escaped);
        push_array(3 + keys + 8 + width * batch.len() + last, out);
        self.source.push(whole, out);
        push_bulk(Decimal::default().write(keys as u64), out);
        out.extend_from_slice(self.queue_keys);
        for (job, _) in batch.clone() {
            push_bulk_of(&[self.base.as_bytes(), job.id()], out);
        }
        out.extend_from_slice(constants);
        push_bulk(Decimal::default().write(number), out);
        push_bulk(flag(has_repeats(batch.clone().map(|(job, _)| job.id()))), out);
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
}

/// The timestamp that all jobs have, as those do that were handed over together.
pub(super) fn common_timestamp<'a>(mut batch: impl Iterator<Item = (&'a Job, u64)>) -> Option<u64> {
    let (_, first) = batch.next()?;
    batch.all(|(_, timestamp)| timestamp == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::Text;
    use crate::core::options::JobOptions;

    fn call(tenants: &[&str], timestamps: &[u64]) -> String {
        let texts: Vec<_> = tenants.iter().map(|tenant| Text::from(*tenant)).collect();
        let jobs: Vec<_> =
            texts.iter().map(|text| Job::sample("ticket-triage", &[text], &[("a", text)])).collect();
        let mut out = Vec::new();
        let batch = jobs.iter().zip(timestamps.iter().copied());
        Script::new(&Destination::sample("bull")).push_call(false, 9, batch, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What follows the constants of a call.
    fn values(tenants: &[&str], timestamps: &[u64]) -> Vec<String> {
        let call = call(tenants, timestamps);
        let (_, values) = call.split_once("\"jobId\":\"\r\n$1\r\n0\r\n").unwrap();
        values.split("\r\n").skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_call_declares_as_many_strings_and_keys_as_it_has() {
        for (tenants, timestamps) in [(&["a"][..], &[1][..]), (&["a", "b\"", "c"], &[1, 1, 2])] {
            let call = call(tenants, timestamps);
            let strings = call.matches('$').count();
            assert!(call.starts_with(&format!("*{strings}\r\n$7\r\nEVALSHA\r\n")), "{call}");
            let keys = call.matches("bull:ticket-triage:").count();
            assert_eq!(keys, 13 + tenants.len());
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
    fn jobs_that_are_alike_come_with_their_options_and_their_name_last_of_all() {
        let options = Arc::new(JobOptions::of_named("n", r#"{"attempts":3}"#, true).unwrap());
        let batch = ["a", "b"].map(|tenant| {
            let text = Text::from(tenant);
            let mut job = Job::sample("q", &[&text], &[]);
            job.set_options(Some(Arc::clone(&options)));
            Addition::new(job, 5, Reuse::Never)
        });
        let mut out = Vec::new();
        let destination = Destination { job_name: String::new(), ..Destination::sample("bull") };
        AlikeScript::new(&destination).push_call(false, 9, &batch.iter().collect::<Vec<_>>(), &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        assert_eq!(strings[2], "15");
        assert_eq!(strings[16..18], ["bull:ticket-triage:q:a", "bull:ticket-triage:q:b"]);
        let head = ["", "", r#"{"attempts":3,"jobId":""#, "0", "9", "0", "5", "0"];
        assert_eq!(strings[18..], [&head[..], &["}", "}", "n"]].concat());
    }
}
