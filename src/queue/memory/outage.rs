//! The troubles that a test may want, each as it would be told of a real one.

use std::time::Duration;

use super::Store;
use crate::core::{Detail, Error, Outcome};
use crate::queue::operation::Family;
use crate::queue::refusal::{Refusal, judge, said};
use crate::queue::{Destination, Operation, Settled};

/// What stands where an error names a server.
const SERVER: &str = "the test transport";

#[derive(Clone)]
pub enum Trouble {
    /// No server is there.
    NotSent,
    /// The server says no, in these words.
    Refused(String),
    /// It was sent, and no answer comes. Whether the server has done it.
    Unknown(bool),
    /// The answer takes its time, and no harm is done while the call has some.
    Slow,
    /// No more calls may begin.
    Overloaded,
    /// A defect of the boundary.
    Internal,
}

/// What meets it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    All,
    Of(Family),
}

pub struct Outage {
    pub trouble: Trouble,
    pub scope: Scope,
    /// How many meet it before it is over; none where it does not end by itself.
    pub times: Option<u32>,
    /// After which the caller hears of it, at its deadline at the latest.
    pub delay: Duration,
}

impl Outage {
    fn count(&mut self) -> bool {
        match &mut self.times {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    pub(super) fn is_away(&self) -> bool {
        matches!(self.trouble, Trouble::NotSent) && self.times != Some(0)
    }

    pub(super) fn admit(&mut self) -> Result<(), Error> {
        if matches!(self.trouble, Trouble::Overloaded) && self.count() {
            return Err(Error::Overloaded);
        }
        Ok(())
    }

    /// What this operation meets, if anything, and after how long its caller hears of it.
    pub(super) fn next(&mut self, operation: &Operation) -> Option<(Trouble, Duration)> {
        let meets = self.scope == Scope::All || self.scope == Scope::Of(operation.family());
        // What nobody waits for counts for nobody, but it meets what others do.
        let hit = meets
            && !matches!(self.trouble, Trouble::Overloaded)
            && if operation.has_caller() { self.count() } else { self.times.is_none() };
        hit.then(|| (self.trouble.clone(), self.delay))
    }
}

impl Trouble {
    /// What becomes of the operation. `late` says that its caller hears of it at its deadline, and no sooner.
    pub(super) fn strike(
        self,
        store: &mut Store,
        destination: &Destination,
        operation: Operation,
        late: bool,
    ) -> Settled {
        let error = match self {
            Trouble::NotSent => Error::QueueUnavailable {
                outcome: Outcome::NotSent,
                detail: Detail::new("ECONNREFUSED", "connection refused").at(SERVER),
            },
            Trouble::Refused(words) => refusal(&words),
            Trouble::Internal => Error::Internal {
                outcome: Outcome::Unknown,
                detail: Detail::from("a test asked for this").at(SERVER),
            },
            Trouble::Slow | Trouble::Overloaded if !late => return store.run(destination, operation),
            Trouble::Unknown(false) => unanswered(),
            Trouble::Unknown(true) | Trouble::Slow | Trouble::Overloaded => {
                let error = operation.failed(unanswered());
                let settled = store.run(destination, operation);
                return if matches!(settled, Settled::Done) { settled } else { Settled::Failed(error) };
            }
        };
        match operation.has_caller() {
            true => Settled::Failed(operation.failed(error)),
            false => Settled::Done,
        }
    }
}

fn unanswered() -> Error {
    Error::OutcomeUnknown { detail: Detail::new("ETIMEDOUT", "no answer came in time").at(SERVER) }
}

/// What the server's words come to. Where it would be asked again it says the same until the deadline.
fn refusal(words: &str) -> Error {
    let detail = said(words, SERVER);
    match judge(words, &detail) {
        Refusal::Never(error) => error,
        _ => Error::QueueUnavailable { outcome: Outcome::Refused, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_server_come_to_what_they_do_with_a_real_one() {
        for (words, code) in [
            ("OOM command not allowed", "QUEUE_UNAVAILABLE"),
            ("READONLY You can't write against a read only replica.", "QUEUE_UNAVAILABLE"),
            ("LOADING Redis is loading the dataset in memory", "QUEUE_UNAVAILABLE"),
            ("NOPERM this user may not run XADD", "MISCONFIGURED"),
            ("WRONGTYPE Operation against a key", "MISCONFIGURED"),
        ] {
            let error = refusal(words);
            assert_eq!((error.code(), error.outcome()), (code, Outcome::Refused), "{words}");
        }
    }
}
