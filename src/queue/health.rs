//! What an operator may want to know of a writer, readable from any thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::core::Detail;

#[derive(Default)]
pub struct Health {
    up: AtomicBool,
    connects: AtomicU64,
    trouble: Mutex<Option<Detail>>,
    eviction: Mutex<Option<Detail>>,
    listeners: Mutex<Vec<Weak<Listener>>>,
}

/// Called on the writer's thread.
pub type Listener = dyn Fn() + Send + Sync;

impl Health {
    pub fn connected(&self) {
        self.up.store(true, Relaxed);
        self.connects.fetch_add(1, Relaxed);
        self.tell();
    }

    pub fn disconnected(&self, trouble: &Detail) {
        self.up.store(false, Relaxed);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble.clone());
        self.tell();
    }

    /// Has `listener` called whenever a link is made or lost, or could not be made, as long as there is one.
    pub fn listen(&self, listener: &Arc<Listener>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(listener));
    }

    fn tell(&self) {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener();
        }
    }

    /// The server may delete what it was given, which an operator should hear of. Said of the last such server.
    pub fn evicts(&self, policy: Detail) {
        *self.eviction.lock().unwrap_or_else(PoisonError::into_inner) = Some(policy);
    }

    /// Takes what `evicts` left: the server as text, its policy as code.
    pub fn take_eviction(&self) -> Option<Detail> {
        self.eviction.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the link stands, as far as is known.
    pub fn is_up(&self) -> bool {
        self.up.load(Relaxed)
    }

    /// How often a link was made.
    pub fn connects(&self) -> u64 {
        self.connects.load(Relaxed)
    }

    /// What broke the last link, or kept it from being made.
    pub fn trouble(&self) -> Option<Detail> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
