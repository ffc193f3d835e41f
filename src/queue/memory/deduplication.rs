//! Jobs that stand for a deduplication id, as `any/deduplication.lua` has them.

use std::collections::HashMap;

use super::store::{Job, Store, key_of};
use crate::core::options::Deduplication;
use crate::queue::State;

/// By the key of the id.
#[derive(Default)]
pub struct Uniques(HashMap<String, Unique>);

struct Unique {
    winner: String,
    /// In microseconds since 1970; none where it has no end.
    until: Option<u64>,
    /// The last of those that came while the winner ran, to be made into a job when that is done.
    next: Option<Job>,
}

fn name_of(base: &str, unique: &str) -> String {
    format!("{base}de:{unique}")
}

impl Uniques {
    /// Nothing stands for it any more, if it is this job that did.
    pub fn release(&mut self, base: &str, unique: &str, id: &str) {
        let name = name_of(base, unique);
        if self.0.get(&name).is_some_and(|it| it.winner == id) {
            self.0.remove(&name);
        }
    }
}

impl Store {
    /// A job that stands for it has ended. One with a time goes on standing for it until that is over; where another was kept for
    /// later, that is made now.
    pub(super) fn pass_on(&mut self, base: &str, unique: &str, id: &str) {
        let name = name_of(base, unique);
        let Some(it) = self.uniques.0.get_mut(&name) else {
            return;
        };
        let next = it.next.take();
        if it.winner == id && it.until.is_none() {
            self.uniques.0.remove(&name);
        }
        if let Some(mut next) = next {
            // Where its id has a job by now, that is written over, and what the new one does not have stays.
            let before = self.jobs.get(&next.key()).and_then(|before| before.parent.clone());
            next.parent = next.parent.or(before);
            // BullMQ does so, whether it has an id or not.
            self.count_one(base);
            self.uniques.0.insert(name, Unique { winner: next.id.clone(), until: None, next: None });
            self.insert(next);
        }
    }

    fn claim(&mut self, base: &str, unique: &Deduplication, winner: &str) {
        let ends = !unique.keep_last_if_active && unique.ttl > 0;
        let until = ends.then(|| self.now().saturating_add(unique.ttl.saturating_mul(1000)));
        let claimed = Unique { winner: winner.to_owned(), until, next: None };
        self.uniques.0.insert(name_of(base, &unique.id), claimed);
    }

    /// The id of the job that this one is deduplicated to, if any.
    pub(super) fn deduplicate(&mut self, base: &str, job: &Job, unique: &Deduplication) -> Option<String> {
        let (name, now) = (name_of(base, &unique.id), self.now());
        let standing = self.uniques.0.get(&name).filter(|it| it.until.is_none_or(|until| until > now));
        let Some((winner, until)) = standing.map(|it| (it.winner.clone(), it.until)) else {
            self.claim(base, unique, &job.id);
            return None;
        };
        let winner_key = key_of(base, &winner);
        let state = self.jobs.get(&winner_key).map(|winner| winner.state);
        if unique.replace && state == Some(State::Delayed) {
            self.jobs.remove(&winner_key);
            self.claim(base, unique, &job.id);
            let keeps_time = !unique.keep_last_if_active && !unique.extend && unique.ttl > 0;
            if keeps_time && let Some(it) = self.uniques.0.get_mut(&name) {
                it.until = until;
            }
            return None;
        }
        // One that stands for it without an end and is gone leaves its place.
        if until.is_none() && state.is_none() {
            self.claim(base, unique, &job.id);
            return None;
        }
        let kept = unique.keep_last_if_active && state == Some(State::Active);
        if kept {
            if let Some(it) = self.uniques.0.get_mut(&name) {
                it.until = None;
                it.next = Some(job.clone());
            }
        } else if !unique.replace && unique.extend && unique.ttl > 0 {
            self.claim(base, unique, &winner);
        }
        let reschedules = !unique.replace && unique.reschedule;
        if reschedules
            && let Some(it) = self.jobs.get_mut(&winner_key).filter(|it| it.state == State::Delayed)
        {
            it.delay = job.delay;
        }
        Some(winner)
    }
}
