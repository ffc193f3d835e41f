//! The way into Redis: ready jobs go in, what became of each comes out.
//!
//! `writer` gathers jobs into batches, `script` puts a batch on the wire as one call of `add_jobs.lua`, `link` is the
//! connection it goes over, `refusal` reads what the server says no with.

pub mod address;
pub mod link;
pub mod refusal;
pub mod resp;
pub mod script;
pub mod writer;

pub use address::Address;
pub use writer::{Ready, Settled, Writer};
