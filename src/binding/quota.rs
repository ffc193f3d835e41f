//! What was taken from the quotas of tenants for calls in flight, by slot, and what is to be given back of it. Knows no
//! JavaScript.

use std::sync::Arc;
use std::time::{Duration, Instant};

use napi_derive::napi;

use super::calls::{ADMITTED, REFUSED, UNADMITTED};
use crate::core::quota::{Limits, Rate};
use crate::core::{Error, Outcome};
use crate::queue::quota::{Admission, Claim, Place, Settlement, Tenant, Verdict};
use crate::queue::{Operation, Ready, Settled};

/// What is put right may take so long; then it is not.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer than a call may take, since clocks differ a little in their pace.
const MARGIN_MS: u32 = 1000;
/// A call that goes on without an answer waits this part of its time for one.
const PART: u32 = 4;

/// Limits on their way in, as `lib/quota/` has checked them. 0 is none.
#[napi(object, object_to_js = false)]
pub struct QuotaLimits {
    pub tenant: String,
    pub limit: u32,
    pub period_ms: f64,
    pub burst: u32,
    pub backlog: u32,
}

struct Charge {
    tenant: Tenant,
    id: Arc<[u8]>,
    limits: Limits,
    /// Nothing until it is known whether something is taken.
    taken: Option<(u64, Claim)>,
    /// Whether its job may be gone as soon as it was there, or take the place of one that ended: Redis has to be told that it
    /// was there.
    vanishes: bool,
}

enum Standing {
    Charged(Charge),
    /// When its tenant may try again, in ms, where it is the rate that it is over, and that is known.
    Refused(Option<u64>),
    Failed(Error),
}

#[derive(Default)]
pub struct Quota {
    /// By slot, of calls that nothing is open of none. Empty where there is no quota.
    standings: Vec<Option<Standing>>,
    /// What is to be sent.
    settlements: Vec<Ready>,
}

impl QuotaLimits {
    pub fn read(&self) -> (Tenant, Limits) {
        let Self { limit, period_ms, burst, backlog, .. } = *self;
        let rate = Rate { limit, period_ms: period_ms as u64, burst };
        let limits = Limits { rate: (limit > 0).then_some(rate), backlog: (backlog > 0).then_some(backlog) };
        (Tenant::new(&self.tenant), limits)
    }
}

impl Quota {
    /// The question whether a call may go on. `short` has it answered while there is time to go on without.
    pub fn ask(
        &mut self,
        slot: u32,
        (tenant, limits): &(Tenant, Limits),
        (id, vanishes): (&[u8], bool),
        (deadline, timeout_ms): (Instant, u32),
        short: bool,
    ) -> Ready {
        let id: Arc<[u8]> = id.into();
        let admission = Admission {
            tenant: tenant.clone(),
            id: Arc::clone(&id),
            limits: *limits,
            grace_ms: timeout_ms.saturating_add(MARGIN_MS),
            earlier: Vec::new(),
        };
        let charge = Charge { tenant: tenant.clone(), id, limits: *limits, taken: None, vanishes };
        self.put(slot, Standing::Charged(charge));
        let rest = deadline.saturating_duration_since(Instant::now());
        let part = Duration::from_millis(u64::from(timeout_ms / PART).max(1));
        let deadline = if short && part < rest { deadline - (rest - part) } else { deadline };
        Ready { slot, operation: Operation::Admit(Box::new(admission)), deadline }
    }

    /// Notes the answer.
    pub fn answered(&mut self, slot: u32, settled: Settled) -> u32 {
        let verdict = match settled {
            Settled::Admitted(verdict) => verdict,
            Settled::Failed(error) => {
                self.put(slot, Standing::Failed(error));
                return UNADMITTED;
            }
            _ => Verdict::Free,
        };
        match verdict {
            Verdict::Charged { until, place } => {
                if let Some(Some(Standing::Charged(charge))) = self.standings.get_mut(slot as usize) {
                    charge.taken = Some((until, place));
                }
                ADMITTED
            }
            Verdict::Free => {
                self.take(slot);
                ADMITTED
            }
            Verdict::TooFast { retry_after_ms } => {
                self.put(slot, Standing::Refused(Some(retry_after_ms)));
                REFUSED
            }
            Verdict::TooMany => {
                self.put(slot, Standing::Refused(None));
                REFUSED
            }
        }
    }

    /// When the tenant of a call that was refused may try again, in ms; nothing where it is the backlog that it is over.
    pub fn refusal(&mut self, slot: u32) -> Option<u64> {
        match self.take(slot) {
            Some(Standing::Refused(retry_after_ms)) => retry_after_ms,
            _ => None,
        }
    }

    /// Why it could not be found out whether a call may go on.
    pub fn failure(&mut self, slot: u32) -> Error {
        match self.take(slot) {
            Some(Standing::Failed(error)) => error,
            _ => Error::Internal {
                outcome: Outcome::Refused,
                detail: format!("call {slot} was answered").into(),
            },
        }
    }

    /// The call in this slot ended with that.
    pub fn ended(&mut self, slot: u32, settled: &Settled) {
        match settled {
            Settled::Added => self.settle(slot, false, Place::Keep),
            Settled::Failed(error) if error.outcome() == Outcome::Unknown => drop(self.take(slot)),
            _ => self.settle(slot, true, Place::GiveUp),
        }
    }

    /// The call in this slot ended without its job having been sent. Gives why it was not admitted, where that was not asked.
    pub fn gave_up(&mut self, slot: u32) -> Option<Error> {
        match self.standings.get(slot as usize)?.as_ref()? {
            Standing::Charged(_) => {
                self.settle(slot, true, Place::GiveUp);
                None
            }
            _ => match self.take(slot) {
                Some(Standing::Failed(error)) => Some(error),
                _ => None,
            },
        }
    }

    fn put(&mut self, slot: u32, standing: Standing) {
        let slot = slot as usize;
        if slot >= self.standings.len() {
            self.standings.resize_with(slot + 1, || None);
        }
        self.standings[slot] = Some(standing);
    }

    fn take(&mut self, slot: u32) -> Option<Standing> {
        self.standings.get_mut(slot as usize)?.take()
    }

    fn settle(&mut self, slot: u32, back: bool, place: Place) {
        let Some(Standing::Charged(charge)) = self.take(slot) else {
            return;
        };
        let Charge { tenant, id, limits: Limits { rate, backlog }, taken: Some((until, claim)), vanishes } =
            charge
        else {
            return;
        };
        let token = rate.filter(|_| back).map(|rate| (rate, until));
        let place = match place {
            _ if backlog.is_none() => Place::Leave,
            Place::Keep if !vanishes => Place::Leave,
            place => place,
        };
        if token.is_none() && place == Place::Leave {
            return;
        }
        let settlement = Settlement { tenant, id, token, place, claim };
        let operation = Operation::Settle(Box::new(settlement));
        self.settlements.push(Ready { slot: u32::MAX, operation, deadline: Instant::now() + PATIENCE });
    }

    /// What is to be sent, and is not yet.
    pub fn take_settlements(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.settlements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Detail;
    use crate::queue::State;

    fn charged(backlog: u32, limit: u32, vanishes: bool) -> Quota {
        let place = Claim { given_up: 9, in_its_place: false };
        let mut quota = Quota::default();
        let limits = QuotaLimits { tenant: "a".into(), limit, period_ms: 1000.0, burst: 1, backlog };
        quota.ask(0, &limits.read(), (b"1", vanishes), (Instant::now(), 100), false);
        assert_eq!(quota.answered(0, Settled::Admitted(Verdict::Charged { until: 7, place })), ADMITTED);
        quota
    }

    /// Whether a token goes back, and what becomes of the place.
    fn settled(mut quota: Quota) -> Option<(bool, Place)> {
        assert!(quota.standings.iter().all(Option::is_none));
        let sent = quota.take_settlements().pop()?;
        let Operation::Settle(it) = sent.operation else { return None };
        Some((it.token.is_some(), it.place))
    }

    #[test]
    fn what_goes_back_is_what_was_taken_and_not_used() {
        let state = State::Waiting;
        let failed = |error| Settled::Failed(error);
        let detail = Detail::default;
        let unknown = || failed(Error::OutcomeUnknown { detail: detail() });
        let unsent = || failed(Error::QueueUnavailable { outcome: Outcome::NotSent, detail: detail() });
        let duplicate = || Settled::Duplicate { state, same: true };
        let deduplicated = || Settled::Deduplicated { state, id: "x".into() };
        let (given_up, rate_only) = (Some((true, Place::GiveUp)), Some((true, Place::Leave)));
        for (end, vanishing, of_rate, staying) in [
            (Settled::Added, Some((false, Place::Keep)), None, None),
            (duplicate(), given_up, rate_only, given_up),
            (deduplicated(), given_up, rate_only, given_up),
            (unsent(), given_up, rate_only, given_up),
            (unknown(), None, None, None),
        ] {
            for (mut quota, expected) in [
                (charged(9, 9, true), vanishing),
                (charged(0, 9, true), of_rate),
                (charged(9, 9, false), staying),
            ] {
                quota.ended(0, &end);
                assert_eq!(settled(quota), expected, "{end:?}");
            }
        }
        let mut quota = charged(9, 0, true);
        quota.gave_up(0);
        quota.gave_up(0);
        assert_eq!(settled(quota), Some((false, Place::GiveUp)));
    }

    #[test]
    fn nothing_goes_back_of_a_call_that_nothing_was_taken_for() {
        let limits = QuotaLimits { tenant: "a".into(), limit: 1, period_ms: 1.0, burst: 1, backlog: 1 };
        for (answer, status) in [
            (Settled::Admitted(Verdict::Free), ADMITTED),
            (Settled::Admitted(Verdict::TooMany), REFUSED),
            (Settled::Failed(Error::Overloaded), UNADMITTED),
        ] {
            let mut quota = Quota::default();
            quota.ask(0, &limits.read(), (b"1", true), (Instant::now(), 100), true);
            assert_eq!(quota.answered(0, answer), status);
            quota.gave_up(0);
            assert_eq!(settled(quota), None);
        }
    }
}
