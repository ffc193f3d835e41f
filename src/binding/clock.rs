//! Wakes JavaScript when a deadline is due. One thread keeps the time for the whole process: JavaScript's own timers are
//! replaced by tests that fake time, and each keeps alive whatever was current when it was set.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use super::raw::Waker;

static CLOCK: Clock = Clock { alarms: Mutex::new(None), changed: Condvar::new() };

struct Clock {
    /// One for each environment and pipeline that waits for something; none of it before the thread was started.
    alarms: Mutex<Option<Vec<Alarm>>>,
    changed: Condvar,
}

struct Alarm {
    waker: Weak<Waker>,
    due: Instant,
}

/// Starts the clock, unless it runs already.
pub fn start() -> io::Result<()> {
    let mut alarms = alarms();
    if alarms.is_none() {
        // It calls nothing that is deep.
        thread::Builder::new().name("enqueue-clock".into()).stack_size(128 * 1024).spawn(run)?;
        *alarms = Some(Vec::new());
    }
    Ok(())
}

/// Has `waker` wake its JavaScript at `due`, and not when it was last set to.
pub fn set(waker: &Arc<Waker>, due: Instant) {
    let mut alarms = alarms();
    let all = alarms.get_or_insert_default();
    match all.iter_mut().find(|alarm| alarm.waker.as_ptr() == Arc::as_ptr(waker)) {
        Some(alarm) => alarm.due = due,
        None => all.push(Alarm { waker: Arc::downgrade(waker), due }),
    }
    CLOCK.changed.notify_one();
}

fn run() {
    let mut alarms = alarms();
    loop {
        let now = Instant::now();
        let all = alarms.get_or_insert_default();
        all.retain(|alarm| match alarm.waker.upgrade() {
            Some(waker) if alarm.due <= now => {
                waker.wake();
                false
            }
            waker => waker.is_some(),
        });
        alarms = match all.iter().map(|alarm| alarm.due).min() {
            Some(due) => {
                let rest = due.saturating_duration_since(now);
                CLOCK.changed.wait_timeout(alarms, rest).unwrap_or_else(PoisonError::into_inner).0
            }
            None => CLOCK.changed.wait(alarms).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

fn alarms() -> MutexGuard<'static, Option<Vec<Alarm>>> {
    CLOCK.alarms.lock().unwrap_or_else(PoisonError::into_inner)
}
