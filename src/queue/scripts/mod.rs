//! The scripts that run inside Redis, each `.lua` with the module beside it that puts it on the wire and reads its reply.

pub mod add_jobs;
