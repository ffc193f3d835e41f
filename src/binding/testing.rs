//! The test transport: what `lib/testing/` puts in place of the writers and of Redis. The memory is that of one JavaScript
//! environment, and the thread of that has it to itself.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use napi_derive::napi;

use super::Boundary;
use super::options::DEFAULT_PREFIX;
use super::wake::Mailbox;
use crate::core::Error;
use crate::queue::memory::{Job, Memory, Outage, Scope, Told, Trouble};
use crate::queue::operation::Family;
use crate::queue::{Destination, Ready, Settled, State};

/// Where the operations of a boundary go in place of a writer.
pub struct Diversion {
    memory: Rc<RefCell<Memory>>,
    /// What the keys of the queue start with.
    prefix: String,
}

impl Diversion {
    pub fn is_up(&self) -> bool {
        self.memory.borrow().is_up()
    }

    /// Whether one more call may begin.
    pub fn admit(&self) -> Result<(), Error> {
        self.memory.borrow_mut().admit()
    }

    /// Does these and posts what becomes of them.
    pub fn push(&self, ready: Vec<Ready>, destination: &Destination, mailbox: &Mailbox) {
        let destination = Destination { prefix: self.prefix.clone(), ..destination.clone() };
        let told = self.memory.borrow_mut().run(&destination, ready, Instant::now());
        let (later, now): (Vec<_>, Vec<_>) = told.into_iter().partition(|told| told.at.is_some());
        let mut settled: Vec<_> = now.into_iter().map(|told| (told.slot, told.settled)).collect();
        if !later.is_empty() {
            settled.append(&mut post_later(later, mailbox.clone()));
        }
        if !settled.is_empty() {
            mailbox.post(&mut settled);
        }
    }
}

/// On a thread that sleeps: a test may have faked the timers of JavaScript. Gives them back where the system has none.
fn post_later(mut later: Vec<Told>, mailbox: Mailbox) -> Vec<(u32, Settled)> {
    later.sort_by_key(|told| told.at);
    let held = Arc::new(Mutex::new(later));
    let taken = Arc::clone(&held);
    let sleeper = thread::Builder::new().name("enqueue-test".into()).spawn(move || {
        for Told { slot, settled, at } in take(&taken) {
            thread::sleep(at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now())));
            mailbox.post(&mut vec![(slot, settled)]);
        }
    });
    match sleeper {
        Ok(_) => Vec::new(),
        Err(_) => take(&held).into_iter().map(|told| (told.slot, told.settled)).collect(),
    }
}

fn take(held: &Mutex<Vec<Told>>) -> Vec<Told> {
    std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A job that is there.
#[napi(object, object_from_js = false)]
pub struct TestJob {
    pub key: String,
    pub id: String,
    pub queue_name: String,
    pub prefix: String,
    pub name: String,
    /// JSON.
    pub data: String,
    /// JSON, with the names that BullMQ stores options under.
    pub opts: String,
    pub state: &'static str,
    pub timestamp: f64,
    pub delay: f64,
    pub priority: f64,
    pub parent_key: Option<String>,
    pub deduplication_id: Option<String>,
}

impl From<&Job> for TestJob {
    fn from(job: &Job) -> TestJob {
        TestJob {
            key: job.key(),
            id: job.id.clone(),
            queue_name: job.queue.clone(),
            prefix: job.prefix.clone(),
            name: job.name.clone(),
            data: String::from_utf8_lossy(&job.data).into_owned(),
            opts: job.options.clone(),
            state: State::NAMES[job.state as usize],
            timestamp: job.timestamp as f64,
            delay: job.delay as f64,
            priority: job.priority as f64,
            parent_key: job.parent.clone(),
            deduplication_id: job.deduplication.clone(),
        }
    }
}

/// What is to be wrong, as `lib/testing/outage.js` has checked it.
#[napi(object, object_to_js = false)]
pub struct TestOutage {
    pub kind: String,
    /// What a server says that refuses.
    pub reply: String,
    /// Whether a job is there although no answer came.
    pub written: bool,
    /// What meets it: all, or operations on jobs, on quotas, or questions for states.
    pub of: String,
    pub times: Option<u32>,
    /// None where the caller hears of it at its deadline.
    pub delay_ms: Option<f64>,
}

impl From<TestOutage> for Outage {
    fn from(TestOutage { kind, reply, written, of, times, delay_ms }: TestOutage) -> Outage {
        Outage {
            trouble: match &*kind {
                "not-sent" => Trouble::NotSent,
                "refused" => Trouble::Refused(reply),
                "unknown" => Trouble::Unknown(written),
                "slow" => Trouble::Slow,
                "overloaded" => Trouble::Overloaded,
                _ => Trouble::Internal,
            },
            scope: match &*of {
                "jobs" => Scope::Of(Family::Add),
                "quotas" => Scope::Of(Family::Admit),
                "states" => Scope::Of(Family::Look),
                _ => Scope::All,
            },
            times,
            delay: delay_ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms as u64)),
        }
    }
}

#[napi]
#[derive(Default)]
pub struct TestTransport {
    memory: Rc<RefCell<Memory>>,
}

#[napi]
impl TestTransport {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> TestTransport {
        TestTransport::default()
    }

    /// The jobs that are there, in the order in which they came.
    #[napi(catch_unwind)]
    pub fn jobs(&self) -> Vec<TestJob> {
        self.memory.borrow().store.list().into_iter().map(TestJob::from).collect()
    }

    /// Has the job of this key be in this state. One that is not kept is removed once it has ended.
    #[napi(catch_unwind)]
    pub fn move_to(&self, key: String, state: String, kept: bool) {
        if let Some(state) = State::read(state.as_bytes()) {
            self.memory.borrow_mut().store.move_to(&key, state, kept);
        }
    }

    #[napi(catch_unwind)]
    pub fn remove(&self, key: String) {
        self.memory.borrow_mut().store.remove(&key);
    }

    /// Puts its time forward, by which deduplications end and quotas are made up for.
    #[napi(catch_unwind)]
    pub fn advance(&self, ms: f64) {
        self.memory.borrow_mut().store.advance(Duration::from_millis(ms as u64));
    }

    #[napi(catch_unwind)]
    pub fn set_outage(&self, outage: Option<TestOutage>) {
        self.memory.borrow_mut().set_outage(outage.map(Outage::from));
    }

    /// Forgets everything.
    #[napi(catch_unwind)]
    pub fn reset(&self) {
        self.memory.replace(Memory::default());
    }
}

#[napi]
impl Boundary {
    /// From now on calls go to this transport, with keys that start with `prefix`, or as BullMQ's own do. Those that are on their way are answered where
    /// they went.
    #[napi(catch_unwind)]
    pub fn divert(&self, transport: &TestTransport, prefix: Option<String>) {
        let state = &mut *self.state.borrow_mut();
        if let Some(share) = state.share.take() {
            state.connects_before += share.health().connects();
        }
        state.memory = Some(Diversion {
            memory: Rc::clone(&transport.memory),
            prefix: prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()),
        });
    }

    /// From now on calls go to Redis again.
    #[napi(catch_unwind)]
    pub fn rejoin(&self) {
        let state = &mut *self.state.borrow_mut();
        state.memory = None;
        // Some may have begun that are not sent yet.
        if state.calls.held() > 0 || state.looks.is_waiting() {
            let _ = state.run();
        }
    }
}
