//! Calls that are admitted to what their tenant may enqueue, and what is given back of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::core::quota::{Limits, Rate};

/// A tenant as it stands in keys. Long names are hashed, so that none makes long keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

impl Tenant {
    const LONGEST: usize = 128;

    pub fn new(name: &str) -> Tenant {
        Tenant(match name.len() <= Tenant::LONGEST {
            true => format!("t:{name}").into(),
            false => format!("sha1:{}", sha1_smol::Sha1::from(name).digest()).into(),
        })
    }

    pub fn name(&self) -> &str {
        &self.0
    }

    /// The key of its backlog. No id that BullMQ takes has so many parts, and nothing that belongs to a job ends like this.
    pub fn backlog(&self, base: &str) -> String {
        format!("{base}quota:{}:backlog:ids", self.0)
    }
}

/// The keys of all rates, and of those before.
pub fn rates(base: &str) -> [String; 2] {
    [format!("{base}quota:rates"), format!("{base}quota:rates-before")]
}

/// A call that asks to be admitted.
pub struct Admission {
    pub tenant: Tenant,
    /// Of its job.
    pub id: Arc<[u8]>,
    pub limits: Limits,
    /// For how long its job may not be there yet, in ms.
    pub grace_ms: u32,
    /// Batches that it went out with when the link broke.
    pub earlier: Vec<Attempt>,
}

impl Admission {
    /// Calls that are alike in this are of one party.
    pub fn party(&self) -> (&Limits, &Tenant) {
        (&self.limits, &self.tenant)
    }
}

/// The calls of a batch that are of one tenant, with the same limits. They stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    pub calls: u8,
    pub rate: Option<Rate>,
    /// Whether the end of its backlog is put off.
    pub renew: bool,
}

/// When the end of a tenant's backlog was last put off by this writer: Redis need not be told each time.
#[derive(Default)]
pub struct Renewals {
    at: HashMap<(usize, Tenant), Instant>,
}

impl Renewals {
    /// A small part of the week that a backlog is kept for.
    const EVERY: Duration = Duration::from_secs(3600);
    /// More tenants than this are forgotten, and put off once too often.
    const MOST: usize = 20_000;

    /// Whether it is time for that, of a tenant of the queue of this number; if so, it is taken as done.
    pub fn is_due(&mut self, queue: usize, tenant: &Tenant, now: Instant) -> bool {
        let key = (queue, tenant.clone());
        if self.at.get(&key).is_some_and(|at| now.duration_since(*at) < Renewals::EVERY) {
            return false;
        }
        if self.at.len() >= Renewals::MOST {
            self.at.clear();
        }
        self.at.insert(key, now);
        true
    }
}

/// A batch of admissions, and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub batch: BatchName,
    /// From 0, as the others.
    pub position: u32,
    /// Its party, and where the last call of that stands.
    pub party: u32,
    pub last: u32,
}

impl Attempt {
    /// One for each call of a batch of these parties, in order.
    pub fn all(batch: BatchName, parties: &[Party]) -> impl Iterator<Item = Attempt> {
        let mut first = 0;
        (0..).zip(parties).flat_map(move |(party, of)| {
            let (from, end) = (first, first + u32::from(of.calls));
            first = end;
            (from..end).map(move |position| Attempt { batch, position, party, last: end - 1 })
        })
    }
}

/// A batch of this writer or of another, by which Redis remembers what it said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchName {
    /// No other writer has this.
    pub writer: u64,
    pub number: u64,
}

impl BatchName {
    pub fn push_key(self, base: &str, key: &mut String) {
        let _ = write!(key, "{base}quota:b:{:x}:{}:said", self.writer, self.number);
    }
}

/// What becomes of a call that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its job is there already.
    Free,
    /// Something was taken for it.
    Charged {
        /// When the rate has made up for this call and those before it, as Redis has it.
        until: u64,
        place: Claim,
    },
    TooFast {
        retry_after_ms: u64,
    },
    TooMany,
}

/// The place that a job has in a backlog before it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it is given up, in ms as Redis has them.
    pub given_up: u64,
    /// Whether it may take the place of a job that ended.
    pub in_its_place: bool,
}

impl Claim {
    /// As it stands in the backlog.
    pub fn text(&self, id: &[u8]) -> Vec<u8> {
        let mark = if self.in_its_place { "r" } else { "" };
        [format!("{mark}{}:", self.given_up).as_bytes(), id].concat()
    }

    /// The same once its job was there: where it is not any more, it is gone for good.
    pub fn known(id: &[u8]) -> Vec<u8> {
        [b"0:", id].concat()
    }
}

/// What is put right once it is known how an admitted call ended.
pub struct Settlement {
    pub tenant: Tenant,
    pub id: Arc<[u8]>,
    /// The rate whose token goes back, and what the verdict said.
    pub token: Option<(Rate, u64)>,
    pub place: Place,
    pub claim: Claim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// As it is.
    Leave,
    /// The job is there from now on, until it has ended or is gone.
    Keep,
    /// There is none, and will be none.
    GiveUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_keys_of_its_own_and_none_has_long_ones() {
        let long = "x".repeat(129);
        let sha = sha1_smol::Sha1::from(&long).digest().to_string();
        let names = ["", "acme", "t:acme", "a:b", &long, &sha, "sha1", &"x".repeat(128)];
        let mut all: Vec<_> = names.iter().map(|name| Tenant::new(name).backlog("bull:q:")).collect();
        assert!(all.iter().all(|key| key.split(':').count() >= 7 && key.len() < 200));
        assert_eq!(all[1], "bull:q:quota:t:acme:backlog:ids");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), names.len());
    }

    #[test]
    fn a_call_knows_its_party_and_the_last_of_it() {
        let batch = BatchName { writer: 1, number: 2 };
        let party = |calls| Party { calls, rate: None, renew: false };
        let all: Vec<_> = Attempt::all(batch, &[party(2), party(1)]).collect();
        let places: Vec<_> = all.iter().map(|it| (it.position, it.party, it.last)).collect();
        assert_eq!(places, [(0, 0, 1), (1, 0, 1), (2, 1, 2)]);
    }

    #[test]
    fn a_backlog_is_renewed_once_an_hour_a_tenant_and_queue() {
        let mut renewals = Renewals::default();
        let (now, [a, b]) = (Instant::now(), ["a", "b"].map(Tenant::new));
        for (queue, tenant, after, due) in
            [(0, &a, 0, true), (0, &a, 3599, false), (0, &b, 0, true), (1, &a, 0, true), (0, &a, 3600, true)]
        {
            assert_eq!(renewals.is_due(queue, tenant, now + Duration::from_secs(after)), due);
        }
    }
}
