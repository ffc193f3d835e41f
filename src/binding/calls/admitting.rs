//! A call waits until it is known whether its tenant may enqueue one more job. The writer keeps its time.

use std::time::Instant;

use super::{Call, Calls};
use crate::core::Job;

impl Calls {
    /// Has an accepted call wait until it is admitted: gives its job, and its time. Nothing of one whose deadline has passed,
    /// which `expire` will find.
    pub fn await_admission(&mut self, slot: u32, now: Instant) -> Option<(&Job, Instant, u32)> {
        match self.take(slot) {
            Call::Accepted { job, deadline, timeout_ms, reuse } if deadline > now => {
                self.sent += 1;
                self.put(slot, Call::Admitting { job, deadline, timeout_ms, reuse });
            }
            other => {
                self.put(slot, other);
                return None;
            }
        }
        match &self.slots[slot as usize] {
            Call::Admitting { job, deadline, timeout_ms, .. } => Some((job, *deadline, *timeout_ms)),
            _ => None,
        }
    }

    /// The answer is there. Says whether one was waited for.
    pub fn is_answered(&mut self, slot: u32) -> bool {
        match self.take(slot) {
            Call::Admitting { job, deadline, timeout_ms, reuse } => {
                self.sent -= 1;
                self.put(slot, Call::Accepted { job, deadline, timeout_ms, reuse });
                true
            }
            other => {
                self.put(slot, other);
                false
            }
        }
    }
}
