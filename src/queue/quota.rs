//! Calls that are admitted to what their tenant may enqueue, and what is given back of it.

use std::fmt::Write;
use std::sync::Arc;

use crate::core::quota::{Limits, Rate};

/// A tenant as it stands in keys. Long names are hashed, so that none makes long keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// The key of all rates.
pub fn rates(base: &str) -> String {
    format!("{base}quota:rates")
}

/// A call that asks to be admitted.
pub struct Admission {
    pub tenant: Tenant,
    /// Of its job.
    pub id: Box<[u8]>,
    pub limits: Limits,
    /// For how long its job may not be there yet, in ms.
    pub grace_ms: u32,
    /// Batches that it went out with when the link broke.
    pub earlier: Vec<Attempt>,
}

/// A batch of admissions, and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub batch: BatchName,
    /// From 0.
    pub position: u32,
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
        /// Whether it was this call that the job has its place in the backlog from.
        place: bool,
    },
    TooFast {
        retry_after_ms: u64,
    },
    TooMany,
}

/// What is put right once it is known how an admitted call ended.
pub struct Settlement {
    pub tenant: Tenant,
    pub id: Box<[u8]>,
    /// The rate whose token goes back, and what the verdict said.
    pub token: Option<(Rate, u64)>,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// As it is.
    Leave,
    /// The job is there from now on, until it has ended.
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
}
