//! What tenants may enqueue, as `rate.lua`, `admit.lua` and `settle.lua` count it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::store::{Store, base_of, key_of};
use crate::core::quota::Rate;
use crate::queue::operation::Family;
use crate::queue::quota::{Admission, Claim, Place, Settlement, Tenant, Verdict};
use crate::queue::{Destination, Reuse, State};

/// Rates count in eighths of a microsecond.
const OF_A_MICROSECOND: u64 = 8;
const OF_A_MS: u64 = 8000;

#[derive(Default)]
pub struct Quotas {
    /// Until when the calls of a tenant are made up for, by its queue and name.
    rates: HashMap<(String, Tenant), u64>,
    /// The places of a tenant's jobs, by the key of its backlog: those that were not looked at for the longest time first.
    backlogs: HashMap<String, Vec<Held>>,
}

/// A place in a backlog.
#[derive(Clone, PartialEq, Eq)]
struct Held {
    id: Arc<[u8]>,
    claim: Claim,
}

/// That of a job which is there: where it is not any more, it is gone for good.
const KNOWN: Claim = Claim { given_up: 0, in_its_place: false };

/// What is found of a call before it is known whether its job has a place.
enum Found {
    Stays,
    TooFast,
    Passes,
}

impl Store {
    /// In batches such as the writer makes of what comes together, in which calls of a tenant stand together. In their order.
    pub(super) fn admit(&mut self, destination: &Destination, calls: &[&Admission]) -> Vec<Verdict> {
        let base = base_of(&destination.prefix, &destination.queue);
        let mut verdicts = vec![Verdict::TooMany; calls.len()];
        let order: Vec<_> = (0..calls.len()).collect();
        for batch in order.chunks(Family::Admit.most()) {
            let now = self.now();
            let grace_ms = batch.iter().map(|at| calls[*at].grace_ms).max().unwrap_or_default();
            let mut sorted = batch.to_vec();
            sorted.sort_by_key(|at| calls[*at].party());
            for party in sorted.chunk_by(|one, two| calls[*one].party() == calls[*two].party()) {
                let of_party: Vec<_> = party.iter().map(|at| calls[*at]).collect();
                let given_up = now / 1000 + u64::from(grace_ms);
                let came = self.admit_party(destination, &base, &of_party, now, given_up);
                party.iter().zip(came).for_each(|(at, verdict)| verdicts[*at] = verdict);
            }
        }
        verdicts
    }

    fn admit_party(
        &mut self,
        destination: &Destination,
        base: &str,
        calls: &[&Admission],
        now: u64,
        given_up: u64,
    ) -> Vec<Verdict> {
        let Some(first) = calls.first() else {
            return Vec::new();
        };
        let (rate, now) = (first.limits.rate, now * OF_A_MICROSECOND);
        let name = (base.to_owned(), first.tenant.clone());
        let mut till = self.quotas.rates.get(&name).copied().unwrap_or_default();
        let mut found = Vec::with_capacity(calls.len());
        for call in calls {
            let state = self.state_of(base, &call.id);
            let makes_room = state.is_some_and(|state| destination.reuse.allows(state));
            let passed = rate.map_or(Some(0), |rate| pass(&rate, till, now));
            found.push(match passed {
                _ if state.is_some() && !makes_room => Found::Stays,
                None => Found::TooFast,
                Some(next) => {
                    till = next;
                    Found::Passes
                }
            });
        }
        // The job of another call may have ended by the time that this one's comes.
        let claim = Claim { given_up, in_its_place: destination.reuse != Reuse::Never };
        let wanted = calls.iter().zip(&found).filter_map(|(call, found)| match found {
            Found::Passes => Some(Held { id: call.id.clone(), claim }),
            _ => None,
        });
        let wanted: Vec<_> = wanted.collect();
        let step = rate.map_or(0, |rate| rate.step());
        let backlog = first.tenant.backlog(base);
        let placed: Vec<bool> = match first.limits.backlog {
            Some(most) => self.take_places(base, &backlog, most as usize, wanted, now / OF_A_MS),
            None => vec![true; wanted.len()],
        };
        let without = placed.iter().filter(|placed| !**placed).count() as u64;
        till -= without * step;
        let mut later = placed.len() as u64 - without;
        if rate.is_some() && later > 0 {
            self.quotas.rates.insert(name, till);
        }
        let mut placed = placed.into_iter();
        let verdict = |found| match found {
            Found::Stays => Verdict::Free,
            // Whatever its rate says of the others, there is no place for them.
            Found::TooFast if without > 0 => Verdict::TooMany,
            Found::TooFast => {
                let retry_after_ms = rate.map_or(1, |rate| rate.wait_ms(till, now));
                Verdict::TooFast { retry_after_ms }
            }
            Found::Passes => match placed.next() {
                Some(true) => {
                    later -= 1;
                    Verdict::Charged { until: till - later * step, place: claim }
                }
                _ => Verdict::TooMany,
            },
        };
        found.into_iter().map(verdict).collect()
    }

    /// Whether each of these has a place, of which there are so many: those that ended or are gone have left theirs.
    fn take_places(
        &mut self,
        base: &str,
        backlog: &str,
        most: usize,
        wanted: Vec<Held>,
        now_ms: u64,
    ) -> Vec<bool> {
        let mut held = self.quotas.backlogs.remove(backlog).unwrap_or_default();
        let fits = held.len() + wanted.len() <= most;
        if !fits {
            self.look_at_places(base, &mut held, now_ms);
        }
        let to_come = held.iter().filter(|it| it.claim.given_up > now_ms).map(|it| it.id.clone());
        let mut to_come: HashSet<_> = to_come.collect();
        let mut free = most.saturating_sub(held.len());
        let mut placed = Vec::with_capacity(wanted.len());
        for new in wanted {
            // Of two calls for one job at most one is more than a duplicate.
            let has_one = fits || to_come.contains(&new.id) || free > 0;
            placed.push(has_one);
            if has_one {
                free -= usize::from(to_come.insert(new.id.clone()) && free > 0);
                held.push(new);
            }
        }
        self.quotas.backlogs.insert(backlog.to_owned(), held);
        placed
    }

    fn look_at_places(&self, base: &str, held: &mut Vec<Held>, now_ms: u64) {
        let mut known = HashSet::new();
        held.retain_mut(|place| {
            let is_due = place.claim.given_up <= now_ms;
            match self.state_of(base, &place.id) {
                None => !is_due,
                Some(State::Completed | State::Failed) => place.claim.in_its_place && !is_due,
                // It may be that of another call, or of another tenant.
                Some(_) if !is_due => true,
                Some(_) => {
                    place.claim = KNOWN;
                    known.insert(place.id.clone())
                }
            }
        });
    }

    pub(super) fn settle(&mut self, destination: &Destination, settlement: &Settlement) {
        let base = base_of(&destination.prefix, &destination.queue);
        let now = self.now() * OF_A_MICROSECOND;
        let Settlement { tenant, id, token, place, claim } = settlement;
        if *place != Place::Leave
            && let Some(held) = self.quotas.backlogs.get_mut(&tenant.backlog(&base))
            && let Some(at) = held.iter().rposition(|it| it.id == *id && it.claim == *claim)
        {
            held.remove(at);
            if *place == Place::Keep {
                held.push(Held { id: id.clone(), claim: KNOWN });
            }
        }
        if let Some((rate, said)) = token
            && let Some(till) = self.quotas.rates.get_mut(&(base, tenant.clone()))
        {
            // What is not made up for yet of that call.
            *till = till.saturating_sub(said.saturating_sub(now).min(rate.step()));
        }
    }

    fn state_of(&self, base: &str, id: &[u8]) -> Option<State> {
        self.jobs.get(&key_of(base, &String::from_utf8_lossy(id))).map(|job| job.state)
    }
}

/// Until when a tenant's calls are made up for once one more is let through, if it is.
fn pass(rate: &Rate, till: u64, now: u64) -> Option<u64> {
    let till = till.clamp(now, now + rate.reach()) + rate.step();
    (till <= now + rate.reach()).then_some(till)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_behind_it_later() {
        let rate = Rate { limit: 10, period_ms: 1000, burst: 2 };
        let now = 1_000_000_000;
        let first = pass(&rate, 0, now).unwrap();
        let second = pass(&rate, first, now).unwrap();
        assert_eq!(second, now + rate.reach());
        assert_eq!(pass(&rate, second, now), None);
        assert_eq!(pass(&rate, second, now + rate.step()), Some(second + rate.step()));
        // The limits were others then.
        assert_eq!(pass(&rate, now + 10 * rate.reach(), now), None);
    }
}
