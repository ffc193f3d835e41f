//! Where the jobs of a backlog are kept, from when they arrive until they are settled.

use super::Pending;

/// The name of a job. Once the job is gone it names nothing, whatever has come in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    at: u32,
    turn: u32,
}

#[derive(Default)]
pub struct Jobs {
    entries: Vec<Option<(u32, Pending)>>,
    free: Vec<u32>,
    turn: u32,
}

/// With room for fewer jobs than this, none is given back.
const LITTLE: usize = 4096;

impl Jobs {
    pub fn insert(&mut self, job: Pending) -> Key {
        self.turn = self.turn.wrapping_add(1);
        let entry = Some((self.turn, job));
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        Key { at, turn: self.turn }
    }

    pub fn get(&self, key: Key) -> Option<&Pending> {
        match self.entries.get(key.at as usize) {
            Some(Some((turn, job))) if *turn == key.turn => Some(job),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, key: Key) -> Option<&mut Pending> {
        match self.entries.get_mut(key.at as usize) {
            Some(Some((turn, job))) if *turn == key.turn => Some(job),
            _ => None,
        }
    }

    pub fn take(&mut self, key: Key) -> Option<Pending> {
        self.get(key)?;
        let (_, job) = self.entries[key.at as usize].take()?;
        self.free.push(key.at);
        // What a long outage needed is not kept for good.
        if self.free.len() == self.entries.len() && self.entries.capacity() > LITTLE {
            (self.entries, self.free) = Default::default();
        }
        Some(job)
    }

    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// In no order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let entries = (0..).zip(&self.entries);
        entries.filter_map(|(at, entry)| entry.as_ref().map(|(turn, _)| Key { at, turn: *turn }))
    }
}
