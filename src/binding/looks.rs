//! Questions where jobs are, by the slot number that JavaScript gave each. Knows no JavaScript.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::calls::{FAILED, LOOKED};
use crate::core::{Error, Outcome};
use crate::queue::{Look, Operation, Ready, Settled, State};

/// Ids that may be asked for at once, in all questions: some 100 MB of them.
const MOST: usize = 1_000_000;
/// Bytes of ids that go together, unless one alone is longer.
const MOST_BYTES: usize = 64 * 1024;
/// The number of "missing" in `states`, behind those of `State`.
const MISSING: u8 = State::NAMES.len() as u8;

struct Question {
    deadline: Instant,
    /// How many parts are not answered yet.
    left: usize,
    states: Vec<u8>,
    error: Option<Error>,
}

#[derive(Default)]
pub struct Looks {
    questions: HashMap<u32, Question>,
    /// Ids that are not answered for yet.
    asked: usize,
}

impl Looks {
    /// Whether Redis is waited for.
    pub fn is_waiting(&self) -> bool {
        self.asked > 0
    }

    pub fn has(&self, slot: u32) -> bool {
        self.questions.contains_key(&slot)
    }

    /// What to send for these ids. All that is asked under one slot has the time that the first of it had.
    pub fn ask(
        &mut self,
        slot: u32,
        ids: Vec<String>,
        now: Instant,
        timeout_ms: u32,
    ) -> Result<Vec<Ready>, Error> {
        if self.asked > 0 && self.asked + ids.len() > MOST {
            self.questions.remove(&slot);
            return Err(Error::Overloaded);
        }
        let deadline = now + Duration::from_millis(timeout_ms.into());
        let fresh = || Question { deadline, left: 0, states: Vec::new(), error: None };
        let question = self.questions.entry(slot).or_insert_with(fresh);
        question.states = vec![MISSING; ids.len()];
        self.asked += ids.len();
        let mut parts = Vec::new();
        let (mut part, mut bytes, mut at) = (Vec::new(), 0, 0);
        for id in ids {
            bytes += id.len();
            if part.len() == Look::MOST || (bytes > MOST_BYTES && !part.is_empty()) {
                bytes = id.len();
                let ids = std::mem::take(&mut part);
                at += ids.len();
                parts.push(Look { at: at - ids.len(), ids });
            }
            part.push(id);
        }
        parts.push(Look { at, ids: part });
        question.left = parts.len();
        let deadline = question.deadline;
        let ready = |look| Ready { slot, operation: Operation::Look(look), deadline };
        Ok(parts.into_iter().map(ready).collect())
    }

    /// Notes what a part comes to. Gives how all of them ended, with the last.
    pub fn settle(&mut self, slot: u32, settled: Settled) -> Option<u32> {
        let question = self.questions.get_mut(&slot)?;
        match settled {
            Settled::Looked { at, states } => {
                for (known, state) in question.states.iter_mut().skip(at).zip(states) {
                    *known = state.map_or(MISSING, |state| state as u8);
                }
            }
            Settled::Failed(error) => question.error = Some(error),
            _ => {}
        }
        question.left -= 1;
        if question.left > 0 {
            return None;
        }
        self.asked -= question.states.len();
        Some(if question.error.is_some() { FAILED } else { LOOKED })
    }

    /// The states by their numbers. More may be asked under the slot, unless it was the last.
    pub fn take(&mut self, slot: u32, last: bool) -> Vec<u8> {
        let states = self.questions.get_mut(&slot).map(|question| std::mem::take(&mut question.states));
        if last {
            self.questions.remove(&slot);
        }
        states.unwrap_or_default()
    }

    /// Why one failed, and forgets it.
    pub fn failure(&mut self, slot: u32) -> Error {
        let error = self.questions.remove(&slot).and_then(|question| question.error);
        error.unwrap_or_else(|| Error::Internal {
            outcome: Outcome::Refused,
            detail: format!("question {slot} did not fail").into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize, length: usize) -> Vec<String> {
        vec!["x".repeat(length); count]
    }

    fn parts(ready: &[Ready]) -> Vec<(usize, usize)> {
        let look = |ready: &Ready| match &ready.operation {
            Operation::Look(look) => (look.at, look.ids.len()),
            _ => (0, 0),
        };
        ready.iter().map(look).collect()
    }

    #[test]
    fn many_ids_are_asked_for_in_parts_which_are_bounded() {
        let mut looks = Looks::default();
        let now = Instant::now();
        let mut ask = |slot, ids| parts(&looks.ask(slot, ids, now, 1).unwrap());
        assert_eq!(ask(0, ids(130, 9)), [(0, 64), (64, 64), (128, 2)]);
        assert_eq!(ask(1, ids(3, MOST_BYTES)), [(0, 1), (1, 1), (2, 1)]);
        assert_eq!(ask(2, ids(3, MOST_BYTES / 2)), [(0, 2), (2, 1)]);
    }

    #[test]
    fn a_question_ends_with_its_last_part_and_what_failed_of_it_fails_it() {
        let mut looks = Looks::default();
        let now = Instant::now();
        looks.ask(7, ids(65, 1), now, 1).unwrap();
        let part = |at, states| Settled::Looked { at, states };
        assert_eq!(looks.settle(7, part(64, vec![Some(State::Failed)])), None);
        assert_eq!(looks.settle(7, part(0, vec![None; 64])), Some(LOOKED));
        let states = looks.take(7, false);
        assert_eq!((states[0], states[64], states.len()), (MISSING, State::Failed as u8, 65));
        assert!(!looks.is_waiting() && looks.has(7));
        let again = looks.ask(7, ids(65, 1), now + Duration::from_secs(1), 1).unwrap();
        assert_eq!(again[0].deadline, now + Duration::from_millis(1));
        assert_eq!(looks.settle(7, Settled::Failed(Error::Overloaded)), None);
        assert_eq!(looks.settle(7, part(64, vec![None])), Some(FAILED));
        assert_eq!(looks.failure(7), Error::Overloaded);
        assert!(!looks.is_waiting() && !looks.has(7));
    }

    #[test]
    fn more_ids_than_the_process_should_hold_are_refused() {
        let mut looks = Looks::default();
        let now = Instant::now();
        assert!(looks.ask(0, ids(MOST, 0), now, 1).is_ok());
        assert!(matches!(looks.ask(1, ids(1, 0), now, 1), Err(Error::Overloaded)));
        assert!(!looks.has(1));
    }
}
