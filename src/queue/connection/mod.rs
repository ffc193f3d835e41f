//! How the server is reached: where it is and who we are there, and the link to it. Knows no jobs.
//!
//! `config` is plain data that all else uses. `place` finds the server that takes our writes, `socket` opens a way to it,
//! `tls` says whom to trust there, and `link` speaks RESP (`resp`) over it.

pub mod config;
pub mod link;
pub mod place;
pub mod resp;
pub mod socket;
pub mod tls;

pub use config::Config;
