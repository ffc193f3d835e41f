//! The jobs that a writer has: those that wait, those on their way, and what is certain about each. No I/O.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::resp::Reply;
use super::refusal::{Refusal, judge};
use super::{Ready, Settled};
use crate::core::{Detail, Error, Outcome};

/// Jobs a script may add: at 5 µs each it blocks Redis for well under a millisecond.
const MAX_BATCH: usize = 128;
/// Bytes a batch may have, unless one job alone is longer.
const MAX_BATCH_BYTES: usize = 256 * 1024;
/// Batches on their way at once: while Redis runs one, the next is on the wire and the last is being read.
const MAX_SENT: usize = 4;
/// Batches that go out whatever their size: Redis should find the next one when it is done with the first.
const MAX_SMALL: usize = 2;
/// With so many on their way, fewer jobs than this wait for company.
const WORTH_SENDING: usize = 16;
/// Deadlines closer together than this are dealt with at once, so that a long queue is not swept for each of its jobs.
const SWEEP: Duration = Duration::from_millis(10);

/// What is certain about a job that has no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    NotSent,
    Refused,
    /// It went out once and the link broke before the answer.
    Unknown,
}

pub struct Pending {
    pub ready: Ready,
    deadline: Instant,
    fate: Fate,
    /// Its caller has an answer; it is only here because its batch is still on its way.
    settled: bool,
}

pub struct Batch {
    pub jobs: Vec<Pending>,
    /// What its reply begins with, so that no other can be taken for it.
    pub number: u64,
    /// Whether the script is sent with it.
    pub whole: bool,
    /// Where the last byte of the call stands on the link; nowhere yet, when that is past all.
    pub end: u64,
    pub sent_at: Instant,
    /// The script's reply, while that of WAIT is still to come.
    pub reply: Option<Reply>,
    /// How often the script had been loaded when this was sent.
    loads: u64,
}

#[derive(Default)]
pub struct Backlog {
    waiting: VecDeque<Pending>,
    /// Jobs that came back unanswered or refused, in order: they go out again before those that wait.
    returned: Vec<Pending>,
    sent: VecDeque<Batch>,
    next_deadline: Option<Instant>,
    number: u64,
    /// How often the script was sent whole, and whether it must be again.
    loads: u64,
    load_next: bool,
    settled: Vec<(u32, Settled)>,
}

/// What an answer asks of the writer.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    GoOn,
    /// Ask again after a pause.
    Pause(Detail),
    /// Connect anew, to another host or port where those are known.
    Leave {
        why: Detail,
        host: Option<String>,
        port: Option<u16>,
    },
}

impl Backlog {
    pub fn add(&mut self, ready: Ready) {
        let deadline = Instant::from_std(ready.deadline);
        self.next_deadline = Some(self.next_deadline.map_or(deadline, |next| next.min(deadline)));
        self.waiting.push_back(Pending { ready, deadline, fate: Fate::NotSent, settled: false });
    }

    pub fn is_empty(&self) -> bool {
        !self.is_waiting() && self.sent.is_empty()
    }

    /// Whether jobs wait to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() || !self.returned.is_empty()
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.next_deadline
    }

    /// What became of jobs since this was last emptied.
    pub fn settled(&mut self) -> &mut Vec<(u32, Settled)> {
        &mut self.settled
    }

    // --- sending ----------------------------------------------------------------------------------------------------

    /// The batch to send now; from here on it counts as on its way.
    pub fn next_batch(&mut self, now: Instant) -> Option<&mut Batch> {
        for job in self.returned.drain(..).rev() {
            self.waiting.push_front(job);
        }
        let least = if self.sent.len() < MAX_SMALL { 1 } else { WORTH_SENDING };
        if self.waiting.len() < least || self.sent.len() >= MAX_SENT {
            return None;
        }
        let count = self.fitting();
        let whole = std::mem::take(&mut self.load_next);
        self.loads += u64::from(whole);
        self.number += 1;
        self.sent.push_back(Batch {
            jobs: self.waiting.drain(..count).collect(),
            number: self.number,
            whole,
            end: u64::MAX,
            sent_at: now,
            reply: None,
            loads: self.loads,
        });
        self.sent.back_mut()
    }

    /// The batch that the next reply is for.
    pub fn front(&mut self) -> Option<&mut Batch> {
        self.sent.front_mut()
    }

    /// Whether batches are on their way.
    pub fn is_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    /// When the batch that the next reply is for was sent.
    pub fn oldest_sent(&self) -> Option<Instant> {
        self.sent.front().map(|batch| batch.sent_at)
    }

    /// How many of the jobs that wait fit into a batch: at least one.
    fn fitting(&self) -> usize {
        let mut bytes = 0;
        let fits = self.waiting.iter().take(MAX_BATCH).take_while(|job| {
            bytes += job.ready.job.size();
            bytes <= MAX_BATCH_BYTES
        });
        fits.count().max(1)
    }

    // --- answers ----------------------------------------------------------------------------------------------------

    /// Takes out the batch that was answered.
    pub fn answered(&mut self) -> Option<Batch> {
        self.sent.pop_front()
    }

    /// The script ran: `duplicates` are the positions of jobs that were there already, in ascending order.
    pub fn added(&mut self, batch: Batch, duplicates: Vec<usize>) {
        let mut duplicates = duplicates.into_iter().peekable();
        for (position, job) in batch.jobs.into_iter().enumerate() {
            let duplicate = duplicates.next_if_eq(&position).is_some();
            if !job.settled {
                let settled = if duplicate { Settled::Duplicate } else { Settled::Added };
                self.settled.push((job.ready.slot, settled));
            }
        }
    }

    /// The server said no, in these words; `detail` is what an operator is told of it.
    pub fn refused(&mut self, batch: Batch, message: &str, why: Detail) -> Next {
        match judge(message, &why) {
            Refusal::NoScript => {
                // Several batches find the script missing at once; the first has it loaded for all.
                self.load_next |= batch.loads == self.loads;
                self.put_back(batch, None);
                Next::GoOn
            }
            Refusal::NotNow => {
                self.put_back(batch, Some(Fate::Refused));
                Next::Pause(why)
            }
            Refusal::NotHere => {
                self.put_back(batch, Some(Fate::Refused));
                Next::Leave { why, host: None, port: None }
            }
            Refusal::Moved(host, port) => {
                self.put_back(batch, Some(Fate::Refused));
                Next::Leave { why, host, port: Some(port) }
            }
            Refusal::Never(error) => {
                for job in batch.jobs.into_iter().filter(|job| !job.settled) {
                    let error = match job.fate {
                        Fate::Unknown => Error::OutcomeUnknown { detail: why.clone() },
                        _ => error.clone(),
                    };
                    self.settled.push((job.ready.slot, Settled::Failed(error)));
                }
                Next::GoOn
            }
        }
    }

    /// The jobs are on the primary and on no replica, although one was asked for.
    pub fn unreplicated(&mut self, batch: Batch, why: &Detail) {
        for job in batch.jobs.into_iter().filter(|job| !job.settled) {
            let unknown = Error::OutcomeUnknown { detail: why.clone() };
            self.settled.push((job.ready.slot, Settled::Failed(unknown)));
        }
    }

    /// The link broke when the kernel had taken `written` bytes. Jobs on their way come back, and their ids make sending
    /// them again safe.
    pub fn link_lost(&mut self, written: u64) {
        while let Some(batch) = self.sent.pop_front() {
            // Of a call that did not go out whole, the server runs nothing.
            let fate = (batch.end <= written).then_some(Fate::Unknown);
            self.put_back(batch, fate);
        }
    }

    fn put_back(&mut self, batch: Batch, fate: Option<Fate>) {
        self.returned.extend(batch.jobs.into_iter().filter(|job| !job.settled).map(|mut job| {
            // What is unknown once stays so, whatever a later attempt says.
            if job.fate != Fate::Unknown {
                job.fate = fate.unwrap_or(job.fate);
            }
            job
        }));
    }

    // --- deadlines --------------------------------------------------------------------------------------------------

    /// Settles every job whose deadline has passed; one that is still here is never sent. `trouble` is what stood in the
    /// way, `unanswered` what is to be said of a job on its way.
    pub fn expire(&mut self, now: Instant, trouble: &Detail, unanswered: impl Fn() -> Detail) {
        if self.next_deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let Self { waiting, returned, sent, settled, .. } = self;
        let mut alive = |job: &Pending| {
            let late = job.deadline <= now;
            if late {
                settled.push((job.ready.slot, Settled::Failed(expired(job.fate, trouble))));
            }
            !late
        };
        returned.retain(&mut alive);
        waiting.retain(&mut alive);
        for job in sent.iter_mut().flat_map(|batch| &mut batch.jobs) {
            if job.deadline <= now && !job.settled {
                job.settled = true;
                let error = expired(Fate::Unknown, &unanswered());
                settled.push((job.ready.slot, Settled::Failed(error)));
            }
        }
        let unsettled = sent.iter().flat_map(|batch| &batch.jobs).filter(|job| !job.settled);
        let earliest = waiting.iter().chain(&*returned).chain(unsettled).map(|job| job.deadline).min();
        self.next_deadline = earliest.map(|deadline| deadline.max(now + SWEEP));
    }

    /// Settles everything as failed, after a defect.
    pub fn fail_everything(&mut self, error: &Error) {
        let sent = self.sent.drain(..).flat_map(|batch| batch.jobs);
        let all = sent.chain(self.returned.drain(..)).chain(self.waiting.drain(..));
        for job in all.filter(|job| !job.settled) {
            self.settled.push((job.ready.slot, Settled::Failed(error.clone())));
        }
        self.next_deadline = None;
    }
}

fn expired(fate: Fate, trouble: &Detail) -> Error {
    let detail = trouble.clone();
    match fate {
        Fate::NotSent => Error::QueueUnavailable { outcome: Outcome::NotSent, detail },
        Fate::Refused => Error::QueueUnavailable { outcome: Outcome::Refused, detail },
        Fate::Unknown => Error::OutcomeUnknown { detail },
    }
}

#[cfg(test)]
mod tests;
