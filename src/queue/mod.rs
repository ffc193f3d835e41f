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
}

#[cfg(test)]
impl Destination {
    pub fn sample(prefix: &str) -> Destination {
        let [queue, job_name, options] =
            ["ticket-triage", "triage", r#"{"attempts":3,"jobId":""#].map(str::to_owned);
        Destination { prefix: prefix.to_owned(), queue, job_name, options }
    }
}

/// A job whose record is made.
pub struct Ready {
    /// The number its caller knows it by.
    pub slot: u32,
    pub job: Job,
    /// Milliseconds since 1970: the job's `timestamp`.
    pub timestamp: u64,
    /// When its caller gets an answer, whatever it is.
    pub deadline: std::time::Instant,
}

/// What became of a job.
#[derive(Debug)]
pub enum Settled {
    Added,
    /// A job with its id was there already.
    Duplicate,
    Failed(Error),
}

/// Takes what became of a number of jobs and leaves the vector empty. Called on the writer's thread.
pub type Sink = Box<dyn FnMut(&mut Vec<(u32, Settled)>) + Send>;
