//! Jobs that are children of others, as `any/parents.lua` has them.

use super::store::{Job, Store, place};
use crate::queue::State;

impl Store {
    /// A job that is there becomes a child of this parent, unless it has another one that is there.
    pub(super) fn adopt(&mut self, key: &str, parent: &str) -> bool {
        let Some(job) = self.jobs.get(key) else {
            return false;
        };
        let completed = job.state == State::Completed;
        if job.parent.as_ref().is_some_and(|before| before != parent && self.jobs.contains_key(before)) {
            return false;
        }
        if let Some(job) = self.jobs.get_mut(key) {
            job.parent = Some(parent.to_owned());
        }
        if completed {
            self.child_completed(parent, key);
        } else if let Some(of) = self.jobs.get_mut(parent) {
            of.children.insert(key.to_owned());
        }
        true
    }

    /// A parent that waits for no child any more goes to where it would have gone without any.
    pub(super) fn child_completed(&mut self, parent: &str, key: &str) {
        if let Some(of) = self.jobs.get_mut(parent) {
            of.had_children = true;
            let next = place(of.delay, of.priority);
            of.leave(key, next);
        }
    }

    /// One that waits for no child any more as it was removed simply waits.
    pub(super) fn child_removed(&mut self, parent: &str, key: &str) {
        if let Some(of) = self.jobs.get_mut(parent) {
            of.leave(key, State::Waiting);
        }
    }
}

impl Job {
    fn leave(&mut self, child: &str, next: State) {
        self.children.remove(child);
        if self.children.is_empty() && self.state == State::WaitingChildren {
            self.state = next;
        }
    }
}
