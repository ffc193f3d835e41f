//! What an answer, or a lost link, means for the jobs that were on their way.

use super::jobs::Key;
use super::{Backlog, Batch, Fate, Next, lane_of};
use crate::core::{Detail, Error};
use crate::queue::quota::{Attempt, BatchName};
use crate::queue::refusal::{Refusal, judge};
use crate::queue::scripts::answer::{Additions, Answer, Data, State, is_same};
use crate::queue::scripts::{Answers, Kind};
use crate::queue::{Operation, Settled};

impl Backlog {
    /// Takes out the batch that was answered. Its jobs are kept until they are settled.
    pub fn answered(&mut self) -> Option<Batch> {
        self.sent.pop_front()
    }

    /// The script ran, and says what each operation comes to.
    pub fn ran(&mut self, batch: Batch, answers: Answers) {
        self.known[batch.kind as usize] = true;
        match answers {
            Answers::Added(answers) => self.added(batch, answers),
            Answers::Looked(states) => self.looked(batch, states),
            Answers::Admitted(verdicts) => {
                for (key, verdict) in batch.jobs.into_iter().zip(verdicts) {
                    self.settle(key, Settled::Admitted(verdict));
                }
            }
            Answers::Counted(counts) => {
                for (key, count) in batch.jobs.into_iter().zip(counts) {
                    self.settle(key, Settled::Named(count.to_string()));
                }
            }
            Answers::Settled => {
                for key in batch.jobs {
                    self.settle(key, Settled::Done);
                }
            }
        }
    }

    /// The states of all jobs that were asked for, in order.
    fn looked(&mut self, batch: Batch, states: Vec<Option<State>>) {
        let mut states = states.into_iter();
        for key in batch.jobs {
            if let Some(job) = self.jobs.get(key)
                && let Operation::Look(look) = &job.ready.operation
            {
                let (at, count) = (look.at, look.ids.len());
                let states = states.by_ref().take(count).collect();
                self.settle(key, Settled::Looked { at, states });
            }
        }
    }

    pub fn added(&mut self, batch: Batch, Additions { others, counted }: Additions) {
        let mut others = others.into_iter().peekable();
        let mut last = counted.unwrap_or_default();
        for (position, key) in batch.jobs.into_iter().enumerate() {
            let other = others.next_if(|(at, _)| *at == position);
            // Every job takes a number, but for those that BullMQ does not count.
            if !matches!(other, Some((_, Answer::MissingParent(_)))) {
                last += 1;
            }
            match other {
                Some((_, answer)) => self.not_added(key, answer),
                None => {
                    let mut told = Settled::Added;
                    if let Some(job) = self.jobs.get(key)
                        && let Operation::Add(addition) = &job.ready.operation
                    {
                        if addition.job.has_id() {
                            self.claims.note(addition.job.id(), addition.timestamp);
                        } else {
                            told = Settled::Named(last.to_string());
                        }
                    }
                    self.settle(key, told);
                }
            }
        }
    }

    fn not_added(&mut self, key: Key, answer: Answer) {
        match answer {
            Answer::Existing { state, data } => {
                let Some(job) = self.jobs.get_mut(key) else {
                    return;
                };
                let Operation::Add(addition) = &mut job.ready.operation else {
                    return;
                };
                let (same, twin) = match data {
                    Data::Other => (false, false),
                    Data::Same { twin } => (true, twin),
                    Data::Stored(text) => (is_same(&text, addition.job.data()), false),
                };
                if twin
                    && job.fate == Fate::Unknown
                    && self.claims.claim(addition.job.id(), addition.timestamp)
                {
                    // It is the one that went out when the link broke.
                    self.settle(key, Settled::Added);
                } else if addition.reuse.allows(state) && !addition.is_special() {
                    // The other script looks again, and has it make room in the same moment.
                    addition.room = true;
                    if let Some(lane) = self.come_back(key, None) {
                        self.waiting += 1;
                        self.lanes[lane].put_back(&[key]);
                    }
                } else {
                    self.settle(key, Settled::Duplicate { state, same });
                }
            }
            Answer::Deduplicated { state, id } => self.settle(key, Settled::Deduplicated { state, id }),
            Answer::MissingParent(parent) => {
                self.finish(key, |fate| match fate {
                    // It may have been there when the job went out, and both gone since.
                    Fate::Unknown => Error::OutcomeUnknown { detail: of(parent) },
                    _ => Error::MissingParent { detail: of(parent) },
                })
            }
            Answer::OtherParent(parent) => self.finish(key, |_| Error::ParentConflict { detail: of(parent) }),
        }
    }

    /// The server said no, in these words; `why` is what an operator is told of it.
    pub fn refused(&mut self, batch: Batch, message: &str, why: Detail) -> Next {
        match judge(message, &why) {
            Refusal::NoScript => {
                // Several batches find the script missing at once; the first has it loaded for all.
                let kind = batch.kind as usize;
                self.load_next[kind] |= batch.loads == self.loads[kind];
                self.known[kind] = !self.load_next[kind];
                self.put_back(vec![batch], &why, |_| None);
                Next::GoOn
            }
            Refusal::NotNow => {
                self.put_back(vec![batch], &why, |_| Some(Fate::Refused));
                Next::Pause(why)
            }
            Refusal::NotHere => {
                self.put_back(vec![batch], &why, |_| Some(Fate::Refused));
                Next::Leave { why, host: None, port: None }
            }
            Refusal::Moved(host, port) => {
                self.put_back(vec![batch], &why, |_| Some(Fate::Refused));
                Next::Leave { why, host, port: Some(port) }
            }
            // It may be that of one job or tenant, which has nothing to do with the others: each half goes for itself.
            Refusal::Never(Error::Misconfigured { .. })
                if matches!(batch.kind, Kind::AddAlike | Kind::AddAny | Kind::Admit)
                    && batch.jobs.len() > 1 =>
            {
                let half = batch.jobs.len().div_ceil(2) as u8;
                for key in &batch.jobs {
                    if let Some(job) = self.jobs.get_mut(*key) {
                        job.company = half;
                    }
                }
                self.put_back(vec![batch], &why, |_| Some(Fate::Refused));
                Next::GoOn
            }
            Refusal::Never(error) => {
                for key in batch.jobs {
                    self.finish(key, |fate| match fate {
                        Fate::Unknown => Error::OutcomeUnknown { detail: why.clone() },
                        _ => error.clone(),
                    });
                }
                Next::GoOn
            }
        }
    }

    /// The jobs are on the primary and on no replica, although one was asked for.
    pub fn unreplicated(&mut self, batch: Batch, why: &Detail) {
        for key in batch.jobs {
            self.finish(key, |_| Error::OutcomeUnknown { detail: why.clone() });
        }
    }

    /// The link broke when the kernel had taken `written` bytes. Jobs on their way come back, and their ids make sending
    /// them again safe; those that have none may be there.
    pub fn link_lost(&mut self, written: u64, why: &Detail) {
        self.known = Default::default();
        let sent = self.sent.drain(..).collect();
        // Of a call that did not go out whole, the server runs nothing.
        self.put_back(sent, why, |batch| (batch.end <= written).then_some(Fate::Unknown));
    }

    /// They go out again before those that wait, in the order in which they went.
    fn put_back(&mut self, batches: Vec<Batch>, why: &Detail, fate: impl Fn(&Batch) -> Option<Fate>) {
        let mut back: Vec<Vec<Key>> = vec![Vec::new(); self.lanes.len()];
        for batch in batches {
            let fate = fate(&batch);
            let name = BatchName { writer: self.writer, number: batch.number };
            let mut attempts = Attempt::all(name, &batch.parties);
            for key in batch.jobs {
                let attempt = attempts.next();
                if fate == Some(Fate::Unknown) {
                    self.is_in_doubt(key, attempt, why);
                }
                if let Some(lane) = self.come_back(key, fate) {
                    back[lane].push(key);
                }
            }
        }
        for (lane, keys) in self.lanes.iter_mut().zip(back) {
            self.waiting += keys.len();
            lane.put_back(&keys);
        }
    }

    /// It went out with this batch, which may have run: Redis can be asked what became of it.
    fn is_in_doubt(&mut self, key: Key, attempt: Option<Attempt>, why: &Detail) {
        if let Some(job) = self.jobs.get_mut(key) {
            match &mut job.ready.operation {
                Operation::Admit(admission) => admission.earlier.extend(attempt),
                other if !other.is_repeatable() => {
                    self.finish(key, |_| Error::OutcomeUnknown { detail: why.clone() });
                }
                _ => {}
            }
        }
    }

    /// A job that was on its way is not any more. Gives the lane that it is to wait in, if it still waits here.
    fn come_back(&mut self, key: Key, fate: Option<Fate>) -> Option<usize> {
        let job = self.jobs.get_mut(key)?;
        job.sent = false;
        // What is unknown once stays so, whatever a later attempt says.
        if job.fate != Fate::Unknown {
            job.fate = fate.unwrap_or(job.fate);
            if let Operation::Add(addition) = &mut job.ready.operation {
                addition.again = job.fate == Fate::Unknown;
            }
        }
        let (settled, client) = (job.settled, job.client);
        let of = self.clients[client].as_mut()?;
        if !settled && !of.moved {
            return Some(lane_of(of.queue, job.ready.operation.family()));
        }
        of.jobs -= 1;
        self.news.push(client);
        let job = self.jobs.take(key)?;
        if !settled {
            of.returned.push((job.ready, job.fate));
        }
        None
    }

    /// Notes how a job ended and forgets it, unless its caller has an answer already.
    pub(super) fn settle(&mut self, key: Key, settled: Settled) {
        let Some(job) = self.jobs.take(key) else {
            return;
        };
        let Some(of) = &mut self.clients[job.client] else {
            return;
        };
        of.jobs -= 1;
        if of.settled.is_empty() {
            self.news.push(job.client);
        }
        if !job.settled && job.ready.operation.has_caller() {
            of.settled.push((job.ready.slot, settled));
        }
    }

    /// As `settle`, with an error that depends on what is certain.
    pub(super) fn finish(&mut self, key: Key, error: impl FnOnce(Fate) -> Error) {
        if let Some(job) = self.jobs.get(key) {
            let error = job.ready.operation.failed(error(job.fate));
            self.settle(key, Settled::Failed(error));
        }
    }
}

/// What an operator is told of a parent.
fn of(key: String) -> Detail {
    Detail::from(format!("the parent is {key}"))
}
