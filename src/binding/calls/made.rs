//! A call that only Redis is waited for: it comes with all that is sent.

use std::time::{Duration, Instant};

use super::{Call, Calls};
use crate::queue::{Operation, Ready};

impl Calls {
    /// What to send for a call that begins.
    pub fn begin_sent(
        &mut self,
        slot: u32,
        operation: Operation,
        started: Instant,
        timeout_ms: u32,
    ) -> Ready {
        let bytes = operation.size();
        self.held += 1;
        self.sent += 1;
        self.bytes += bytes;
        self.put(slot, Call::Sent { bytes });
        Ready { slot, operation, deadline: started + Duration::from_millis(timeout_ms.into()) }
    }

    /// The id that the job of a call was given, or what was asked for; frees the slot.
    pub fn named(&mut self, slot: u32) -> Option<String> {
        match self.take(slot) {
            Call::Named(name) => {
                self.forget(0);
                Some(name)
            }
            other => {
                self.put(slot, other);
                None
            }
        }
    }
}
