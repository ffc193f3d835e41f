//! What the fuzz targets use of the addon. The rest of it is compiled too, and not used here.
#![allow(dead_code)]

#[path = "../src/core/mod.rs"]
pub mod core;
#[path = "../src/queue/mod.rs"]
pub mod queue;
