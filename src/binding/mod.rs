//! Between JavaScript and Rust. `lib/calls.js` is the other half: it holds the promises and calls the user's code,
//! this half holds the jobs. A call is a slot number on both sides. No rules of its own.

mod calls;
pub mod check;
mod clock;
mod deadlines;
mod failure;
mod issues;
mod looks;
mod options;
pub mod plan;
mod probe;
mod questions;
mod quota;
mod raw;
mod read;
mod state;
mod wake;
mod writers;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use self::calls::{Calls, FAILED, Phase};
use self::failure::Failure;
use self::looks::Looks;
use self::plan::Plan;
use self::quota::Quota;
use self::raw::Waker;
use self::state::State;
use self::wake::Mailbox;
use self::writers::Target;
use crate::core::options::JobOptions;
use crate::queue::{Health, Settled, Share};

/// What the JavaScript half must be of as well.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What states of jobs are called, by their numbers; behind them what is said of a job that is not there.
#[napi]
pub fn states() -> Vec<String> {
    crate::queue::State::NAMES.into_iter().chain(["missing"]).map(str::to_owned).collect()
}

/// Whether it was compiled as it is published, and not for work on it.
#[napi]
pub const PUBLISHED: bool = !cfg!(debug_assertions);

/// The journey of calls from one JavaScript environment to one queue.
#[napi]
pub struct Boundary {
    state: RefCell<State>,
}

/// See `PipelineStats` in `index.d.ts`.
#[napi(object, object_from_js = false)]
pub struct Stats {
    pub in_flight: u32,
    pub waiting_for_redis: u32,
    pub bytes: f64,
    pub connected: bool,
    pub connects: f64,
    pub last_problem: Option<String>,
    pub last_problem_code: Option<String>,
}

/// A server that may delete jobs, or what belongs to them.
#[napi(object, object_from_js = false)]
pub struct Eviction {
    pub server: String,
    pub policy: String,
}

#[napi]
impl Boundary {
    /// `settle` is called when `drain` may have something. `resource` is the async resource of those calls; its method
    /// `hasRef` should return what `is_busy` does.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        settle: Function<'_, (), ()>,
        resource: Object<'_>,
        max_in_flight: u32,
        plan: &Plan,
    ) -> Result<Self> {
        let waker = Waker::new(env, settle, resource)?;
        Ok(Boundary {
            state: RefCell::new(State {
                reader: Rc::clone(&plan.reader),
                plan: Rc::clone(&plan.plan),
                destination: plan.destination(""),
                kept: false,
                usual: Arc::clone(&plan.options),
                options: plan.special(),
                calls: Calls::new(max_in_flight as usize, plan.reuse),
                looks: Looks::default(),
                questions: Vec::new(),
                quota: Quota::default(),
                mailbox: Mailbox::new(waker.clone()),
                waker,
                target: None,
                share: None,
                connects_before: 0,
                refusal: None,
                closing: false,
            }),
        })
    }

    /// Says where Redis is, or where it is from now on. The first time it connects to nothing yet.
    #[napi(catch_unwind)]
    pub fn open(&self, connection: options::Connection) -> Option<Failure> {
        let state = &mut *self.state.borrow_mut();
        let target = Target::try_from(connection);
        target.and_then(|target| state.go_to(target)).err().map(|error| Failure::from(&error))
    }

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

    /// The id of the job that has the place of one that was deduplicated.
    #[napi(catch_unwind)]
    pub fn deduplicated_to(&self, slot: u32) -> Option<String> {
        self.state.borrow_mut().calls.deduplicated_to(slot)
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

    /// Writes up to `most` pairs of slot and status (see `lib/outcome.js`) and returns how many. Calls whose deadline
    /// passed in the caller's own code are among those that failed.
    #[napi(catch_unwind)]
    pub fn drain(&self, env: &Env, mut results: Uint32ArraySlice<'_>, most: u32) -> Result<u32> {
        let state = &mut *self.state.borrow_mut();
        let pairs = raw::pairs(&mut results);
        let most = pairs.len().min(most as usize);
        let (mut fetched, mut count) = (0, 0);
        // Not each thing that was settled settles something here.
        while count < most {
            let settled = state.mailbox.fetch(most - count);
            if settled.is_empty() {
                break;
            }
            fetched += settled.len();
            for (slot, settled) in settled {
                if let Some(outcome) = state.settle(slot, settled) {
                    pairs[count] = [slot, outcome];
                    count += 1;
                }
            }
        }
        let (late, due) = state.calls.expire(Instant::now(), most - count);
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

    /// Holds the process open until `close`: someone waits for the deadlines of calls that are held up in the caller's own
    /// code.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: &Env) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        state.closing = true;
        state.waker.hold_process(env, true)
    }

    /// What an operator may want to know.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Stats {
        let state = self.state.borrow();
        let health = state.share.as_ref().map(Share::health);
        let trouble = health.and_then(Health::trouble);
        Stats {
            in_flight: state.calls.held() as u32,
            waiting_for_redis: state.calls.sent() as u32,
            bytes: state.calls.bytes() as f64,
            connected: health.is_some_and(Health::is_up),
            connects: (state.connects_before + health.map_or(0, Health::connects)) as f64,
            last_problem: trouble.as_ref().map(|trouble| trouble.text.clone()),
            last_problem_code: trouble.and_then(|trouble| trouble.code).map(Into::into),
        }
    }

    /// The server and its `maxmemory-policy`, if that may delete what it was given; once for each link that was made.
    #[napi(catch_unwind)]
    pub fn eviction(&self) -> Option<Eviction> {
        let found = self.state.borrow().share.as_ref()?.health().take_eviction()?;
        Some(Eviction { server: found.text, policy: found.code.unwrap_or_default().into() })
    }

    /// Lets go of the writer, which finishes what it has, and of JavaScript. Nothing may be begun afterwards.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let state = &mut *self.state.borrow_mut();
        state.settle_quotas();
        if let Some(share) = state.share.take() {
            state.connects_before += share.health().connects();
        }
        state.closing = false;
        state.waker.release();
    }

    /// Whether the process is held open.
    #[napi(catch_unwind)]
    pub fn is_busy(&self) -> bool {
        self.state.borrow().is_busy()
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

/// A pipeline that is collected without having been closed.
impl Drop for Boundary {
    fn drop(&mut self) {
        self.state.get_mut().waker.release();
    }
}
