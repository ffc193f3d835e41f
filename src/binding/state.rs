//! What a boundary holds: the calls in flight, and the way to the writer that has their jobs.

use std::sync::Arc;

use super::calls::Calls;
use super::clock;
use super::issues;
use super::raw::Waker;
use super::read::Reader;
use super::wake::Mailbox;
use super::writers::Target;
use crate::core::ticket::TicketTriage;
use crate::core::{Error, Outcome};
use crate::queue::{Share, Sink};

pub(super) struct State {
    pub(super) reader: Reader,
    pub(super) triage: TicketTriage,
    pub(super) calls: Calls,
    pub(super) mailbox: Mailbox,
    pub(super) waker: Arc<Waker>,
    pub(super) target: Option<Target>,
    pub(super) share: Option<Share>,
    /// How often the connections that were replaced had been opened.
    pub(super) connects_before: u64,
    /// What `begin` said no with last, where there is more to say than the code.
    pub(super) refusal: Option<Error>,
    /// Someone waits for the last call to end.
    pub(super) closing: bool,
}

impl State {
    /// What holds the process open: a call that waits for Redis, or someone who waits for the last call to end.
    pub(super) fn is_busy(&self) -> bool {
        self.closing || self.calls.sent() > 0
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

    /// Has the clock run, and a writer.
    pub(super) fn start(&mut self) -> std::result::Result<(), Error> {
        clock::start().map_err(internal)?;
        let target = self.target.as_ref().ok_or_else(|| internal("not opened"))?;
        let writer = target.writer().map_err(internal)?;
        self.share = Some(Share::join(writer, target.prefix(), self.sink()));
        Ok(())
    }

    /// From now on jobs go there. With no connection yet, none is opened.
    pub(super) fn go_to(&mut self, target: Target) -> std::result::Result<(), Error> {
        let sink = self.sink();
        if let Some(share) = &mut self.share {
            let writer = target.writer().map_err(internal)?;
            if !share.is_of(&writer) {
                self.connects_before += share.health().connects();
                share.move_to(writer, target.prefix(), sink);
            }
        }
        self.target = Some(target);
        Ok(())
    }

    pub(super) fn sink(&self) -> Sink {
        let mailbox = self.mailbox.clone();
        Box::new(move |settled: &mut Vec<_>| mailbox.post(settled))
    }
}

fn internal(detail: impl std::fmt::Display) -> Error {
    Error::Internal { outcome: Outcome::Refused, detail: detail.to_string().into() }
}
