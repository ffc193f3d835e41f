//! What an answer, or a lost link, means for the jobs that were on their way.

use super::jobs::Key;
use super::{Backlog, Batch, Fate, Next};
use crate::core::{Detail, Error};
use crate::queue::Settled;
use crate::queue::refusal::{Refusal, judge};

impl Backlog {
    /// Takes out the batch that was answered. Its jobs are kept until they are settled.
    pub fn answered(&mut self) -> Option<Batch> {
        self.sent.pop_front()
    }

    /// The script ran: `duplicates` are the positions of jobs that were there already, in ascending order.
    pub fn added(&mut self, batch: Batch, duplicates: Vec<usize>) {
        let mut duplicates = duplicates.into_iter().peekable();
        for (position, key) in batch.jobs.into_iter().enumerate() {
            let duplicate = duplicates.next_if_eq(&position).is_some();
            self.settle(key, if duplicate { Settled::Duplicate } else { Settled::Added });
        }
    }

    /// The server said no, in these words; `why` is what an operator is told of it.
    pub fn refused(&mut self, batch: Batch, message: &str, why: Detail) -> Next {
        match judge(message, &why) {
            Refusal::NoScript => {
                // Several batches find the script missing at once; the first has it loaded for all.
                self.load_next |= batch.loads == self.loads;
                self.put_back(vec![batch], |_| None);
                Next::GoOn
            }
            Refusal::NotNow => {
                self.put_back(vec![batch], |_| Some(Fate::Refused));
                Next::Pause(why)
            }
            Refusal::NotHere => {
                self.put_back(vec![batch], |_| Some(Fate::Refused));
                Next::Leave { why, host: None, port: None }
            }
            Refusal::Moved(host, port) => {
                self.put_back(vec![batch], |_| Some(Fate::Refused));
                Next::Leave { why, host, port: Some(port) }
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
    /// them again safe.
    pub fn link_lost(&mut self, written: u64) {
        let sent = self.sent.drain(..).collect();
        // Of a call that did not go out whole, the server runs nothing.
        self.put_back(sent, |batch| (batch.end <= written).then_some(Fate::Unknown));
    }

    /// They go out again before those that wait, in the order in which they went.
    fn put_back(&mut self, batches: Vec<Batch>, fate: impl Fn(&Batch) -> Option<Fate>) {
        let mut back: Vec<Vec<Key>> = vec![Vec::new(); self.lanes.len()];
        for batch in batches {
            let fate = fate(&batch);
            for key in batch.jobs {
                let Some(job) = self.jobs.get_mut(key) else {
                    continue;
                };
                job.sent = false;
                // What is unknown once stays so, whatever a later attempt says.
                if job.fate != Fate::Unknown {
                    job.fate = fate.unwrap_or(job.fate);
                }
                let settled = job.settled;
                match &mut self.clients[job.client] {
                    Some(of) if settled => {
                        of.jobs -= 1;
                        self.news.push(job.client);
                        self.jobs.take(key);
                    }
                    Some(of) if of.moved => {
                        of.jobs -= 1;
                        self.news.push(job.client);
                        of.returned.extend(self.jobs.take(key).map(|job| (job.ready, job.fate)));
                    }
                    Some(of) => back[of.lane].push(key),
                    None => {}
                }
            }
        }
        for (lane, keys) in self.lanes.iter_mut().zip(back) {
            self.waiting += keys.len();
            lane.put_back(&keys);
        }
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
        if !job.settled {
            of.settled.push((job.ready.slot, settled));
        }
    }

    /// As `settle`, with an error that depends on what is certain.
    pub(super) fn finish(&mut self, key: Key, error: impl FnOnce(Fate) -> Error) {
        if let Some(job) = self.jobs.get(key) {
            let error = error(job.fate);
            self.settle(key, Settled::Failed(error));
        }
    }
}
