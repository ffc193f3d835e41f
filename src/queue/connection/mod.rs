//! How the server is reached: where it is and who we are there, and the link to it. Knows no jobs.
//!
//! `config` is plain data that all else uses. `place` finds the server that takes our writes, `socket` opens a way to it,
//! `tls` says whom to trust there, `link` speaks RESP (`resp`) over it, and `trouble` puts in words what stands between.

pub mod config;
pub mod link;
#[cfg(test)]
pub mod peer;
pub mod place;
pub mod resp;
pub mod socket;
pub mod tls;
pub mod trouble;

pub use config::Config;
