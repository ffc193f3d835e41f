//! The way into Redis: ready jobs go in, what became of each comes out.
//!
//! `writer` is the thread that does it. `backlog` holds its jobs and what is certain about each, `scripts` puts a batch on
//! the wire as one call, `connection` is how it gets there, and `refusal` reads what the server says no with.

pub mod backlog;
pub mod connection;
pub mod health;
pub mod refusal;
pub mod scripts;
pub mod writer;

pub use health::Health;
pub use scripts::answer::State;
pub use writer::{Share, Writer};

use crate::core::{Error, Job};

/// Where the jobs of a client go, and what all of them have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What the keys of the queue start with.
    pub prefix: String,
    pub queue: String,
    pub job_name: String,
    /// The options of its jobs as BullMQ stores them, up to and including the opening quote of the id: `{…,"jobId":"`.
    pub options: String,
    pub reuse: Reuse,
}

#[cfg(test)]
impl Destination {
    pub fn sample(prefix: &str) -> Destination {
        let [queue, job_name, options] =
            ["ticket-triage", "triage", r#"{"attempts":3,"jobId":""#].map(str::to_owned);
        Destination { prefix: prefix.to_owned(), queue, job_name, options, reuse: Reuse::Never }
    }
}

/// Whether a job that ended and is still kept makes room for a new one of its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    #[default]
    Never,
    AfterFailed,
    AfterFinished,
}

impl Reuse {
    /// Whether a job in this state may make room, as far as that tells.
    pub fn allows(self, state: State) -> bool {
        match state {
            State::Failed => self != Reuse::Never,
            State::Completed => self == Reuse::AfterFinished,
            _ => false,
        }
    }
}

/// A job whose record is made.
pub struct Ready {
    /// The number its caller knows it by.
    pub slot: u32,
    pub job: Job,
    /// When it was handed over, in milliseconds since 1970.
    pub timestamp: u64,
    /// When its caller gets an answer, whatever it is.
    pub deadline: std::time::Instant,
    pub reuse: Reuse,
    /// Whether a job of its id is to make room, as far as is known.
    pub room: bool,
    /// Whether it may be there from an earlier attempt.
    pub again: bool,
}

impl Ready {
    /// What the job's `timestamp` is.
    pub fn timestamp(&self) -> u64 {
        self.job.options().and_then(|own| own.timestamp).unwrap_or(self.timestamp)
    }

    /// Whether the script for plain jobs is not enough for it.
    pub fn is_special(&self) -> bool {
        self.room || self.job.options().is_some()
    }
}

/// What became of a job.
#[derive(Debug)]
pub enum Settled {
    Added,
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
    Failed(Error),
}

/// Takes what became of a number of jobs and leaves the vector empty. Called on the writer's thread.
pub type Sink = Box<dyn FnMut(&mut Vec<(u32, Settled)>) + Send>;
