//! What JavaScript asks of Redis beside enqueueing: whether calls are admitted, and where jobs are.

use std::time::Instant;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::Boundary;
use super::failure::Failure;
use super::quota::QuotaLimits;

#[napi]
impl Boundary {
    /// Asks whether these calls may enqueue their jobs, each as one more of the tenant that has this place in the list; `drain`
    /// says when that is known. `short` leaves a call time to go on where it is not.
    #[napi(catch_unwind)]
    pub fn admit(
        &self,
        env: &Env,
        slots: Uint32ArraySlice<'_>,
        places: Uint32ArraySlice<'_>,
        tenants: Vec<QuotaLimits>,
        short: bool,
    ) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let now = Instant::now();
        let idle = !state.waits();
        let makes_room = state.calls.makes_room();
        let tenants: Vec<_> = tenants.iter().map(QuotaLimits::read).collect();
        let mut ready = Vec::with_capacity(slots.len());
        for (&slot, &place) in slots.iter().zip(places.iter()) {
            if let Some(tenant) = tenants.get(place as usize)
                && let Some((job, deadline, timeout_ms)) = state.calls.await_admission(slot, now)
            {
                let vanishes = makes_room || job.options().map_or(state.vanishing, |own| own.vanishes());
                let time = (deadline, timeout_ms);
                ready.push(state.quota.ask(slot, tenant, (job.id(), vanishes), time, short));
            }
        }
        if idle && state.waits() {
            state.waker.hold_process(env, true)?;
        }
        state.push(ready, &mut Vec::new());
        Ok(())
    }

    /// Ends a call that `drain` reported as refused. Gives when its tenant may try again, in ms, where it is over its rate, and
    /// -1 where it is over its backlog.
    #[napi(catch_unwind)]
    pub fn quota_refusal(&self, slot: u32) -> f64 {
        let state = &mut *self.state.borrow_mut();
        let retry_after_ms = state.quota.refusal(slot);
        state.calls.abandon(slot);
        retry_after_ms.map_or(-1.0, |ms| ms as f64)
    }

    /// Why it could not be found out whether a call is admitted.
    #[napi(catch_unwind)]
    pub fn quota_failure(&self, slot: u32) -> Failure {
        Failure::from(&self.state.borrow_mut().quota.failure(slot))
    }

    /// Gives back what was taken for calls that ended before their jobs were sent.
    #[napi(catch_unwind)]
    pub fn settle_quotas(&self) {
        self.state.borrow_mut().settle_quotas();
    }

    /// Asks where the jobs with these ids are, with the next `send_questions`; `drain` says when `looked` has it, or that it
    /// failed. More may be asked under a slot whose last question is answered, within the same time. Gives the number of the code to refuse it with, if any.
    #[napi(catch_unwind)]
    pub fn look(&self, env: &Env, slot: u32, timeout_ms: u32, ids: Vec<String>) -> Result<Option<u32>> {
        let state = &mut *self.state.borrow_mut();
        let idle = !state.waits();
        let asked = state.run().and_then(|()| state.looks.ask(slot, ids, Instant::now(), timeout_ms));
        let ready = match asked {
            Ok(ready) => ready,
            Err(error) => return Ok(Some(state.refuse(error) as u32)),
        };
        if idle {
            state.waker.hold_process(env, true)?;
        }
        state.questions.extend(ready);
        Ok(None)
    }

    /// Sends what `look`, `add_made` and the like were called for since the last time.
    #[napi(catch_unwind)]
    pub fn send_questions(&self) {
        let state = &mut *self.state.borrow_mut();
        let questions = std::mem::take(&mut state.questions);
        state.asked_before = questions.len();
        state.push(questions, &mut Vec::new());
    }

    /// Where the jobs are that were asked for last under this slot, by the numbers of `states`; `last` when nothing more is asked.
    #[napi(catch_unwind)]
    pub fn looked(&self, slot: u32, last: bool) -> Uint8Array {
        self.state.borrow_mut().looks.take(slot, last).into()
    }
}
