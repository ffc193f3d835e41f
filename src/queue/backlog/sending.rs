//! Which jobs go out next.

use tokio::time::Instant;

use super::jobs::Key;
use super::{Backlog, Batch, Call, MAX_BATCH_BYTES, MAX_SENT, MAX_SMALL, WORTH_SENDING, expired};
use crate::core::Detail;
use crate::queue::Operation;
use crate::queue::operation::Family;
use crate::queue::quota::{Admission, Party};
use crate::queue::scripts::Work;

impl Backlog {
    /// The batch to send now; from here on it counts as on its way. Each queue that has jobs gets its turn. A job whose
    /// time is up is not sent any more: `trouble` is what stood in its way.
    pub fn next_batch(&mut self, now: Instant, trouble: &Detail) -> Option<Call<'_>> {
        let least = if self.sent.len() < MAX_SMALL { 1 } else { WORTH_SENDING };
        if self.waiting < least || self.sent.len() >= MAX_SENT {
            return None;
        }
        let lanes = self.lanes.len();
        for step in 0..lanes {
            let lane = (self.turn + step) % lanes;
            if self.lanes[lane].len() == 0 {
                continue;
            }
            let family = Family::ALL[lane % Family::ALL.len()];
            if family == Family::Add && self.some_come_back(lane) {
                continue;
            }
            let (mut jobs, weight) = self.fill(lane, family, now, trouble);
            if family == Family::Add && self.would_overtake(lane, &jobs) {
                self.unsend(lane, &jobs);
                continue;
            }
            if !jobs.is_empty() {
                let queue = lane / Family::ALL.len();
                let parties = match family {
                    Family::Admit => self.gather(&mut jobs, queue, now),
                    _ => Vec::new(),
                };
                self.turn = (lane + 1) % lanes;
                self.number += 1;
                let number = self.number;
                let operations =
                    jobs.iter().filter_map(|key| self.jobs.get(*key)).map(|job| &job.ready.operation);
                let work = Work::of(family, operations, jobs.len());
                let kind = work.kind();
                let whole = std::mem::take(&mut self.load_next[kind as usize]);
                self.loads[kind as usize] += u64::from(whole);
                self.known[kind as usize] |= whole;
                let loads = self.loads[kind as usize];
                let (end, reply) = (u64::MAX, None);
                self.sent.push_back(Batch {
                    jobs,
                    lane,
                    number,
                    end,
                    sent_at: now,
                    reply,
                    kind,
                    loads,
                    weight,
                    parties,
                });
                let parties = self.sent.back().map_or(&[][..], |batch| &batch.parties);
                return Some(Call { queue, whole, number, writer: self.writer, work, parties });
            }
        }
        None
    }

    /// Whether jobs of the lane are on their way that the server has no script for: they are to go before those that wait. Jobs are
    /// added in order.
    fn some_come_back(&self, lane: usize) -> bool {
        self.sent.iter().any(|batch| batch.lane == lane && self.load_next[batch.kind as usize])
    }

    /// Whether the same may be so, and these go through another script, which the server may have.
    fn would_overtake(&self, lane: usize, jobs: &[Key]) -> bool {
        let mut unsure = self
            .sent
            .iter()
            .filter(|batch| batch.lane == lane && !self.known[batch.kind as usize])
            .map(|batch| batch.kind)
            .peekable();
        if unsure.peek().is_none() {
            return false;
        }
        let operations = jobs.iter().filter_map(|key| self.jobs.get(*key)).map(|job| &job.ready.operation);
        let kind = Work::of(Family::Add, operations, jobs.len()).kind();
        unsure.any(|other| other != kind)
    }

    /// These were just taken out of the lane, and wait again.
    fn unsend(&mut self, lane: usize, jobs: &[Key]) {
        for key in jobs {
            if let Some(job) = self.jobs.get_mut(*key) {
                job.sent = false;
            }
        }
        self.waiting += jobs.len();
        self.lanes[lane].unpop(jobs);
    }

    /// Takes out as many operations of a lane as fit into a batch: at least one. Gives what they weigh as well.
    fn fill(&mut self, lane: usize, family: Family, now: Instant, trouble: &Detail) -> (Vec<Key>, usize) {
        let most = family.most();
        let mut batch = Vec::with_capacity(self.lanes[lane].len().min(most));
        let (mut bytes, mut weight, mut company) = (0, 0, u8::MAX);
        while let Some(key) = self.lanes[lane].front(&self.jobs)
            && let Some(job) = self.jobs.get_mut(key)
        {
            let late = job.deadline <= now;
            if !late {
                bytes += job.ready.operation.size();
                let more = job.ready.operation.weight();
                company = company.min(job.company);
                let full = weight + more > most || bytes > MAX_BATCH_BYTES || batch.len() >= company.into();
                if full && !batch.is_empty() {
                    break;
                }
                weight += more;
            }
            job.sent = !late;
            self.lanes[lane].pop();
            self.waiting -= 1;
            match late {
                true => self.finish(key, |fate| expired(fate, trouble)),
                false => batch.push(key),
            }
        }
        (batch, weight)
    }

    /// Has admissions of one tenant stand together, each tenant's in the order in which they came, and gives the parties.
    fn gather(&mut self, batch: &mut [Key], queue: usize, now: Instant) -> Vec<Party> {
        let admission = |key: &Key| match self.jobs.get(*key).map(|job| &job.ready.operation) {
            Some(Operation::Admit(admission)) => Some(&**admission),
            _ => None,
        };
        let party = |key: &Key| admission(key).map(Admission::party);
        batch.sort_by(|one, two| party(one).cmp(&party(two)));
        let mut parties = Vec::new();
        for keys in batch.chunk_by(|one, two| party(one) == party(two)) {
            let Some((limits, tenant)) = party(&keys[0]) else { continue };
            let renew = limits.backlog.is_some() && self.renewals.is_due(queue, tenant, now);
            parties.push(Party { calls: keys.len() as u8, rate: limits.rate, renew });
        }
        parties
    }

    /// The call of the batch that was just made ends here on the link.
    pub fn ends_at(&mut self, end: u64) {
        if let Some(batch) = self.sent.back_mut() {
            batch.end = end;
        }
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
}
