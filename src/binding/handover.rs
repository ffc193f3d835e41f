//! The middle of a call: its record is made, and its job goes to the writer, or is dropped.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::Boundary;
use crate::queue::Settled;

#[napi]
impl Boundary {
    /// The records of the first `count` of these calls are made: sends their jobs.
    #[napi(catch_unwind)]
    pub fn commit(&self, env: &Env, slots: Uint32ArraySlice<'_>, count: u32) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let now = Instant::now();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let idle = !state.waits();
        let mut ready = Vec::with_capacity(count as usize);
        let mut failed = Vec::new();
        for &slot in slots.iter().take(count as usize) {
            match state.calls.send(slot, now, timestamp) {
                Ok(job) => ready.extend(job),
                Err(error) => failed.push((slot, Settled::Failed(error))),
            }
        }
        if idle && state.waits() {
            state.waker.hold_process(env, true)?;
        }
        state.push(ready, &mut failed);
        Ok(())
    }

    /// The call ended in the caller's own code: its job is dropped.
    #[napi(catch_unwind)]
    pub fn abandon(&self, slot: u32) {
        let state = &mut *self.state.borrow_mut();
        state.quota.gave_up(slot);
        state.calls.abandon(slot);
    }
}
