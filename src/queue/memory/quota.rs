//! What tenants may enqueue, as `rate.lua`, `admit.lua` and `settle.lua` count it.

use std::collections::HashMap;

use super::store::{Store, base_of, key_of};
use crate::core::quota::Rate;
use crate::queue::quota::{Admission, Place, Settlement, Verdict, rates};
use crate::queue::{Destination, State};

/// Of a microsecond, in which rates count, and of a millisecond.
const OF_A_MICROSECOND: u64 = 8;
const OF_A_MS: u64 = 8000;

#[derive(Default)]
pub struct Quotas {
    /// Until when the calls of a tenant are made up for.
    rates: HashMap<String, u64>,
    /// The jobs of a tenant that have not ended, by the key of its backlog and by their ids.
    backlogs: HashMap<String, HashMap<Box<[u8]>, Held>>,
}

/// A place in a backlog.
struct Held {
    /// The ms from which a job that is not there is gone for good.
    till: u64,
    /// A job that ended has its id, and is to make room.
    room: bool,
    /// More than one call has it.
    shared: bool,
}

impl Store {
    pub(super) fn admit(&mut self, destination: &Destination, admission: &Admission) -> Verdict {
        let base = base_of(&destination.prefix, &destination.queue);
        let now = self.now();
        let now_ms = now / 1000;
        let state = self.state_of(&base, &admission.id);
        let room = state.is_some_and(|state| destination.reuse.allows(state));
        if state.is_some() && !room {
            return Verdict::Free;
        }
        let backlog = admission.tenant.backlog(&base);
        if let Some(most) = admission.limits.backlog
            && !self.has_place(&base, &backlog, most, &admission.id, now_ms)
        {
            return Verdict::TooMany;
        }
        let mut until = 0;
        if let Some(rate) = &admission.limits.rate {
            let till = self.quotas.rates.entry(rate_of(&base, admission.tenant.name())).or_default();
            match pass(rate, *till, now * OF_A_MICROSECOND) {
                Ok(next) => *till = next,
                Err(retry_after_ms) => return Verdict::TooFast { retry_after_ms },
            }
            until = *till;
        }
        let mut place = true;
        if admission.limits.backlog.is_some() {
            let backlog = self.quotas.backlogs.entry(backlog).or_default();
            let mut held = Held { till: now_ms + u64::from(admission.grace_ms), room, shared: false };
            if let Some(before) = backlog.get(&admission.id).filter(|before| before.till > now_ms) {
                held.till = held.till.max(before.till);
                held.room |= before.room;
                held.shared = true;
                place = false;
            }
            backlog.insert(admission.id.clone(), held);
        }
        Verdict::Charged { until, place }
    }

    /// Whether the job has a place, or there is one for it once those that ended or are gone have left theirs.
    fn has_place(&mut self, base: &str, backlog: &str, most: u32, id: &[u8], now_ms: u64) -> bool {
        let Some(mut held) = self.quotas.backlogs.remove(backlog) else {
            return most > 0;
        };
        if held.len() >= most as usize {
            held.retain(|id, place| match self.state_of(base, id) {
                None => place.till > now_ms,
                Some(State::Completed | State::Failed) => place.till > now_ms && place.room,
                Some(_) => {
                    *place = Held { till: now_ms, room: false, shared: false };
                    true
                }
            });
        }
        let fits = held.len() < most as usize || held.contains_key(id);
        self.quotas.backlogs.insert(backlog.to_owned(), held);
        fits
    }

    pub(super) fn settle(&mut self, destination: &Destination, settlement: &Settlement) {
        let base = base_of(&destination.prefix, &destination.queue);
        let now = self.now();
        let now_ms = now / 1000;
        if let Some(backlog) = self.quotas.backlogs.get_mut(&settlement.tenant.backlog(&base)) {
            match settlement.place {
                Place::Leave => {}
                Place::Keep => {
                    if let Some(place) = backlog.get_mut(&settlement.id) {
                        *place = Held { till: now_ms, room: false, shared: false };
                    }
                }
                Place::GiveUp => {
                    if backlog.get(&settlement.id).is_some_and(|it| it.till > now_ms && !it.shared) {
                        backlog.remove(&settlement.id);
                    }
                }
            }
        }
        if let Some((rate, until)) = &settlement.token
            && let Some(till) = self.quotas.rates.get_mut(&rate_of(&base, settlement.tenant.name()))
        {
            let ahead = until.saturating_sub(now * OF_A_MICROSECOND);
            *till = till.saturating_sub(ahead.min(rate.step()));
        }
    }

    fn state_of(&self, base: &str, id: &[u8]) -> Option<State> {
        self.jobs.get(&key_of(base, &String::from_utf8_lossy(id))).map(|job| job.state)
    }
}

fn rate_of(base: &str, tenant: &str) -> String {
    format!("{}:{tenant}", rates(base))
}

/// Until when a tenant's calls are made up for once one more is let through, or the milliseconds after which one would be.
fn pass(rate: &Rate, till: u64, now: u64) -> Result<u64, u64> {
    let till = till.clamp(now, now + rate.reach()) + rate.step();
    match till.saturating_sub(now + rate.reach()) {
        0 => Ok(till),
        wait => Err(wait.div_ceil(OF_A_MS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_behind_it_is_told_when() {
        let rate = Rate { limit: 10, period_ms: 1000, burst: 2 };
        let now = 1_000_000_000;
        let first = pass(&rate, 0, now).unwrap();
        let second = pass(&rate, first, now).unwrap();
        assert_eq!(second, now + rate.reach());
        assert_eq!(pass(&rate, second, now), Err(100));
        assert_eq!(pass(&rate, second, now + 100 * OF_A_MS), Ok(second + rate.step()));
        // The limits were others then.
        assert_eq!(pass(&rate, now + 10 * rate.reach(), now), Err(100));
    }
}
