//! The way into Redis: operations go in, which are mostly jobs, what became of each comes out.
//!
//! `operation` is what can be asked. `writer` is the thread that does it. `backlog` holds what it has to do and what is
//! certain about each, `scripts` puts a batch on the wire as one call, `connection` is how it gets there, and `refusal` reads
//! what the server says no with. `probe` asks questions of its own, and sends no jobs. `memory` is what tests have in place of all
//! that.

pub mod backlog;
pub mod connection;
pub mod health;
pub mod memory;
pub mod operation;
pub mod probe;
pub mod quota;
pub mod refusal;
pub mod scripts;
pub mod writer;

pub use health::Health;
pub use memory::Memory;
pub use operation::{Addition, Look, Operation, Ready, Settled, Sink};
pub use scripts::answer::State;
pub use writer::{Share, Writer};

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
    /// How many events the queue is to keep, where that is not left to its meta.
    pub max_events: Option<u64>,
}

#[cfg(test)]
impl Destination {
    pub fn sample(prefix: &str) -> Destination {
        let [queue, job_name, options] =
            ["ticket-triage", "triage", r#"{"attempts":3,"jobId":""#].map(str::to_owned);
        Destination {
            prefix: prefix.to_owned(),
            queue,
            job_name,
            options,
            reuse: Reuse::Never,
            max_events: None,
        }
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
