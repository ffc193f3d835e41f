//! From the writer's thread back to JavaScript: what was settled gathers here, and one wake-up fetches all of it.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::*;
use napi::sys;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

use crate::queue::Settled;

type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Shared by the writer's thread and the JavaScript thread.
#[derive(Clone)]
pub struct Mailbox(Arc<Shared>);

struct Shared {
    settled: Mutex<Vec<(u32, Settled)>>,
    wake: Wake,
}

impl Mailbox {
    /// `wake` is called, on the JavaScript thread, after something was put in. It does not hold the process open.
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        let wake = wake.build_threadsafe_function::<()>().weak::<true>().build()?;
        Ok(Mailbox(Arc::new(Shared {
            settled: Mutex::default(),
            wake,
        })))
    }

    /// Puts in all of `settled` and wakes JavaScript, unless it is awake for an earlier post that it has not fetched.
    pub fn post(&self, settled: &mut Vec<(u32, Settled)>) {
        let waiting = {
            let mut box_ = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = !box_.is_empty();
            box_.append(settled);
            waiting
        };
        if !waiting {
            // When the environment is going away nobody is left to hear of it, and nothing is to be done.
            self.0.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Takes out up to `most`, oldest first.
    pub fn fetch(&self, most: usize) -> Vec<(u32, Settled)> {
        let mut box_ = self.0.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if box_.len() <= most {
            return std::mem::take(&mut box_);
        }
        box_.drain(..most).collect()
    }

    pub fn raw(&self) -> sys::napi_threadsafe_function {
        self.0.wake.raw()
    }
}
