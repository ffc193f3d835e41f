//! What is certain about a job, whatever happens to its link and its time.

mod answers;
mod clients;
mod company;
mod fates;
mod nameless;
mod sending;

use std::time::Duration;

use super::super::refusal::said;
use super::*;
use crate::core::{Job, Text};
use crate::queue::scripts::answer::{Additions, Answer, Data};
use crate::queue::{Addition, Operation, Reuse, State};

const SECOND: Duration = Duration::from_secs(1);
/// Deadlines are looked at no more often.
const TICK: Duration = Duration::from_millis(4);

impl Backlog {
    /// Whether nothing is in it, not even the name of a job that is gone.
    pub(in crate::queue) fn is_void(&self) -> bool {
        let all = [self.jobs.len(), self.sent.len(), self.waiting, self.news.len()];
        let clients = self.clients.iter().all(Option::is_none);
        self.is_empty() && all == [0; 4] && clients && !self.deadlines.is_crowded(0)
    }
}

/// With one client, whose jobs these are.
fn backlog(jobs: u32, now: Instant) -> Backlog {
    let mut backlog = Backlog::default();
    backlog.join(0);
    add(&mut backlog, jobs, now);
    backlog
}

fn add(backlog: &mut Backlog, jobs: u32, now: Instant) {
    add_for(backlog, 0, 0..jobs, now + SECOND);
}

fn add_for(backlog: &mut Backlog, client: usize, slots: std::ops::Range<u32>, deadline: Instant) {
    for slot in slots {
        let text = Text::from("x");
        let job = Job::sample("q", &[&text], &[("a", &text)]);
        backlog.add(
            client,
            Ready {
                slot,
                operation: Operation::Add(Addition::new(job, 0, Reuse::Never)),
                deadline: deadline.into_std(),
            },
        );
    }
}

/// The jobs in these slots need the script for jobs of any kind.
fn make_special(backlog: &mut Backlog, slots: std::ops::Range<u32>) {
    let keys: Vec<_> = backlog.jobs.keys().collect();
    for key in keys {
        if let Some(job) = backlog.jobs.get_mut(key)
            && slots.contains(&job.ready.slot)
            && let Operation::Add(addition) = &mut job.ready.operation
        {
            addition.room = true;
        }
    }
}

fn next_batch(backlog: &mut Backlog, now: Instant) -> Option<(usize, Vec<u32>, bool)> {
    let trouble = Detail::from("trouble");
    let call = backlog.next_batch(now, &trouble)?;
    let (queue, whole) = (call.queue, call.whole);
    let sent = &backlog.sent.back()?.jobs;
    Some((
        queue,
        sent.iter().filter_map(|key| backlog.jobs.get(*key)).map(|job| job.ready.slot).collect(),
        whole,
    ))
}

fn send(backlog: &mut Backlog, end: u64) -> (usize, bool) {
    let (_, jobs, whole) = next_batch(backlog, Instant::now()).expect("a batch");
    backlog.ends_at(end);
    (jobs.len(), whole)
}

fn slots(backlog: &mut Backlog) -> Vec<u32> {
    next_batch(backlog, Instant::now()).unwrap().1
}

/// A reply to a batch that has ids for all of its jobs.
fn others(others: Vec<(usize, Answer)>) -> Additions {
    Additions { others, counted: None }
}

fn there(state: State) -> Answer {
    Answer::Existing { state, data: Data::Same { twin: false } }
}

fn codes(backlog: &mut Backlog) -> Vec<&'static str> {
    let name = |(_, settled)| match settled {
        Settled::Added => "added",
        Settled::Named(_) => "named",
        Settled::Duplicate { .. } => "duplicate",
        Settled::Deduplicated { .. } => "deduplicated",
        Settled::Looked { .. } => "looked",
        Settled::Admitted(_) => "admitted",
        Settled::Done => "done",
        Settled::News => "news",
        Settled::Failed(error) => match error.outcome() {
            Outcome::Unknown => "unknown",
            Outcome::Refused => "refused",
            Outcome::NotSent => "not-sent",
        },
    };
    backlog.news().map_or(vec![], |news| news.settled.drain(..).map(name).collect())
}

fn refuse(backlog: &mut Backlog, batch: Batch, message: &str) -> Next {
    backlog.refused(batch, message, said(message, "a:1"))
}

#[test]
fn what_is_held_of_a_job_beside_its_bytes_is_small() {
    assert!(size_of::<Pending>() <= 112, "{} bytes", size_of::<Pending>());
}
