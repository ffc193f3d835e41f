//! The calls in flight of one environment, by the slot number that JavaScript gave each. Knows no JavaScript.

use std::sync::Arc;
use std::time::{Duration, Instant};

use napi_derive::napi;

use super::deadlines::Deadlines;
use crate::core::options::JobOptions;
use crate::core::{Error, Job, Outcome};
use crate::queue::{Addition, Operation, Ready, Reuse, Settled};

/// Bytes of jobs that may be held at once.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Where a call is.
enum Call {
    /// Nowhere: the slot is free.
    Free,
    /// It waits for its input to be validated by the caller's own code.
    Validating { deadline: Instant, timeout_ms: u32 },
    /// Its input is accepted; it waits for the caller's own code: `authorize`, then the record.
    Accepted { job: Job, deadline: Instant, timeout_ms: u32, reuse: Reuse },
    /// So, while Redis is asked whether its tenant may enqueue it. The writer keeps its time.
    Admitting { job: Job, deadline: Instant, timeout_ms: u32, reuse: Reuse },
    /// Its deadline passed there.
    Late { timeout_ms: u32 },
    /// Its job is with the writer, and this large.
    Sent { bytes: usize },
    /// It failed there.
    Failed(Error),
    /// The job of this id has its place.
    Deduplicated(String),
}

pub struct Calls {
    slots: Vec<Call>,
    /// Those of calls that wait for the caller's own code.
    deadlines: Deadlines,
    waiting: usize,
    /// Calls that may be in flight at once.
    most: usize,
    /// How many slots are not free.
    held: usize,
    bytes: usize,
    sent: usize,
    reuse: Reuse,
}

impl Calls {
    pub fn new(most: usize, reuse: Reuse) -> Self {
        Calls {
            reuse,
            slots: Vec::new(),
            deadlines: Deadlines::default(),
            waiting: 0,
            most,
            held: 0,
            bytes: 0,
            sent: 0,
        }
    }

    /// Whether one more call fits.
    pub fn admit(&self) -> Result<(), Error> {
        if self.held < self.most && self.bytes < MAX_BYTES { Ok(()) } else { Err(Error::Overloaded) }
    }

    /// The same of a call that may have a slot already.
    pub fn admit_to(&self, slot: u32) -> Result<(), Error> {
        match self.slots.get(slot as usize) {
            Some(Call::Validating { .. }) => Ok(()),
            _ => self.admit(),
        }
    }

    /// How many calls are in flight.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many bytes of jobs they hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many jobs the writer has.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Has a slot, and its time run, for a call whose input is yet to be validated. Says when to `expire`, as `accept` does.
    pub fn await_input(&mut self, slot: u32, started: Instant, timeout_ms: u32) -> Option<Instant> {
        let deadline = started + Duration::from_millis(timeout_ms.into());
        self.wait(slot, Call::Validating { deadline, timeout_ms }, deadline)
    }

    /// Says when to `expire`, if that is sooner than was said before. The time of a call whose input was waited for has run
    /// since then.
    pub fn accept(&mut self, slot: u32, job: Job, started: Instant, timeout_ms: u32) -> Option<Instant> {
        self.bytes += job.size();
        let reuse = self.reuse;
        if let Some(Call::Validating { deadline, timeout_ms }) = self.slots.get(slot as usize) {
            let (deadline, timeout_ms) = (*deadline, *timeout_ms);
            self.put(slot, Call::Accepted { job, deadline, timeout_ms, reuse });
            return None;
        }
        let deadline = started + Duration::from_millis(timeout_ms.into());
        self.wait(slot, Call::Accepted { job, deadline, timeout_ms, reuse }, deadline)
    }

    fn wait(&mut self, slot: u32, call: Call, deadline: Instant) -> Option<Instant> {
        self.held += 1;
        self.waiting += 1;
        self.put(slot, call);
        self.deadlines.compact(self.waiting, waiting_in(&self.slots));
        self.deadlines.add(deadline, slot)
    }

    /// The data of a job that is accepted and not sent.
    pub fn data(&self, slot: u32) -> Option<&[u8]> {
        match self.slots.get(slot as usize) {
            Some(Call::Accepted { job, .. }) => Some(job.data()),
            _ => None,
        }
    }

    /// Whether a call that waits for the caller's own code still has time. One that has none left is late from here on.
    pub fn in_time(&mut self, slot: u32, now: Instant) -> bool {
        let Some(call) = self.slots.get_mut(slot as usize) else {
            return false;
        };
        if matches!(call, Call::Admitting { .. }) {
            return true;
        }
        let (Call::Validating { deadline, timeout_ms } | Call::Accepted { deadline, timeout_ms, .. }) = *call
        else {
            return false;
        };
        if deadline > now {
            return true;
        }
        if let Call::Accepted { job, .. } = call {
            self.bytes -= job.size();
        }
        self.waiting -= 1;
        *call = Call::Late { timeout_ms };
        false
    }

    /// Takes an accepted job out to be sent: nothing when the call is not waiting, an error to settle it with when its
    /// deadline has passed.
    pub fn send(&mut self, slot: u32, now: Instant, timestamp: u64) -> Result<Option<Ready>, Error> {
        match self.take(slot) {
            Call::Accepted { job, deadline, timeout_ms, reuse } => {
                self.waiting -= 1;
                self.sent += 1;
                self.put(slot, Call::Sent { bytes: job.size() });
                if deadline > now {
                    let mut addition = Addition::new(job, timestamp, reuse);
                    addition.room = reuse != self.reuse;
                    Ok(Some(Ready { slot, operation: Operation::Add(addition), deadline }))
                } else {
                    Err(Error::StorageTimeout { timeout_ms })
                }
            }
            other => {
                self.put(slot, other);
                Ok(None)
            }
        }
    }

    /// Whether jobs that ended make room for others.
    pub fn makes_room(&self) -> bool {
        self.reuse != Reuse::Never
    }

    /// Has an accepted call wait until it is admitted: gives its job, and its time. Nothing of one whose deadline has passed,
    /// which `expire` will find.
    pub fn await_admission(&mut self, slot: u32, now: Instant) -> Option<(&Job, Instant, u32)> {
        match self.take(slot) {
            Call::Accepted { job, deadline, timeout_ms, reuse } if deadline > now => {
                self.sent += 1;
                self.put(slot, Call::Admitting { job, deadline, timeout_ms, reuse });
            }
            other => {
                self.put(slot, other);
                return None;
            }
        }
        match &self.slots[slot as usize] {
            Call::Admitting { job, deadline, timeout_ms, .. } => Some((job, *deadline, *timeout_ms)),
            _ => None,
        }
    }

    /// The answer is there. Says whether one was waited for.
    pub fn is_answered(&mut self, slot: u32) -> bool {
        match self.take(slot) {
            Call::Admitting { job, deadline, timeout_ms, reuse } => {
                self.sent -= 1;
                self.put(slot, Call::Accepted { job, deadline, timeout_ms, reuse });
                true
            }
            other => {
                self.put(slot, other);
                false
            }
        }
    }

    /// Forgets a call that ended before it was sent.
    pub fn abandon(&mut self, slot: u32) {
        match self.take(slot) {
            Call::Accepted { job, .. } => {
                self.waiting -= 1;
                self.forget(job.size());
            }
            Call::Validating { .. } => {
                self.waiting -= 1;
                self.forget(0);
            }
            Call::Late { .. } => self.forget(0),
            other => self.put(slot, other),
        }
    }

    /// Gives a job that is accepted and not sent options of its own, if it is not too large for them.
    /// `usual` are those that its pipeline's jobs have without any of their own.
    pub fn set_options(
        &mut self,
        slot: u32,
        options: Arc<JobOptions>,
        usual: &JobOptions,
    ) -> Result<(), Error> {
        let Some(Call::Accepted { job, .. }) = self.slots.get_mut(slot as usize) else {
            return Ok(());
        };
        if let Some(limit) = options.size_limit.filter(|limit| job.data().len() > *limit) {
            return Err(Error::PayloadTooLarge { limit });
        }
        if options.front != usual.front {
            job.set_options(Some(options));
        }
        Ok(())
    }

    /// Has no job that ended make room for that of a call that is accepted and not sent.
    pub fn keep(&mut self, slot: u32) {
        if let Some(Call::Accepted { reuse, .. }) = self.slots.get_mut(slot as usize) {
            *reuse = Reuse::Never;
        }
    }

    /// Notes what became of a sent job. A failed call keeps its slot until the error is fetched, one that was deduplicated until
    /// the other's id is.
    pub fn settle(&mut self, slot: u32, settled: Settled) -> u32 {
        let Call::Sent { bytes } = self.take(slot) else {
            return STRAY;
        };
        self.sent -= 1;
        match settled {
            Settled::Added => {
                self.forget(bytes);
                ADDED
            }
            Settled::Duplicate { state, same } => {
                self.forget(bytes);
                DUPLICATE + 2 * state as u32 + u32::from(same)
            }
            Settled::Deduplicated { state, id } => {
                self.bytes -= bytes;
                self.put(slot, Call::Deduplicated(id));
                DEDUPLICATED + state as u32
            }
            Settled::Failed(error) => {
                self.bytes -= bytes;
                self.put(slot, Call::Failed(error));
                FAILED
            }
            Settled::Looked { .. } | Settled::Admitted(_) | Settled::Done => {
                self.forget(bytes);
                STRAY
            }
        }
    }

    /// The id of the job that has the place of one that was deduplicated; frees the slot.
    pub fn deduplicated_to(&mut self, slot: u32) -> Option<String> {
        match self.take(slot) {
            Call::Deduplicated(id) => {
                self.forget(0);
                Some(id)
            }
            other => {
                self.put(slot, other);
                None
            }
        }
    }

    /// Why a call failed; frees its slot. `phase` says whose fault it is that one is late.
    pub fn failure(&mut self, slot: u32, phase: Phase) -> Error {
        match self.take(slot) {
            Call::Failed(error) => {
                self.forget(0);
                error
            }
            Call::Late { timeout_ms } => {
                self.forget(0);
                match phase {
                    Phase::Validating => Error::ValidateTimeout { timeout_ms },
                    Phase::Authorizing => Error::AuthorizeTimeout { timeout_ms },
                    Phase::Recording => Error::StorageTimeout { timeout_ms },
                    Phase::Admitting => Error::QuotaUnavailable {
                        detail: format!("the quota was not known within {timeout_ms} ms").into(),
                    },
                }
            }
            other => {
                self.put(slot, other);
                Error::Internal {
                    outcome: Outcome::Unknown,
                    detail: format!("call {slot} did not fail").into(),
                }
            }
        }
    }

    /// Marks up to `most` calls as late whose deadline passed in the caller's own code, and says which. When those are all,
    /// says also when to look again: not before something waits.
    pub fn expire(&mut self, now: Instant, most: usize) -> (Vec<u32>, Option<Instant>) {
        let mut late = Vec::new();
        if !self.deadlines.rang(now) {
            return (late, None);
        }
        while late.len() < most {
            let Some((deadline, slot)) = self.deadlines.pop(now) else {
                return (late, self.deadlines.rest(now, waiting_in(&self.slots)));
            };
            let waits = waiting_in(&self.slots)(deadline, slot);
            if waits && !self.in_time(slot, now) {
                late.push(slot);
            }
        }
        (late, None)
    }

    /// Has `expire` look at the next time it is called.
    pub fn ring(&mut self, now: Instant) {
        self.deadlines.ring(now);
    }

    fn take(&mut self, slot: u32) -> Call {
        match self.slots.get_mut(slot as usize) {
            Some(call) => std::mem::replace(call, Call::Free),
            None => Call::Free,
        }
    }

    fn put(&mut self, slot: u32, call: Call) {
        let slot = slot as usize;
        if slot >= self.slots.len() {
            if matches!(call, Call::Free) {
                return;
            }
            self.slots.resize_with(slot + 1, || Call::Free);
        }
        self.slots[slot] = call;
    }

    fn forget(&mut self, bytes: usize) {
        self.held -= 1;
        self.bytes -= bytes;
    }
}

/// Whether the call in a slot waits for the caller's own code until this deadline.
fn waiting_in(slots: &[Call]) -> impl Fn(Instant, u32) -> bool {
    move |until, slot| match slots.get(slot as usize) {
        Some(
            Call::Validating { deadline, .. }
            | Call::Accepted { deadline, .. }
            | Call::Admitting { deadline, .. },
        ) => *deadline == until,
        _ => false,
    }
}

/// What a call waits for in the caller's own code, as a number that JavaScript has.
#[napi]
#[derive(Debug, PartialEq, Eq)]
pub enum Phase {
    Recording = 0,
    Authorizing = 1,
    Validating = 2,
    Admitting = 3,
}

// How a sent job ended, as a number that `lib/outcome.js` reads.
pub const ADDED: u32 = 0;
pub const FAILED: u32 = 1;
/// No call waits for it.
pub const STRAY: u32 = 2;
/// A question is answered.
pub const LOOKED: u32 = 3;
/// A call may go on, its tenant is over a limit, or that could not be found out.
pub const ADMITTED: u32 = 4;
pub const REFUSED: u32 = 5;
pub const UNADMITTED: u32 = 6;
/// And twice the number of the state, and 1 where the data are the same.
pub const DUPLICATE: u32 = 16;
/// And the number of the state.
pub const DEDUPLICATED: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_call_fits_while_jobs_hold_less_than_256_mib() {
        let mut calls = Calls::new(1, Reuse::Never);
        calls.bytes = (256 << 20) - 1;
        assert!(calls.admit().is_ok());
        calls.bytes += 1;
        assert!(matches!(calls.admit(), Err(Error::Overloaded)));
    }

    #[test]
    fn a_call_that_keeps_what_is_there_says_so_of_its_job_alone() {
        let mut calls = Calls::new(2, Reuse::AfterFinished);
        let now = Instant::now();
        for slot in 0..2 {
            let part = crate::core::Text::from("a");
            calls.accept(slot, Job::sample("q", &[&part], &[]), now, 1000);
        }
        calls.keep(1);
        let mut send = |slot| match calls.send(slot, now, 1).ok().flatten()?.operation {
            Operation::Add(addition) => Some((addition.reuse, addition.is_special())),
            _ => None,
        };
        assert_eq!(send(0), Some((Reuse::AfterFinished, false)));
        assert_eq!(send(1), Some((Reuse::Never, true)));
    }
}
