//! A call has ended: what became of its job, as numbers that JavaScript reads, and why it failed.

use super::{Call, Calls, Phase};
use crate::core::{Error, Outcome};
use crate::queue::Settled;

// How a sent job ended, as a number that `lib/outcome.js` reads.
pub const ADDED: u32 = 0;
pub const FAILED: u32 = 1;
/// No call waits for it.
pub const STRAY: u32 = 2;
/// A question is answered.
pub const LOOKED: u32 = 3;
/// A call may go on, its tenant is over a limit, or that could not be found out.
pub const ADMITTED: u32 = 4;
pub const REFUSED: u32 = 5;
pub const UNADMITTED: u32 = 6;
/// `named` has the id of the job that was added, or what was asked for.
pub const NAMED: u32 = 7;
/// The link was made or lost.
pub const NEWS: u32 = 8;
/// And twice the number of the state, and 1 where the data are the same.
pub const DUPLICATE: u32 = 16;
/// And the number of the state.
pub const DEDUPLICATED: u32 = 32;

impl Calls {
    /// Notes what became of a sent job. A failed call keeps its slot until the error is fetched, one that was deduplicated until
    /// the other's id is.
    pub fn settle(&mut self, slot: u32, settled: Settled) -> u32 {
        let Call::Sent { bytes } = self.take(slot) else {
            return STRAY;
        };
        self.sent -= 1;
        match settled {
            Settled::Added => {
                self.forget(bytes);
                ADDED
            }
            Settled::Named(name) => {
                self.bytes -= bytes;
                self.put(slot, Call::Named(name));
                NAMED
            }
            Settled::Duplicate { state, same } => {
                self.forget(bytes);
                DUPLICATE + 2 * state as u32 + u32::from(same)
            }
            Settled::Deduplicated { state, id } => {
                self.bytes -= bytes;
                self.put(slot, Call::Deduplicated(id));
                DEDUPLICATED + state as u32
            }
            Settled::Failed(error) => {
                self.bytes -= bytes;
                self.put(slot, Call::Failed(error));
                FAILED
            }
            Settled::Looked { .. } | Settled::Admitted(_) | Settled::Done | Settled::News => {
                self.forget(bytes);
                STRAY
            }
        }
    }

    /// The id of the job that has the place of one that was deduplicated; frees the slot.
    pub fn deduplicated_to(&mut self, slot: u32) -> Option<String> {
        match self.take(slot) {
            Call::Deduplicated(id) => {
                self.forget(0);
                Some(id)
            }
            other => {
                self.put(slot, other);
                None
            }
        }
    }

    /// Why a call failed; frees its slot. `phase` says whose fault it is that one is late.
    pub fn failure(&mut self, slot: u32, phase: Phase) -> Error {
        match self.take(slot) {
            Call::Failed(error) => {
                self.forget(0);
                error
            }
            Call::Late { timeout_ms } => {
                self.forget(0);
                match phase {
                    Phase::Validating => Error::ValidateTimeout { timeout_ms },
                    Phase::Authorizing => Error::AuthorizeTimeout { timeout_ms },
                    Phase::Recording => Error::StorageTimeout { timeout_ms },
                    Phase::Admitting => Error::QuotaUnavailable {
                        detail: format!("the quota was not known within {timeout_ms} ms").into(),
                    },
                }
            }
            other => {
                self.put(slot, other);
                Error::Internal {
                    outcome: Outcome::Unknown,
                    detail: format!("call {slot} did not fail").into(),
                }
            }
        }
    }
}
