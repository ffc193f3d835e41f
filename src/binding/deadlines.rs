//! When which call is due, and when to be woken for it. Knows neither the calls nor the clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Deadlines closer together than this are dealt with in one go.
const APART: Duration = Duration::from_millis(10);
/// So many calls that are gone may be listed beside those that wait, and once more as many as wait.
const SLACK: usize = 1024;

/// A call that is gone stays listed until it comes up, or until those that are gone are most of the list: taking each out
/// when it goes would cost every call, and nearly all go long before their deadline.
#[derive(Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// When the next wake-up is to come.
    alarm: Option<Instant>,
    /// No wake-up is asked for before this.
    quiet_until: Option<Instant>,
}

impl Deadlines {
    /// Lists a call. Says when to be woken, if that is sooner than was said before.
    pub fn add(&mut self, deadline: Instant, slot: u32) -> Option<Instant> {
        self.heap.push(Reverse((deadline, slot)));
        self.set_alarm(deadline)
    }

    /// Drops calls that are gone, if they are too many. `waiting` is how many are not.
    pub fn compact(&mut self, waiting: usize, waits: impl Fn(Instant, u32) -> bool) {
        if self.heap.len() > SLACK + 2 * waiting {
            self.heap.retain(|Reverse((deadline, slot))| waits(*deadline, *slot));
        }
    }

    /// Whether it is time to look for calls that are due.
    pub fn rang(&self, now: Instant) -> bool {
        self.alarm.is_some_and(|alarm| alarm <= now)
    }

    /// Takes out one that is due.
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, u32)> {
        let Reverse(first) = *self.heap.peek()?;
        if first.0 > now {
            return None;
        }
        self.heap.pop();
        Some(first)
    }

    /// Ends a look at all that is due. Says when to be woken next, unless nothing waits.
    pub fn rest(&mut self, now: Instant, waits: impl Fn(Instant, u32) -> bool) -> Option<Instant> {
        self.alarm = None;
        self.quiet_until = Some(now + APART);
        while let Some(Reverse((deadline, slot))) = self.heap.peek().copied() {
            if waits(deadline, slot) {
                return self.set_alarm(deadline);
            }
            self.heap.pop();
        }
        None
    }

    /// Wants to be woken at once.
    pub fn ring(&mut self, now: Instant) {
        self.alarm = Some(now);
    }

    fn set_alarm(&mut self, deadline: Instant) -> Option<Instant> {
        let due = self.quiet_until.map_or(deadline, |quiet| quiet.max(deadline));
        if self.alarm.is_some_and(|alarm| alarm <= due) {
            return None;
        }
        self.alarm = Some(due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_sooner_deadline_moves_the_wake_up() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        assert_eq!(deadlines.add(start + 2 * SECOND, 0), Some(start + 2 * SECOND));
        assert_eq!(deadlines.add(start + 3 * SECOND, 1), None);
        assert_eq!(deadlines.add(start + SECOND, 2), Some(start + SECOND));
    }

    #[test]
    fn they_come_up_in_order_and_no_sooner_than_due() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        for (slot, seconds) in [(0, 3), (1, 1), (2, 2)] {
            deadlines.add(start + seconds * SECOND, slot);
        }
        assert_eq!(deadlines.pop(start), None);
        let now = start + 2 * SECOND;
        assert!(deadlines.rang(now));
        let due: Vec<_> = std::iter::from_fn(|| deadlines.pop(now)).map(|(_, slot)| slot).collect();
        assert_eq!(due, [1, 2]);
        assert_eq!(deadlines.rest(now, |_, _| true), Some(start + 3 * SECOND));
    }

    #[test]
    fn wake_ups_are_apart_however_close_the_deadlines() {
        let now = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.rest(now, |_, _| true);
        let soon = Duration::from_millis(1);
        assert_eq!(deadlines.add(now + soon, 0), Some(now + APART));
        assert_eq!(deadlines.add(now + soon / 2, 1), None);
    }

    #[test]
    fn calls_that_are_gone_are_not_waited_for_and_do_not_pile_up() {
        let now = Instant::now();
        let mut deadlines = Deadlines::default();
        for number in 0..100_000 {
            deadlines.add(now + SECOND, number);
            deadlines.compact(1, |_, slot| slot == number);
            assert!(deadlines.heap.len() <= SLACK + 3);
        }
        assert_eq!(deadlines.rest(now, |_, _| false), None);
        assert!(deadlines.heap.is_empty());
    }
}
