//! What may be asked of a queue, and what each comes to. A kind of operation has a script of its own, beside the others.

use super::Reuse;
use super::quota::{Admission, Settlement, Verdict};
use super::scripts::answer::State;
use crate::core::{Error, Job, Outcome};

/// An operation that is ready to be sent.
pub struct Ready {
    /// The number its caller knows it by.
    pub slot: u32,
    pub operation: Operation,
    /// When its caller gets an answer, whatever it is.
    pub deadline: std::time::Instant,
}

pub enum Operation {
    Add(Addition),
    Look(Look),
    /// Boxed, as jobs are what there are most of.
    Admit(Box<Admission>),
    /// Nobody waits for it, and its slot is nobody's.
    Settle(Box<Settlement>),
    /// Fields of the queue's meta, each followed by its value.
    SetMeta(Vec<String>),
}

/// Operations that may go in one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Add,
    Look,
    Admit,
    Settle,
    SetMeta,
}

impl Family {
    pub const ALL: [Family; 5] = [Family::Add, Family::Look, Family::Admit, Family::Settle, Family::SetMeta];

    /// What the operations of a batch may weigh together, so that no script blocks Redis for much more than a millisecond: a
    /// job takes 5 µs, and to find out where one is some 15.
    pub fn most(self) -> usize {
        match self {
            Family::Add | Family::Admit | Family::Settle | Family::SetMeta => 128,
            Family::Look => Look::MOST,
        }
    }
}

impl Operation {
    pub fn family(&self) -> Family {
        match self {
            Operation::Add(_) => Family::Add,
            Operation::Look(_) => Family::Look,
            Operation::Admit(_) => Family::Admit,
            Operation::Settle(_) => Family::Settle,
            Operation::SetMeta(_) => Family::SetMeta,
        }
    }

    /// How many bytes it sends, more or less.
    pub fn size(&self) -> usize {
        match self {
            Operation::Add(addition) => addition.job.size(),
            Operation::Look(look) => look.ids.iter().map(String::len).sum(),
            // Ids are short, and tenants hashed where they are not.
            Operation::Admit(admission) => admission.id.len(),
            Operation::Settle(settlement) => settlement.id.len(),
            Operation::SetMeta(fields) => fields.iter().map(String::len).sum(),
        }
    }

    pub fn weight(&self) -> usize {
        match self {
            Operation::Look(look) => look.ids.len(),
            _ => 1,
        }
    }

    /// Whether somebody is to be told how it ended.
    pub fn has_caller(&self) -> bool {
        !matches!(self, Operation::Settle(_))
    }

    /// Whether it may be sent again where it may have been done already. To give the same thing back twice would be too much,
    /// and a job without an id would be another one.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Operation::Add(addition) => addition.job.has_id(),
            Operation::Settle(_) => false,
            _ => true,
        }
    }

    /// What its caller is told of an error that says what became of a job.
    pub fn failed(&self, error: Error) -> Error {
        match self {
            Operation::Add(_) | Operation::Settle(_) => error,
            Operation::Look(_) => match error {
                Error::QueueUnavailable { detail, .. } | Error::OutcomeUnknown { detail } => {
                    Error::QueueUnavailable { outcome: Outcome::NotSent, detail }
                }
                Error::Misconfigured { detail, .. } => {
                    Error::Misconfigured { message: "Redis does not say where jobs are", detail }
                }
                other => other,
            },
            Operation::SetMeta(_) => match error {
                Error::Misconfigured { detail, .. } => Error::Misconfigured {
                    message: "Redis does not let this user set what is said of the queue",
                    detail,
                },
                other => other,
            },
            Operation::Admit(_) => match error {
                Error::QueueUnavailable { detail, .. } | Error::OutcomeUnknown { detail } => {
                    Error::QuotaUnavailable { detail }
                }
                Error::Misconfigured { detail, .. } => Error::Misconfigured {
                    message: "Redis does not let this user count what tenants enqueue",
                    detail,
                },
                other => other,
            },
        }
    }
}

/// A job whose record is made.
pub struct Addition {
    pub job: Job,
    /// When it was handed over, in milliseconds since 1970.
    pub timestamp: u64,
    pub reuse: Reuse,
    /// Whether the script for plain jobs is wrong about a job of its id: that is to make room, as far as is known, or it is not,
    /// unlike with other jobs of its queue.
    pub room: bool,
    /// Whether it may be there from an earlier attempt.
    pub again: bool,
}

impl Addition {
    pub fn new(job: Job, timestamp: u64, reuse: Reuse) -> Addition {
        Addition { job, timestamp, reuse, room: false, again: false }
    }

    /// What the job's `timestamp` is.
    pub fn timestamp(&self) -> u64 {
        self.job.options().and_then(|own| own.timestamp).unwrap_or(self.timestamp)
    }

    /// Whether the script for plain jobs is not enough for it.
    pub fn is_special(&self) -> bool {
        self.room || self.job.options().is_some()
    }
}

/// Where jobs are.
pub struct Look {
    /// The place of the first of them among those that were asked for together.
    pub at: usize,
    pub ids: Vec<String>,
}

impl Look {
    /// Ids that are asked for at once.
    pub const MOST: usize = 64;
}

/// What became of an operation.
#[derive(Debug)]
pub enum Settled {
    Added,
    /// A job that had no id was added with this one; or this is what was asked for.
    Named(String),
    /// A job with its id was there already.
    Duplicate {
        state: State,
        /// Whether it has the same data.
        same: bool,
    },
    /// Another job stands for its deduplication id.
    Deduplicated {
        state: State,
        id: String,
    },
    /// Where each job is; nothing of one that is not there.
    Looked {
        at: usize,
        states: Vec<Option<State>>,
    },
    Admitted(Verdict),
    /// What nobody waits for is done.
    Done,
    /// No operation, but the link: it was made or lost.
    News,
    Failed(Error),
}

/// Takes what became of a number of operations and leaves the vector empty. Called on the writer's thread.
pub type Sink = Box<dyn FnMut(&mut Vec<(u32, Settled)>) + Send>;
