//! What a tenant may enqueue, and the times that its rate is kept with. The counting itself is done in Redis, by
//! `src/queue/scripts/rate.lua`.

/// What a tenant may have, as far as Redis counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limits {
    pub rate: Option<Rate>,
    /// Jobs that have not ended.
    pub backlog: Option<u32>,
}

/// So many calls in a period, of which `burst` may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    pub limit: u32,
    pub period_ms: u64,
    pub burst: u32,
}

/// Times are whole eighths of a microsecond: enough for thousands of calls a second, and for Lua to count with from 2020 to
/// 2055, as it does with doubles.
const OF_A_MS: u64 = 8000;

impl Rate {
    /// For how long a call takes up the rate. Rounded up, so that no more calls pass than `limit` in a period.
    pub fn step(&self) -> u64 {
        (self.period_ms * OF_A_MS).div_ceil(self.limit.into())
    }

    /// How long a burst takes it up.
    pub fn reach(&self) -> u64 {
        self.step() * u64::from(self.burst)
    }

    /// In how many ms a call is let through that is not `now`, where those before it are made up for at `till`.
    pub fn wait_ms(&self, till: u64, now: u64) -> u64 {
        (till + self.step()).saturating_sub(self.reach() + now).div_ceil(OF_A_MS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_never_takes_less_than_its_part_of_the_period() {
        for (limit, period_ms, step) in
            [(1, 1, 8000), (7, 1, 1143), (8000, 1, 1), (1_000_000, 1, 1), (100, 60_000, 4_800_000)]
        {
            let rate = Rate { limit, period_ms, burst: 3 };
            assert_eq!((rate.step(), rate.reach()), (step, 3 * step));
        }
    }

    #[test]
    fn a_call_that_is_refused_passes_after_the_wait_that_it_is_told() {
        let rate = Rate { limit: 3, period_ms: 1000, burst: 3 };
        let (now, step) = (1 << 50, rate.step());
        assert_eq!(rate.wait_ms(now + 3 * step, now), 334);
        assert_eq!(rate.wait_ms(now + 2 * step + 1, now), 1);
        assert_eq!(rate.wait_ms(0, now), 1);
    }

    /// The latest times fit into a double.
    const _: () = {
        const YEAR: u64 = 366 * 86_400_000 * OF_A_MS;
        assert!(35 * YEAR < 1 << 53);
    };
}
