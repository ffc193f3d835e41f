//! The job of a call is given what it lacks, and taken out to be sent.

use std::sync::Arc;
use std::time::Instant;

use super::{Call, Calls};
use crate::core::Error;
use crate::core::options::JobOptions;
use crate::queue::{Addition, Operation, Ready, Reuse};

impl Calls {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Job, Text};

    #[test]
    fn a_call_that_keeps_what_is_there_says_so_of_its_job_alone() {
        let mut calls = Calls::new(2, Reuse::AfterFinished);
        let now = Instant::now();
        for slot in 0..2 {
            let part = Text::from("a");
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
