//! Between JavaScript and Rust. `lib/calls.js` is the other half: it holds the promises and calls the user's code,
//! this half holds the jobs. A call is a slot number on both sides. No rules of its own.
//!
//! Along the journey of a call: `intake`, `questions`, `handover`, `settling`; `health` tells of all of it.

mod calls;
pub mod check;
mod clock;
mod deadlines;
mod failure;
mod handover;
mod health;
mod intake;
mod issues;
mod looks;
mod made;
mod options;
pub mod plan;
mod probe;
mod questions;
mod quota;
mod raw;
mod read;
mod settling;
mod state;
mod testing;
mod wake;
mod writers;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use self::calls::Calls;
use self::failure::Failure;
use self::looks::Looks;
use self::plan::Plan;
use self::quota::Quota;
use self::raw::Waker;
use self::state::State;
use self::wake::Mailbox;
use self::writers::Target;
use crate::core::made::Maker;

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
    /// Shared with the functions that it gave.
    state: Rc<RefCell<State>>,
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
            state: Rc::new(RefCell::new(State {
                reader: Rc::clone(&plan.reader),
                plan: Rc::clone(&plan.plan),
                destination: plan.destination(""),
                kept: false,
                usual: Arc::clone(&plan.options),
                vanishing: plan.options.vanishes(),
                options: plan.special(),
                calls: Calls::new(max_in_flight as usize, plan.reuse),
                looks: Looks::default(),
                questions: Vec::new(),
                asked_before: 0,
                quota: Quota::default(),
                mailbox: Mailbox::new(waker.clone()),
                waker,
                target: None,
                share: None,
                memory: None,
                connects_before: 0,
                refusal: None,
                closing: false,
                maker: Maker::default(),
                listener: None,
            })),
        })
    }

    /// Says where Redis is, or where it is from now on. The first time it connects to nothing yet.
    #[napi(catch_unwind)]
    pub fn open(&self, connection: options::Connection) -> Option<Failure> {
        let state = &mut *self.state.borrow_mut();
        let target = Target::try_from(connection);
        target.and_then(|target| state.go_to(target)).err().map(|error| Failure::from(&error))
    }

    /// Holds the process open until `close`: someone waits for the deadlines of calls that are held up in the caller's own
    /// code.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: &Env) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        state.closing = true;
        state.waker.hold_process(env, true)
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
        state.listener = None;
        state.waker.release();
    }

    /// Whether the process is held open.
    #[napi(catch_unwind)]
    pub fn is_busy(&self) -> bool {
        self.state.borrow().is_busy()
    }
}

/// A pipeline that is collected without having been closed.
impl Drop for Boundary {
    fn drop(&mut self) {
        self.state.borrow_mut().waker.release();
    }
}
