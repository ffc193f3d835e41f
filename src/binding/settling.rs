//! The end of calls: what became of them, or of their time, many at once.

use std::time::Instant;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::calls::{FAILED, Phase};
use super::failure::Failure;
use super::{Boundary, clock, raw};

#[napi]
impl Boundary {
    /// Writes up to `most` pairs of slot and status (see `lib/outcome.js`) and returns how many. Calls whose deadline
    /// passed in the caller's own code are among those that failed.
    #[napi(catch_unwind)]
    pub fn drain(&self, env: &Env, mut results: Uint32ArraySlice<'_>, most: u32) -> Result<u32> {
        let state = &mut *self.state.borrow_mut();
        let pairs = raw::pairs(&mut results);
        let most = pairs.len().min(most as usize);
        let now = Instant::now();
        let (mut fetched, mut count) = (0, 0);
        // Not each thing that was settled settles something here.
        while count < most {
            let settled = state.mailbox.fetch(most - count);
            if settled.is_empty() {
                break;
            }
            fetched += settled.len();
            for (slot, settled) in settled {
                if let Some(outcome) = state.settle(slot, settled, now) {
                    pairs[count] = [slot, outcome];
                    count += 1;
                }
            }
        }
        let (late, due) = state.calls.expire(now, most - count);
        for (pair, slot) in pairs[count..].iter_mut().zip(&late) {
            *pair = [*slot, FAILED];
        }
        if let Some(due) = due {
            clock::set(&state.waker, due);
        }
        state.settle_quotas();
        if fetched > 0 && !state.is_busy() {
            state.waker.hold_process(env, false)?;
        }
        Ok((count + late.len()) as u32)
    }

    /// Has `settle` called in a turn of the loop to come.
    #[napi(catch_unwind)]
    pub fn ring(&self) {
        let state = &mut *self.state.borrow_mut();
        let now = Instant::now();
        state.calls.ring(now);
        clock::set(&state.waker, now);
    }

    /// The id of the job that has the place of one that was deduplicated.
    #[napi(catch_unwind)]
    pub fn deduplicated_to(&self, slot: u32) -> Option<String> {
        self.state.borrow_mut().calls.deduplicated_to(slot)
    }

    /// Why a call that `drain` reported as failed, or that was not `in_time`, did so. `phase` says what it waited for.
    #[napi(catch_unwind)]
    pub fn failure(&self, slot: u32, phase: Phase) -> Failure {
        let state = &mut *self.state.borrow_mut();
        if state.looks.has(slot) {
            return Failure::from(&state.looks.failure(slot));
        }
        let error = state.calls.failure(slot, phase);
        // Its time may have run out in the moment in which it was known why it is not admitted.
        Failure::from(&state.quota.gave_up(slot).unwrap_or(error))
    }
}
