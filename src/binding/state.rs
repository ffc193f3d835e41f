//! What a boundary holds: the calls in flight, and the way to the writer that has their jobs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use napi::bindgen_prelude::*;

use super::calls::{ADMITTED, Calls, FAILED, NEWS};
use super::clock;
use super::issues;
use super::looks::Looks;
use super::plan::internal;
use super::quota::Quota;
use super::raw::{self, Waker};
use super::read::Reader;
use super::testing::Diversion;
use super::wake::Mailbox;
use super::writers::Target;
use crate::core::made::Maker;
use crate::core::options::JobOptions;
use crate::core::{Error, Job, Outcome, plan};
use crate::queue::health::Listener;
use crate::queue::{Destination, Ready, Settled, Share, Sink};

pub(super) struct State {
    pub(super) reader: Rc<RefCell<Reader>>,
    pub(super) plan: Rc<RefCell<plan::Plan>>,
    /// Where its jobs go, but for the prefix.
    pub(super) destination: Destination,
    /// Options that its jobs have without any of their own, and the same where they are not plain.
    pub(super) usual: Arc<JobOptions>,
    /// Whether jobs with those vanish once they have ended.
    pub(super) vanishing: bool,
    pub(super) options: Option<Arc<JobOptions>>,
    /// What of the last input was declared, where that was not all of it.
    pub(super) kept: bool,
    pub(super) calls: Calls,
    pub(super) looks: Looks,
    /// What of those is to be sent.
    pub(super) questions: Vec<Ready>,
    /// How many were sent together last: as many are likely to be next.
    pub(super) asked_before: usize,
    pub(super) quota: Quota,
    pub(super) mailbox: Mailbox,
    pub(super) waker: Arc<Waker>,
    pub(super) target: Option<Target>,
    pub(super) share: Option<Share>,
    /// What a test has in place of that.
    pub(super) memory: Option<Diversion>,
    /// How often the connections that were replaced had been opened.
    pub(super) connects_before: u64,
    /// What `begin` said no with last, where there is more to say than the code.
    pub(super) refusal: Option<Error>,
    /// Someone waits for the last call to end.
    pub(super) closing: bool,
    /// What makes jobs of those that come as they are to be stored.
    pub(super) maker: Maker,
    /// Where somebody is to hear of the link.
    pub(super) listener: Option<Arc<Listener>>,
}

impl State {
    /// What holds the process open: a call that waits for Redis, or someone who waits for the last call to end.
    pub(super) fn is_busy(&self) -> bool {
        self.closing || self.waits()
    }

    /// Whether Redis is waited for.
    pub(super) fn waits(&self) -> bool {
        self.calls.sent() > 0 || self.looks.is_waiting()
    }

    /// Has the writer do these. Where there is none any more, they fail.
    pub(super) fn push(&mut self, ready: Vec<Ready>, failed: &mut Vec<(u32, Settled)>) {
        let unsent = match (&self.share, &self.memory) {
            (_, Some(memory)) => {
                memory.push(ready, &self.destination, &self.mailbox);
                Vec::new()
            }
            (Some(share), None) => share.push(ready).err().unwrap_or_default(),
            (None, None) => ready,
        };
        failed.extend(unsent.into_iter().map(|ready| {
            let error = Error::Internal { outcome: Outcome::Unknown, detail: "the writer is gone".into() };
            (ready.slot, Settled::Failed(error))
        }));
        if !failed.is_empty() {
            self.mailbox.post(failed);
        }
    }

    /// How what was asked under this slot ended, once that is known of all of it.
    pub(super) fn settle(&mut self, slot: u32, settled: Settled, now: Instant) -> Option<u32> {
        if matches!(settled, Settled::News) {
            return Some(NEWS);
        }
        if self.looks.has(slot) {
            return self.looks.settle(slot, settled);
        }
        if matches!(settled, Settled::Admitted(_) | Settled::Failed(_)) && self.calls.is_answered(slot) {
            let status = self.quota.answered(slot, settled);
            let late = status == ADMITTED && !self.calls.in_time(slot, now);
            return Some(if late { FAILED } else { status });
        }
        self.quota.ended(slot, &settled);
        Some(self.calls.settle(slot, settled))
    }

    /// Gives back what was taken of quotas and not used.
    pub(super) fn settle_quotas(&mut self) {
        let settlements = self.quota.take_settlements();
        if settlements.is_empty() {
            return;
        }
        match (&self.share, &self.memory) {
            (_, Some(memory)) => memory.push(settlements, &self.destination, &self.mailbox),
            (Some(share), None) => drop(share.push(settlements)),
            (None, None) => {}
        }
    }

    /// The number of an error, which is kept for whoever asks for the rest of it.
    pub(super) fn refuse(&mut self, error: Error) -> f64 {
        if let Error::InvalidInput { issues } = error {
            return issues::number(issues);
        }
        let number = error.number();
        self.refusal = Some(error);
        number.into()
    }

    /// Begins a call, or says why not.
    pub(super) fn begin<'env>(
        &mut self,
        env: &'env Env,
        slot: u32,
        accepted: std::result::Result<Job, Error>,
        started: Instant,
        timeout_ms: u32,
    ) -> Result<Either<Unknown<'env>, f64>> {
        let mut job = match accepted.and_then(|job| self.run().map(|()| job)) {
            Ok(job) => job,
            Err(error) => return Ok(Either::B(self.refuse(error))),
        };
        if self.options.is_some() {
            job.set_options(self.options.clone());
        }
        let id = raw::string(env, job.id())?;
        if let Some(due) = self.calls.accept(slot, job, started, timeout_ms) {
            clock::set(&self.waker, due);
        }
        Ok(Either::A(id))
    }

    /// Has the clock run, and a writer.
    pub(super) fn run(&mut self) -> std::result::Result<(), Error> {
        if self.share.is_some() {
            return Ok(());
        }
        clock::start().map_err(internal)?;
        if let Some(memory) = &self.memory {
            return memory.admit();
        }
        let target = self.target.as_ref().ok_or_else(|| internal("not opened"))?;
        let writer = target.writer().map_err(internal)?;
        let destination = self.destination_at(target.prefix());
        self.share = Some(Share::join(writer, destination, self.sink()));
        Ok(())
    }

    /// From now on jobs go there. With no connection yet, none is opened.
    pub(super) fn go_to(&mut self, target: Target) -> std::result::Result<(), Error> {
        let sink = self.sink();
        let destination = self.destination_at(target.prefix());
        if let Some(share) = &mut self.share {
            let writer = target.writer().map_err(internal)?;
            if !share.is_of(&writer) {
                self.connects_before += share.health().connects();
                share.move_to(writer, destination, sink);
            }
        }
        self.target = Some(target);
        Ok(())
    }

    fn destination_at(&self, prefix: &str) -> Destination {
        Destination { prefix: prefix.to_owned(), ..self.destination.clone() }
    }

    pub(super) fn sink(&self) -> Sink {
        let mailbox = self.mailbox.clone();
        Box::new(move |settled: &mut Vec<_>| mailbox.post(settled))
    }
}
