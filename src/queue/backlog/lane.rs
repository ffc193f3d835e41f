//! The jobs of one queue that wait to be sent, in order.

use std::collections::VecDeque;

use super::jobs::{Jobs, Key};

#[derive(Default)]
pub struct Lane {
    /// Jobs that came back, in the order in which they went. They go before the others.
    returned: Vec<Key>,
    /// Those that were settled while they waited are passed over.
    keys: VecDeque<Key>,
    /// How many were not.
    waiting: usize,
}

impl Lane {
    pub fn push(&mut self, key: Key) {
        self.keys.push_back(key);
        self.waiting += 1;
    }

    /// Jobs that were on their way come back, in the order in which they went.
    pub fn put_back(&mut self, keys: &[Key]) {
        self.returned.extend_from_slice(keys);
        self.waiting += keys.len();
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// How many keys are held, those of jobs that are gone included.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.keys.len()
    }

    /// The first job that waits.
    pub fn front(&mut self, jobs: &Jobs) -> Option<Key> {
        self.returned.drain(..).rev().for_each(|key| self.keys.push_front(key));
        while let Some(key) = self.keys.front() {
            if jobs.get(*key).is_some() {
                return Some(*key);
            }
            self.keys.pop_front();
        }
        None
    }

    /// Takes out the first, which `front` gave.
    pub fn pop(&mut self) {
        self.keys.pop_front();
        self.waiting -= 1;
    }

    /// Has these wait again, which were just taken out.
    pub fn unpop(&mut self, keys: &[Key]) {
        keys.iter().rev().for_each(|key| self.keys.push_front(*key));
        self.waiting += keys.len();
    }

    /// A job that waits here was settled, and is no longer among `jobs`.
    pub fn settled(&mut self, jobs: &Jobs) {
        self.waiting -= 1;
        if self.keys.len() + self.returned.len() > 2 * self.waiting + 1024 {
            self.returned.retain(|key| jobs.get(*key).is_some());
            self.keys.retain(|key| jobs.get(*key).is_some());
            self.keys.shrink_to(2 * self.keys.len());
        }
    }

    /// Takes out all that `leaves` is true of.
    pub fn extract(&mut self, jobs: &Jobs, leaves: impl Fn(Key) -> bool) -> Vec<Key> {
        let all = self.returned.drain(..).chain(self.keys.drain(..));
        let alive = all.filter(|key| jobs.get(*key).is_some());
        let (gone, stay): (Vec<_>, Vec<_>) = alive.partition(|key| leaves(*key));
        self.keys = stay.into();
        self.waiting = self.keys.len();
        gone
    }
}
