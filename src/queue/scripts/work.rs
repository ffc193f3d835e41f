//! What a batch is of, and the script that it goes through: jobs through the one that costs Redis least.

use std::sync::Arc;

use crate::queue::operation::Family;
use crate::queue::quota::{Admission, Settlement};
use crate::queue::{Addition, Look, Operation, Reuse};

/// What a batch is of.
pub enum Work<'a> {
    AddPlain(Vec<&'a Addition>),
    /// Plain jobs of a Queue of BullMQ's that have name and options in common, with ids of their own.
    AddAlike(Vec<&'a Addition>),
    /// So, but without ids.
    AddNumbered(Vec<&'a Addition>),
    AddAny(Vec<&'a Addition>),
    Look(Vec<&'a Look>),
    Admit(Vec<&'a Admission>),
    Settle(Vec<&'a Settlement>),
    SetMeta(Vec<&'a Vec<String>>),
}

impl<'a> Work<'a> {
    /// Of `count` operations of one family.
    pub fn of(family: Family, operations: impl Iterator<Item = &'a Operation>, count: usize) -> Work<'a> {
        match family {
            Family::Add => {
                let mut additions = Vec::with_capacity(count);
                additions.extend(operations.filter_map(|operation| match operation {
                    Operation::Add(addition) => Some(addition),
                    _ => None,
                }));
                if !additions.iter().any(|addition| addition.is_special()) {
                    Work::AddPlain(additions)
                } else if !are_alike(&additions) {
                    Work::AddAny(additions)
                } else if additions[0].job.has_id() {
                    Work::AddAlike(additions)
                } else {
                    Work::AddNumbered(additions)
                }
            }
            Family::Look => {
                let look = |operation: &'a Operation| match operation {
                    Operation::Look(look) => Some(look),
                    _ => None,
                };
                Work::Look(operations.filter_map(look).collect())
            }
            Family::Admit => {
                let admission = |operation: &'a Operation| match operation {
                    Operation::Admit(admission) => Some(&**admission),
                    _ => None,
                };
                Work::Admit(operations.filter_map(admission).collect())
            }
            Family::Settle => {
                let settlement = |operation: &'a Operation| match operation {
                    Operation::Settle(settlement) => Some(&**settlement),
                    _ => None,
                };
                Work::Settle(operations.filter_map(settlement).collect())
            }
            Family::SetMeta => {
                let fields = |operation: &'a Operation| match operation {
                    Operation::SetMeta(fields) => Some(fields),
                    _ => None,
                };
                Work::SetMeta(operations.filter_map(fields).collect())
            }
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Work::AddPlain(_) => Kind::AddPlain,
            Work::AddAlike(_) => Kind::AddAlike,
            Work::AddNumbered(_) => Kind::AddNumbered,
            Work::AddAny(_) => Kind::AddAny,
            Work::Look(_) => Kind::Look,
            Work::Admit(_) => Kind::Admit,
            Work::Settle(_) => Kind::Settle,
            Work::SetMeta(_) => Kind::SetMeta,
        }
    }
}

/// Whether all are plain jobs of one name and the same options, and have an id, or all have none.
fn are_alike(additions: &[&Addition]) -> bool {
    let Some(first) = additions.first() else { return false };
    let Some(form) = first.job.shared_options() else { return false };
    form.is_plain()
        && form.name.is_some()
        && additions.iter().all(|addition| {
            addition.reuse == Reuse::Never
                && !addition.room
                && addition.job.has_id() == first.job.has_id()
                && addition.job.shared_options().is_some_and(|own| {
                    Arc::ptr_eq(own, form)
                        || (own.is_plain() && own.name == form.name && own.front == form.front)
                })
        })
}

/// The script that a batch goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `add_jobs.lua`, which costs less.
    AddPlain,
    /// The same of jobs that come with their name.
    AddAlike,
    /// `add_numbered_jobs.lua`.
    AddNumbered,
    /// `add_any_jobs.lua`.
    AddAny,
    /// `look_at_jobs.lua`.
    Look,
    /// `admit.lua`.
    Admit,
    /// `settle.lua`.
    Settle,
    /// `set_meta.lua`.
    SetMeta,
}

impl Kind {
    pub const COUNT: usize = 8;

    /// Whether a replica is to confirm what it does, where one is asked for: not what no job is lost with.
    pub fn is_confirmed(self) -> bool {
        matches!(self, Kind::AddPlain | Kind::AddAlike | Kind::AddNumbered | Kind::AddAny)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::job::JobBuilder;
    use crate::core::options::JobOptions;

    fn addition(id: &str, name: &str, options: &str) -> Operation {
        let write = |bytes: &mut Vec<u8>, _| bytes.extend_from_slice(id.as_bytes());
        let mut job = JobBuilder::default().build(write, |data| data.extend_from_slice(b"{}"));
        job.set_options(Some(Arc::new(JobOptions::of_named(name, options, !id.is_empty()).unwrap())));
        Operation::Add(Addition::new(job, 5, Reuse::Never))
    }

    #[test]
    fn jobs_of_a_queue_go_through_the_script_for_any_only_where_they_are_not_plain_or_not_alike() {
        let plain = r#"{"attempts":3}"#;
        for (other, expected) in [
            (["b", "n", plain], Kind::AddAlike),
            (["", "n", plain], Kind::AddAny),
            (["b", "m", plain], Kind::AddAny),
            (["b", "n", r#"{"attempts":4}"#], Kind::AddAny),
        ] {
            let batch = [["a", "n", plain], other].map(|[id, name, options]| addition(id, name, options));
            assert_eq!(Work::of(Family::Add, batch.iter(), 2).kind(), expected, "{other:?}");
        }
        for (options, expected) in [(plain, Kind::AddNumbered), (r#"{"delay":1}"#, Kind::AddAny)] {
            let batch = [addition("", "n", options), addition("", "n", options)];
            assert_eq!(Work::of(Family::Add, batch.iter(), 2).kind(), expected, "{options}");
        }
        let mut batch = [addition("a", "n", plain)];
        if let [Operation::Add(addition)] = &mut batch {
            addition.room = true;
        }
        assert_eq!(Work::of(Family::Add, batch.iter(), 1).kind(), Kind::AddAny);
    }
}
