//! The enqueue boundary of a BullMQ pipeline, as a Node.js addon.
//!
//! The code is laid out as the journey of one call: `core` validates what was read and makes a job of it, `queue` writes
//! ready jobs to Redis in batches, `binding` connects both to JavaScript. The JavaScript half of the binding is `lib/`.

#[cfg(test)]
mod allocations;
pub mod binding;
pub mod core;
pub mod queue;
