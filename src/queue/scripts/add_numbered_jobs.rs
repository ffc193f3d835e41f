//! A batch of plain jobs without ids on the wire: one call of `add_numbered_jobs.lua`.

use std::sync::LazyLock;

use super::add_jobs::common_timestamp;
use super::{KEYS, QUEUE, QUEUE_KEYS, REFUSAL, Source, base_of, queue_keys, shared_values};
use crate::queue::connection::resp::{Decimal, push_array, push_bulk};
use crate::queue::{Addition, Destination};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new(&[REFUSAL, KEYS, QUEUE, include_str!("add_numbered_jobs.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    queue_keys: Vec<u8>,
    shared_values: Vec<u8>,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        Script { queue_keys: queue_keys(&base_of(destination)), shared_values: shared_values(destination) }
    }

    /// Appends the call for a batch, whose jobs have name and options in common.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Addition], out: &mut Vec<u8>) {
        let Some(form) = batch.first().and_then(|addition| addition.job.options()) else { return };
        let jobs = batch.iter().map(|addition| (&addition.job, addition.timestamp()));
        let common = common_timestamp(jobs.clone());
        let width = 1 + usize::from(common.is_none());
        push_array(3 + QUEUE_KEYS.len() + 6 + width * batch.len(), out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(QUEUE_KEYS.len() as u64), out);
        out.extend_from_slice(&self.queue_keys);
        out.extend_from_slice(&self.shared_values);
        push_bulk(form.front.as_bytes(), out);
        push_bulk(form.name.as_deref().unwrap_or_default().as_bytes(), out);
        push_bulk(Decimal::default().write(number), out);
        match common {
            Some(timestamp) => push_bulk(Decimal::default().write(timestamp), out),
            None => push_bulk(b"", out),
        }
        for (job, timestamp) in jobs {
            push_bulk(job.data(), out);
            if common.is_none() {
                push_bulk(Decimal::default().write(timestamp), out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::job::JobBuilder;
    use crate::core::options::JobOptions;
    use crate::queue::Reuse;

    #[test]
    fn what_jobs_have_in_common_is_sent_once() {
        let options = Arc::new(JobOptions::of_named("n", r#"{"attempts":3}"#, false).unwrap());
        for (timestamps, values) in
            [([5, 5], &["9", "5", "7", "7"][..]), ([5, 6], &["9", "", "7", "5", "7", "6"])]
        {
            let jobs = timestamps.map(|timestamp| {
                let mut job = JobBuilder::default().build(|_, _| {}, |data| data.push(b'7'));
                job.set_options(Some(Arc::clone(&options)));
                Addition::new(job, timestamp, Reuse::Never)
            });
            let mut out = Vec::new();
            let destination = Destination { job_name: String::new(), ..Destination::sample("bull") };
            Script::new(&destination).push_call(false, 9, &jobs.iter().collect::<Vec<_>>(), &mut out);
            let out = String::from_utf8(out).unwrap();
            let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).collect();
            assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
            assert_eq!((strings[2], strings[15]), ("13", "bull:ticket-triage:waiting-children"));
            assert_eq!(strings[16..], [&["", "", r#"{"attempts":3}"#, "n"], values].concat());
        }
    }
}
