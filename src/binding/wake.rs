//! From the writer's thread back to JavaScript: what was settled gathers here, and one wake-up fetches all of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::raw::Waker;
use crate::queue::Settled;

/// Shared by the writer's thread and the JavaScript thread.
#[derive(Clone)]
pub struct Mailbox {
    settled: Arc<Mutex<Vec<(u32, Settled)>>>,
    waker: Arc<Waker>,
}

impl Mailbox {
    /// `waker` calls what fetches the mail.
    pub fn new(waker: Arc<Waker>) -> Self {
        Mailbox { settled: Arc::default(), waker }
    }

    /// Puts in all of `settled` and wakes JavaScript, unless it was woken for an earlier post that it has not fetched.
    pub fn post(&self, settled: &mut Vec<(u32, Settled)>) {
        let waiting = {
            let mut mail = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = !mail.is_empty();
            mail.append(settled);
            waiting
        };
        if !waiting {
            self.waker.wake();
        }
    }

    /// Takes out up to `most`, oldest first.
    pub fn fetch(&self, most: usize) -> Vec<(u32, Settled)> {
        let mut mail = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if mail.len() <= most {
            return std::mem::take(&mut mail);
        }
        mail.drain(..most).collect()
    }
}
