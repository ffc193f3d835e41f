//! When jobs run out of time. They are gathered in ticks, so that neither a job that comes nor one that is settled costs
//! more than a place in a vector, however many wait.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::jobs::Key;

/// Deadlines closer together than this are dealt with at once.
const TICK: Duration = Duration::from_millis(4);
/// Names of jobs that are settled are left where they are until there are more of them than of others, and than this.
const FEW: usize = 4096;

pub struct Deadlines {
    start: Instant,
    /// By the number of ticks since the start, rounded up.
    ticks: BTreeMap<u64, Vec<Key>>,
    count: usize,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines { start: Instant::now(), ticks: BTreeMap::new(), count: 0 }
    }
}

impl Deadlines {
    pub fn insert(&mut self, key: Key, deadline: Instant) {
        let since = deadline.saturating_duration_since(self.start);
        let tick = since.as_nanos().div_ceil(TICK.as_nanos()) as u64;
        self.ticks.entry(tick).or_default().push(key);
        self.count += 1;
    }

    /// When the next of them has passed, if any.
    pub fn next(&self) -> Option<Instant> {
        let (tick, _) = self.ticks.first_key_value()?;
        self.start.checked_add(Duration::from_millis(tick.saturating_mul(TICK.as_millis() as u64)))
    }

    /// Takes out jobs whose deadline has passed, those of one tick at a time.
    pub fn passed(&mut self, now: Instant) -> Option<Vec<Key>> {
        let next = self.next()?;
        if next > now {
            return None;
        }
        let (_, keys) = self.ticks.pop_first()?;
        self.count -= keys.len();
        Some(keys)
    }

    /// Whether most of what is in here is of jobs that are settled, when there are `jobs` others.
    pub fn is_crowded(&self, jobs: usize) -> bool {
        self.count > 2 * jobs + FEW
    }

    pub fn clear(&mut self) {
        self.ticks.clear();
        self.count = 0;
    }
}
