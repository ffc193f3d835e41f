//! The rules: what a valid input is, which id its job has, what is stored, and which error says what.
//!
//! Knows neither JavaScript nor Redis and does no I/O, so that all of it is tested with `cargo test` alone.

pub mod detail;
pub mod error;
pub mod field;
pub mod id;
pub mod issue;
pub mod job;
pub mod json;
pub mod made;
pub mod options;
pub mod plan;
pub mod quota;
pub mod schema;
pub mod text;

pub use detail::Detail;
pub use error::{Error, Outcome};
pub use field::{Field, Kind};
pub use issue::Issue;
pub use job::Job;
pub use text::Text;
