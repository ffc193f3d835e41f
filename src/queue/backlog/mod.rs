//! The operations that a writer has, which are mostly jobs: those that wait, those on their way, and what is certain about
//! each. They are of several clients, and for several queues, each of which has a lane for each family of operations. No I/O.

mod answers;
mod claims;
mod deadlines;
mod jobs;
mod lane;
mod sending;

use std::collections::VecDeque;

use tokio::time::Instant;

use self::claims::Claims;
use self::deadlines::Deadlines;
use self::jobs::Jobs;
pub use self::jobs::Key;
use self::lane::Lane;
use super::connection::resp::Reply;
use super::operation::Family;
use super::quota::{Party, Renewals};
use super::scripts::{Kind, Work};
use super::{Ready, Settled};
use crate::core::{Detail, Error, Outcome};

/// Bytes a batch may have, unless one job alone is longer.
const MAX_BATCH_BYTES: usize = 256 * 1024;
/// Batches on their way at once: while Redis runs one, the next is on the wire and the last is being read.
const MAX_SENT: usize = 4;
/// Batches that go out whatever their size: Redis should find the next one when it is done with the first.
const MAX_SMALL: usize = 2;
/// With so many on their way, fewer jobs than this wait for company.
const WORTH_SENDING: usize = 16;

/// What is certain about a job that has no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    NotSent,
    Refused,
    /// It went out once and the link broke before the answer.
    Unknown,
}

pub struct Pending {
    pub ready: Ready,
    /// The number of its client.
    client: usize,
    deadline: Instant,
    fate: Fate,
    /// Whether its batch is on its way.
    sent: bool,
    /// Its caller has an answer; it is only here because its batch is still on its way.
    settled: bool,
    /// How many may go with it, itself included: fewer where a batch was refused that it was in.
    company: u8,
}

/// What to put on the wire for a batch.
pub struct Call<'a> {
    /// The number of the queue that it is for.
    pub queue: usize,
    /// What its reply is to begin with, and what tells it from batches of that number that other writers send.
    pub number: u64,
    pub writer: u64,
    /// Whether the script is sent with it.
    pub whole: bool,
    pub work: Work<'a>,
    /// Of the admissions that it is of.
    pub parties: &'a [Party],
}

pub struct Batch {
    pub jobs: Vec<Key>,
    lane: usize,
    /// What its reply begins with, so that no other can be taken for it.
    pub number: u64,
    /// Where the last byte of the call stands on the link; nowhere yet, when that is past all.
    pub end: u64,
    pub sent_at: Instant,
    /// The script's reply, while that of WAIT is still to come.
    pub reply: Option<Reply>,
    /// The script that it went through, and how often that had been loaded then.
    pub kind: Kind,
    loads: u64,
    /// What its operations weigh together.
    pub weight: usize,
    /// Of the admissions that it is of, in order.
    pub parties: Vec<Party>,
}

/// Whose jobs they are.
struct Client {
    queue: usize,
    /// How many of its jobs are here.
    jobs: usize,
    /// What became of jobs, until it is told.
    settled: Vec<(u32, Settled)>,
    /// Its jobs wait elsewhere: one that comes back goes there.
    moved: bool,
    returned: Vec<(Ready, Fate)>,
}

/// What a client is to be told; whoever tells it empties both.
pub struct News<'a> {
    pub client: usize,
    pub settled: &'a mut Vec<(u32, Settled)>,
    /// Jobs that wait elsewhere, with what is certain about each.
    pub returned: &'a mut Vec<(Ready, Fate)>,
}

#[derive(Default)]
pub struct Backlog {
    jobs: Jobs,
    deadlines: Deadlines,
    /// Those of a queue stand together, in the order of the families.
    lanes: Vec<Lane>,
    /// The lane that the next batch is looked for in first.
    turn: usize,
    clients: Vec<Option<Client>>,
    /// Clients that have something to be told.
    news: Vec<usize>,
    sent: VecDeque<Batch>,
    claims: Claims,
    renewals: Renewals,
    waiting: usize,
    number: u64,
    /// What no other writer has.
    writer: u64,
    /// Of each script, how often it was sent whole, and whether it must be again.
    loads: [u64; Kind::COUNT],
    load_next: [bool; Kind::COUNT],
    /// Whether the server has it, as far as this link has shown.
    known: [bool; Kind::COUNT],
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
    /// That of the writer with this number.
    pub fn of(writer: u64) -> Backlog {
        Backlog { writer, ..Backlog::default() }
    }

    /// Takes a client whose jobs are for the queue of this number. Queues are numbered without gaps.
    pub fn join(&mut self, queue: usize) -> usize {
        if self.lanes.len() <= lane_of(queue, Family::Add) {
            self.lanes.resize_with(lane_of(queue + 1, Family::Add), Lane::default);
        }
        let client = Client { queue, jobs: 0, settled: Vec::new(), moved: false, returned: Vec::new() };
        match self.clients.iter().position(Option::is_none) {
            Some(free) => {
                self.clients[free] = Some(client);
                free
            }
            None => {
                self.clients.push(Some(client));
                self.clients.len() - 1
            }
        }
    }

    /// Forgets a client, if none of its jobs is here any more.
    pub fn leave(&mut self, client: usize) -> bool {
        let idle = matches!(&self.clients[client], Some(it) if it.jobs == 0 && it.settled.is_empty() && it.returned.is_empty());
        if idle {
            self.clients[client] = None;
        }
        idle
    }

    pub fn add(&mut self, client: usize, ready: Ready) {
        if let Some((lane, key)) = self.keep(client, ready, Fate::NotSent) {
            self.lanes[lane].push(key);
        }
    }

    /// Takes jobs that waited elsewhere, and go out before those that wait here.
    pub fn adopt(&mut self, client: usize, jobs: Vec<(Ready, Fate)>) {
        let kept: Vec<_> =
            jobs.into_iter().filter_map(|(ready, fate)| self.keep(client, ready, fate)).collect();
        for (lane, key) in kept {
            self.lanes[lane].put_back(&[key]);
        }
    }

    fn keep(&mut self, client: usize, ready: Ready, fate: Fate) -> Option<(usize, Key)> {
        let of = self.clients[client].as_mut()?;
        of.jobs += 1;
        let lane = lane_of(of.queue, ready.operation.family());
        let deadline = Instant::from_std(ready.deadline);
        let key = self.jobs.insert(Pending {
            ready,
            client,
            deadline,
            fate,
            sent: false,
            settled: false,
            company: u8::MAX,
        });
        self.deadlines.insert(key, deadline);
        if self.deadlines.is_crowded(self.jobs.len()) {
            self.deadlines.clear();
            for key in self.jobs.keys() {
                if let Some(job) = self.jobs.get(key) {
                    self.deadlines.insert(key, job.deadline);
                }
            }
        }
        self.waiting += 1;
        Some((lane, key))
    }

    /// A client's jobs wait elsewhere from now on: those that wait here go out, and those that come back do.
    pub fn move_away(&mut self, client: usize) {
        let Some(of) = &mut self.clients[client] else {
            return;
        };
        of.moved = true;
        let jobs = &self.jobs;
        let of_client = |key| jobs.get(key).is_some_and(|job| job.client == client);
        let lanes = Family::ALL.map(|family| lane_of(of.queue, family));
        let mut leaving = Vec::new();
        for lane in lanes {
            leaving.append(&mut self.lanes[lane].extract(jobs, of_client));
        }
        self.waiting -= leaving.len();
        let leaving: Vec<_> = leaving.into_iter().filter_map(|key| self.jobs.take(key)).collect();
        of.jobs -= leaving.len();
        of.returned.extend(leaving.into_iter().map(|job| (job.ready, job.fate)));
        self.news.push(client);
    }

    /// Whether no job is here.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0 && self.sent.is_empty()
    }

    /// Whether jobs wait to be sent.
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// When the last of them has passed, or of some that are settled.
    pub fn last_deadline(&self) -> Option<Instant> {
        self.deadlines.last()
    }

    /// The next client that has something to be told, or no job here any more.
    pub fn news(&mut self) -> Option<News<'_>> {
        while let Some(client) = self.news.pop() {
            // One that has nothing left here may be waited for to be forgotten.
            let silent = |of: &Client| of.settled.is_empty() && of.returned.is_empty() && of.jobs > 0;
            if !self.clients[client].as_ref().is_none_or(silent) {
                let Client { settled, returned, .. } = self.clients[client].as_mut()?;
                return Some(News { client, settled, returned });
            }
        }
        None
    }

    /// Settles every job whose deadline has passed; one that still waits is never sent. `trouble` is what stood in the
    /// way, `unanswered` what is to be said of a job on its way.
    pub fn expire(&mut self, now: Instant, trouble: &Detail, unanswered: impl Fn() -> Detail) {
        while let Some(keys) = self.deadlines.passed(now) {
            for key in keys {
                let Some(job) = self.jobs.get_mut(key) else {
                    continue;
                };
                let client = job.client;
                if job.sent {
                    if job.settled {
                        continue;
                    }
                    job.settled = true;
                    let slot = job.ready.slot;
                    let unknown = Error::OutcomeUnknown { detail: unanswered() };
                    let told = Settled::Failed(job.ready.operation.failed(unknown));
                    if job.ready.operation.has_caller()
                        && let Some(of) = &mut self.clients[client]
                    {
                        if of.settled.is_empty() {
                            self.news.push(client);
                        }
                        of.settled.push((slot, told));
                    }
                } else {
                    let family = job.ready.operation.family();
                    self.finish(key, |fate| expired(fate, trouble));
                    self.waiting -= 1;
                    if let Some(of) = &self.clients[client] {
                        self.lanes[lane_of(of.queue, family)].settled(&self.jobs);
                    }
                }
            }
        }
    }

    /// Settles everything as failed, after a defect: jobs of a batch that was being answered among it.
    pub fn fail_everything(&mut self, error: &Error) {
        let keys: Vec<_> = self.jobs.keys().collect();
        for key in keys {
            self.settle(key, Settled::Failed(error.clone()));
        }
        self.news = (0..self.clients.len()).collect();
        self.sent.clear();
        self.deadlines.clear();
        self.lanes.iter_mut().for_each(|lane| *lane = Lane::default());
        self.waiting = 0;
    }
}

/// Where operations of this family wait for this queue.
fn lane_of(queue: usize, family: Family) -> usize {
    queue * Family::ALL.len() + family as usize
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
