//! The beginning of a call: what was read of its input, judged, and what is told of it while it waits for the caller's own code.

use std::sync::Arc;
use std::time::Instant;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::failure::Failure;
use super::{Boundary, clock, plan, raw};
use crate::core::options::JobOptions;

#[napi]
impl Boundary {
    /// Takes what was read of an input, its fields in the order of the plan, and returns the id of its job, or the number that
    /// says why there is none: that of a code, of which `refusal` may have the rest, or one past those, of what is wrong with
    /// the input, which `issues` has.
    #[napi(catch_unwind, ts_return_type = "string | number")]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object to hold them would cost more than the rest of the call"
    )]
    pub fn begin<'env>(
        &self,
        env: &'env Env,
        slot: u32,
        timeout_ms: u32,
        caller: Unknown<'_>,
        a: Unknown<'_>,
        b: Unknown<'_>,
        c: Unknown<'_>,
        d: Unknown<'_>,
        e: Unknown<'_>,
        f: Unknown<'_>,
        g: Unknown<'_>,
        h: Unknown<'_>,
    ) -> Result<Either<Unknown<'env>, f64>> {
        let started = Instant::now();
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.calls.admit() {
            return Ok(Either::B(error.number().into()));
        }
        let accepted = {
            let plan = &mut *state.plan.borrow_mut();
            let reader = &mut *state.reader.borrow_mut();
            let count = plan.field_count();
            let read = reader.read(env, [a, b, c, d, e, f, g, h], count, caller, plan.max_data())?;
            read.and_then(|(fields, caller)| plan.accept_fields(&fields[..count], caller))
        };
        state.begin(env, slot, accepted, started, timeout_ms)
    }

    /// As `begin`, with the input as JSON, and its id where the plan does not say what makes it. `kept` has what of the input
    /// is declared.
    #[napi(catch_unwind, ts_return_type = "string | number")]
    pub fn begin_document<'env>(
        &self,
        env: &'env Env,
        slot: u32,
        timeout_ms: u32,
        caller: Unknown<'_>,
        json: Unknown<'_>,
        id: Unknown<'_>,
    ) -> Result<Either<Unknown<'env>, f64>> {
        let started = Instant::now();
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.calls.admit_to(slot) {
            return Ok(Either::B(error.number().into()));
        }
        let accepted = {
            let plan = &mut *state.plan.borrow_mut();
            let reader = &mut *state.reader.borrow_mut();
            let read = reader.read_document(env, json, caller, id, plan.max_data())?;
            read.and_then(|(document, caller, id)| {
                let job = plan.accept_document(document, caller, id)?;
                state.kept = job.data().len() < document.text().len();
                Ok(job)
            })
        };
        state.begin(env, slot, accepted, started, timeout_ms)
    }

    /// A call waits for its input to be validated; its time runs. Gives the number of the code to refuse it with, if any.
    #[napi(catch_unwind)]
    pub fn await_input(&self, slot: u32, timeout_ms: u32) -> Option<u32> {
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.calls.admit().and_then(|()| state.run()) {
            return Some(state.refuse(error) as u32);
        }
        if let Some(due) = state.calls.await_input(slot, Instant::now(), timeout_ms) {
            clock::set(&state.waker, due);
        }
        None
    }

    /// The data of the job that was begun last, as JSON, where something of the input was left out.
    #[napi(catch_unwind)]
    pub fn kept<'env>(&self, env: &'env Env, slot: u32) -> Result<Option<Unknown<'env>>> {
        let state = &mut *self.state.borrow_mut();
        match state.calls.data(slot).filter(|_| state.kept) {
            Some(data) => raw::string(env, data).map(Some),
            None => Ok(None),
        }
    }

    /// Gives the job of a call options of its own, as JSON. Gives the number of the code to refuse the call with, if any.
    #[napi(catch_unwind)]
    pub fn set_options(&self, slot: u32, options: String) -> Option<u32> {
        let state = &mut *self.state.borrow_mut();
        let read = JobOptions::read(&options).map_err(plan::internal);
        let usual = &state.usual;
        let set = read.and_then(|options| state.calls.set_options(slot, Arc::new(options), usual));
        set.err().map(|error| state.refuse(error) as u32)
    }

    /// Has no job that ended make room for that of a call, whatever its pipeline says.
    #[napi(catch_unwind)]
    pub fn keep(&self, slot: u32) {
        self.state.borrow_mut().calls.keep(slot);
    }

    /// Why `begin` refused a call, where that is the boundary's own fault.
    #[napi(catch_unwind)]
    pub fn refusal(&self) -> Option<Failure> {
        self.state.borrow_mut().refusal.take().as_ref().map(Failure::from)
    }

    /// Whether a call that waits for the caller's own code still has time. `failure` says what to end one with that has not.
    #[napi(catch_unwind)]
    pub fn in_time(&self, slot: u32) -> bool {
        self.state.borrow_mut().calls.in_time(slot, Instant::now())
    }
}
