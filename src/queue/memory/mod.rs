//! What a test has in place of a writer and its Redis: it answers operations out of the memory of the process, as the scripts
//! would, or with the trouble that the test wants. Everything before it is the way of every call. No I/O, and no worker.

mod deduplication;
mod outage;
mod parents;
mod quota;
mod store;

use std::time::Instant;

pub use self::outage::{Outage, Scope, Trouble};
pub use self::store::{Job, Store};
use super::{Destination, Operation, Ready, Settled};
use crate::core::Error;

/// What became of an operation, and when its caller hears of it, where that is not at once.
pub struct Told {
    pub slot: u32,
    pub settled: Settled,
    pub at: Option<Instant>,
}

#[derive(Default)]
pub struct Memory {
    pub store: Store,
    outage: Option<Outage>,
}

impl Memory {
    /// From now on this is wrong, or nothing is.
    pub fn set_outage(&mut self, outage: Option<Outage>) {
        self.outage = outage;
    }

    /// Whether a server is there, as far as a program is told.
    pub fn is_up(&self) -> bool {
        !self.outage.as_ref().is_some_and(Outage::is_away)
    }

    /// Whether one more call may begin.
    pub fn admit(&mut self) -> Result<(), Error> {
        self.outage.as_mut().map_or(Ok(()), Outage::admit)
    }

    /// Does these, in order. Nothing is told of what nobody waits for.
    pub fn run(&mut self, destination: &Destination, ready: Vec<Ready>, now: Instant) -> Vec<Told> {
        let mut told = Vec::with_capacity(ready.len());
        let mut asking = Vec::new();
        for Ready { slot, operation, deadline } in ready {
            let trouble = self.outage.as_mut().and_then(|outage| outage.next(&operation));
            let (settled, at) = match (trouble, operation) {
                (None, Operation::Admit(admission)) => {
                    asking.push((slot, admission));
                    continue;
                }
                (None, operation) => (self.store.run(destination, operation), None),
                (Some((trouble, delay)), operation) => {
                    let due = now.checked_add(delay).map_or(deadline, |due| due.min(deadline));
                    let settled = trouble.strike(&mut self.store, destination, operation, due >= deadline);
                    (settled, Some(due).filter(|due| *due > now))
                }
            };
            if !matches!(settled, Settled::Done) {
                told.push(Told { slot, settled, at });
            }
        }
        let calls: Vec<_> = asking.iter().map(|(_, admission)| &**admission).collect();
        let verdicts = self.store.admit(destination, &calls);
        told.extend(asking.iter().zip(verdicts).map(|((slot, _), verdict)| Told {
            slot: *slot,
            settled: Settled::Admitted(verdict),
            at: None,
        }));
        told
    }
}
