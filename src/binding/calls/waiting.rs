//! A call waits for the caller's own code: its input's validation, `authorize`, the record. Its time runs.

use std::time::{Duration, Instant};

use napi_derive::napi;

use super::{Call, Calls};
use crate::core::Job;

/// What a call waits for in the caller's own code, as a number that JavaScript has.
#[napi]
#[derive(Debug, PartialEq, Eq)]
pub enum Phase {
    Recording = 0,
    Authorizing = 1,
    Validating = 2,
    Admitting = 3,
}

impl Calls {
    /// Has a slot, and its time run, for a call whose input is yet to be validated. Says when to `expire`, as `accept` does.
    pub fn await_input(&mut self, slot: u32, started: Instant, timeout_ms: u32) -> Option<Instant> {
        let deadline = started + Duration::from_millis(timeout_ms.into());
        self.wait(slot, Call::Validating { deadline, timeout_ms }, deadline)
    }

    /// Says when to `expire`, if that is sooner than was said before. The time of a call whose input was waited for has run
    /// since then.
    pub fn accept(&mut self, slot: u32, job: Job, started: Instant, timeout_ms: u32) -> Option<Instant> {
        self.bytes += job.size();
        let reuse = self.reuse;
        if let Some(Call::Validating { deadline, timeout_ms }) = self.slots.get(slot as usize) {
            let (deadline, timeout_ms) = (*deadline, *timeout_ms);
            self.put(slot, Call::Accepted { job, deadline, timeout_ms, reuse });
            return None;
        }
        let deadline = started + Duration::from_millis(timeout_ms.into());
        self.wait(slot, Call::Accepted { job, deadline, timeout_ms, reuse }, deadline)
    }

    fn wait(&mut self, slot: u32, call: Call, deadline: Instant) -> Option<Instant> {
        self.held += 1;
        self.waiting += 1;
        self.put(slot, call);
        self.deadlines.compact(self.waiting, waiting_in(&self.slots));
        self.deadlines.add(deadline, slot)
    }

    /// The data of a job that is accepted and not sent.
    pub fn data(&self, slot: u32) -> Option<&[u8]> {
        match self.slots.get(slot as usize) {
            Some(Call::Accepted { job, .. }) => Some(job.data()),
            _ => None,
        }
    }

    /// Whether a call that waits for the caller's own code still has time. One that has none left is late from here on.
    pub fn in_time(&mut self, slot: u32, now: Instant) -> bool {
        let Some(call) = self.slots.get_mut(slot as usize) else {
            return false;
        };
        if matches!(call, Call::Admitting { .. }) {
            return true;
        }
        let (Call::Validating { deadline, timeout_ms } | Call::Accepted { deadline, timeout_ms, .. }) = *call
        else {
            return false;
        };
        if deadline > now {
            return true;
        }
        if let Call::Accepted { job, .. } = call {
            self.bytes -= job.size();
        }
        self.waiting -= 1;
        *call = Call::Late { timeout_ms };
        false
    }

    /// Forgets a call that ended before it was sent.
    pub fn abandon(&mut self, slot: u32) {
        match self.take(slot) {
            Call::Accepted { job, .. } => {
                self.waiting -= 1;
                self.forget(job.size());
            }
            Call::Validating { .. } => {
                self.waiting -= 1;
                self.forget(0);
            }
            Call::Late { .. } => self.forget(0),
            other => self.put(slot, other),
        }
    }

    /// Marks up to `most` calls as late whose deadline passed in the caller's own code, and says which. When those are all,
    /// says also when to look again: not before something waits.
    pub fn expire(&mut self, now: Instant, most: usize) -> (Vec<u32>, Option<Instant>) {
        let mut late = Vec::new();
        if !self.deadlines.rang(now) {
            return (late, None);
        }
        while late.len() < most {
            let Some((deadline, slot)) = self.deadlines.pop(now) else {
                return (late, self.deadlines.rest(now, waiting_in(&self.slots)));
            };
            let waits = waiting_in(&self.slots)(deadline, slot);
            if waits && !self.in_time(slot, now) {
                late.push(slot);
            }
        }
        (late, None)
    }

    /// Has `expire` look at the next time it is called.
    pub fn ring(&mut self, now: Instant) {
        self.deadlines.ring(now);
    }
}

/// Whether the call in a slot waits for the caller's own code until this deadline.
fn waiting_in(slots: &[Call]) -> impl Fn(Instant, u32) -> bool {
    move |until, slot| match slots.get(slot as usize) {
        Some(
            Call::Validating { deadline, .. }
            | Call::Accepted { deadline, .. }
            | Call::Admitting { deadline, .. },
        ) => *deadline == until,
        _ => false,
    }
}
