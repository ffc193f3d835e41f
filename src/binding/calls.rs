//! The calls in flight of one environment, by the slot number that JavaScript gave each. Knows no JavaScript.
//!
//! Along the journey of a call: `waiting` for the caller's own code, `admitting`, `sending`, `settling`.

mod admitting;
mod made;
mod sending;
mod settling;
mod waiting;

use std::time::Instant;

pub use self::settling::{ADMITTED, FAILED, LOOKED, NEWS, REFUSED, UNADMITTED};
pub use self::waiting::Phase;
use super::deadlines::Deadlines;
use crate::core::{Error, Job};
use crate::queue::Reuse;

/// Bytes of jobs that may be held at once.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Where a call is.
enum Call {
    /// Nowhere: the slot is free.
    Free,
    /// It waits for its input to be validated by the caller's own code.
    Validating { deadline: Instant, timeout_ms: u32 },
    /// Its input is accepted; it waits for the caller's own code: `authorize`, then the record.
    Accepted { job: Job, deadline: Instant, timeout_ms: u32, reuse: Reuse },
    /// So, while Redis is asked whether its tenant may enqueue it. The writer keeps its time.
    Admitting { job: Job, deadline: Instant, timeout_ms: u32, reuse: Reuse },
    /// Its deadline passed there.
    Late { timeout_ms: u32 },
    /// Its job is with the writer, and this large.
    Sent { bytes: usize },
    /// It failed there.
    Failed(Error),
    /// The job of this id has its place.
    Deduplicated(String),
    /// Its job has this id, or this is what was asked for.
    Named(String),
}

pub struct Calls {
    slots: Vec<Call>,
    /// Those of calls that wait for the caller's own code.
    deadlines: Deadlines,
    waiting: usize,
    /// Calls that may be in flight at once.
    most: usize,
    /// How many slots are not free.
    held: usize,
    bytes: usize,
    sent: usize,
    reuse: Reuse,
}

impl Calls {
    pub fn new(most: usize, reuse: Reuse) -> Self {
        Calls {
            reuse,
            slots: Vec::new(),
            deadlines: Deadlines::default(),
            waiting: 0,
            most,
            held: 0,
            bytes: 0,
            sent: 0,
        }
    }

    /// Whether one more call fits.
    pub fn admit(&self) -> Result<(), Error> {
        if self.held < self.most && self.bytes < MAX_BYTES { Ok(()) } else { Err(Error::Overloaded) }
    }

    /// The same of a call that may have a slot already.
    pub fn admit_to(&self, slot: u32) -> Result<(), Error> {
        match self.slots.get(slot as usize) {
            Some(Call::Validating { .. }) => Ok(()),
            _ => self.admit(),
        }
    }

    /// How many calls are in flight.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many bytes of jobs they hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many jobs the writer has.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Whether jobs that ended make room for others.
    pub fn makes_room(&self) -> bool {
        self.reuse != Reuse::Never
    }

    fn take(&mut self, slot: u32) -> Call {
        match self.slots.get_mut(slot as usize) {
            Some(call) => std::mem::replace(call, Call::Free),
            None => Call::Free,
        }
    }

    fn put(&mut self, slot: u32, call: Call) {
        let slot = slot as usize;
        if slot >= self.slots.len() {
            if matches!(call, Call::Free) {
                return;
            }
            self.slots.resize_with(slot + 1, || Call::Free);
        }
        self.slots[slot] = call;
    }

    fn forget(&mut self, bytes: usize) {
        self.held -= 1;
        self.bytes -= bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_call_fits_while_jobs_hold_less_than_256_mib() {
        let mut calls = Calls::new(1, Reuse::Never);
        calls.bytes = (256 << 20) - 1;
        assert!(calls.admit().is_ok());
        calls.bytes += 1;
        assert!(matches!(calls.admit(), Err(Error::Overloaded)));
    }
}
