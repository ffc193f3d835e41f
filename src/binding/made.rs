//! What BullMQ's own `Queue` asks of Redis through us: to add jobs that it has made, and to say what the queue is like.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::Boundary;
use super::raw;
use super::read::Reader;
use super::state::State;
use crate::core::Job;
use crate::core::made::Maker;
use crate::queue::health::Listener;
use crate::queue::{Addition, Operation, Reuse, Settled};

/// The slot of news, which is nobody's.
const NOBODY: u32 = u32::MAX;
/// In place of a code: the job is not for us.
const ONLY_BULLMQ: i32 = -1;
/// Whole milliseconds beyond this are no time.
const LAST: f64 = 9_007_199_254_740_991.0;

#[napi]
impl Boundary {
    /// Adds a job that is made, with the next `send_questions`: its id, or "" for none; its name, its options and its data, as
    /// JSON; and its timestamp. `drain` says how it ended. Gives the number of the code to refuse the call with, if any, or
    /// -1 where only BullMQ can add that job.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object to hold them would cost more than the rest of the call"
    )]
    pub fn add_made(
        &self,
        env: &Env,
        slot: u32,
        timeout_ms: u32,
        id: Unknown<'_>,
        name: Unknown<'_>,
        options: Unknown<'_>,
        data: Unknown<'_>,
        timestamp: f64,
    ) -> Result<Option<i32>> {
        begin_made(env, &self.state, (slot, timeout_ms), timestamp, |reader, maker| {
            let parts = reader.read_made(env, id, name, options, data)?;
            Ok(parts.and_then(|parts| maker.make(parts)))
        })
    }

    /// A function that does the same for jobs with the name and the options of the last that had an id, or none, as they do. It
    /// takes the slot, the id, the data and the timestamp, and an id for the deduplication where that is another one. Node-API
    /// looks for what is behind `this` at each call of a method, which would cost more than the rest of this.
    #[napi(catch_unwind)]
    pub fn like_last<'env>(
        &self,
        env: &'env Env,
        timeout_ms: u32,
    ) -> Result<Function<'env, (), Option<i32>>> {
        let state = Rc::clone(&self.state);
        env.create_function_from_closure("addLikeLast", move |call: FunctionCallContext| {
            let (id, data) = (call.get::<Unknown>(1)?, call.get::<Unknown>(2)?);
            let unique = (call.length() > 4).then(|| call.get::<Unknown>(4)).transpose()?;
            begin_made(call.env, &state, (call.get(0)?, timeout_ms), call.get(3)?, |reader, maker| {
                let parts = reader.read_made_like_last(call.env, id, data, unique)?;
                Ok(parts.and_then(|(id, data, unique)| maker.make_like_last(id, data, unique)))
            })
        })
    }

    /// The id of a job that was added without one, or how many fields `set_meta` added.
    #[napi(catch_unwind)]
    pub fn named<'env>(&self, env: &'env Env, slot: u32) -> Result<Option<Unknown<'env>>> {
        let name = self.state.borrow_mut().calls.named(slot);
        name.map(|name| raw::string(env, name.as_bytes())).transpose()
    }

    /// Sets fields of the queue's meta, each followed by its value, with the next `send_questions`. Gives the number of the
    /// code to refuse the call with, if any.
    #[napi(catch_unwind)]
    pub fn set_meta(
        &self,
        env: &Env,
        slot: u32,
        timeout_ms: u32,
        fields: Vec<String>,
    ) -> Result<Option<u32>> {
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.calls.admit().and_then(|()| state.run()) {
            return Ok(Some(state.refuse(error) as u32));
        }
        let idle = !state.waits();
        let ready = state.calls.begin_sent(slot, Operation::SetMeta(fields), Instant::now(), timeout_ms);
        state.questions.push(ready);
        if idle {
            state.waker.hold_process(env, true)?;
        }
        Ok(None)
    }

    /// From here on `drain` tells of the link, when one is made or lost: `stats` says which. Gives the number of the code of
    /// what stands in the way, if any.
    #[napi(catch_unwind)]
    pub fn listen(&self) -> Option<u32> {
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.run() {
            return Some(state.refuse(error) as u32);
        }
        let mailbox = state.mailbox.clone();
        let listener: Arc<Listener> = Arc::new(move || mailbox.post(&mut vec![(NOBODY, Settled::News)]));
        if let Some(share) = &state.share {
            share.health().listen(&listener);
        }
        state.listener = Some(listener);
        None
    }
}

fn begin_made(
    env: &Env,
    state: &RefCell<State>,
    (slot, timeout_ms): (u32, u32),
    timestamp: f64,
    make: impl FnOnce(&mut Reader, &mut Maker) -> Result<Option<Job>>,
) -> Result<Option<i32>> {
    let started = Instant::now();
    let state = &mut *state.borrow_mut();
    if let Err(error) = state.calls.admit().and_then(|()| state.run()) {
        return Ok(Some(state.refuse(error) as i32));
    }
    let whole = (0.0..=LAST).contains(&timestamp) && timestamp.fract() == 0.0;
    let job = match whole {
        true => make(&mut state.reader.borrow_mut(), &mut state.maker)?,
        false => None,
    };
    let Some(job) = job else {
        return Ok(Some(ONLY_BULLMQ));
    };
    let addition = Addition::new(job, timestamp as u64, Reuse::Never);
    let idle = !state.waits();
    let ready = state.calls.begin_sent(slot, Operation::Add(addition), started, timeout_ms);
    if state.questions.is_empty() {
        state.questions.reserve(state.asked_before);
    }
    state.questions.push(ready);
    if idle {
        state.waker.hold_process(env, true)?;
    }
    Ok(None)
}
