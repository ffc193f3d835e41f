//! What is wrong with inputs, on its way out: a number, by which `lib/issues.js` knows it once it was told.
//!
//! What is wrong with the inputs of a flood is the same few things over and over, and a number crosses to JavaScript for
//! far less than what it stands for.

use std::cell::RefCell;

use serde::Serialize;

use crate::core::issue::Step;
use crate::core::{Error, Issue};

/// How many are remembered. `lib/issues.js` has as many.
const MOST: usize = 64;
/// From so many bytes on they are not. `lib/issues.js` has the same.
const LARGE: usize = 4096;

thread_local! {
    static NUMBERS: RefCell<Numbers> = RefCell::new(Numbers::default());
}

/// The numbers that were given. None is given twice.
struct Numbers {
    next: u64,
    /// So few that looking through them costs less than a hash, the more so as what comes often is in front.
    known: Vec<(Vec<Issue>, u64)>,
    /// Those that are too large to be remembered: the last ones.
    large: Option<(Vec<Issue>, u64)>,
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers { next: Error::CODES.len() as u64, known: Vec::new(), large: None }
    }
}

impl Numbers {
    fn of(&mut self, issues: Vec<Issue>) -> u64 {
        if let Some(at) = self.known.iter().position(|(known, _)| *known == issues) {
            self.known.swap(0, at);
            return self.known[0].1;
        }
        let number = self.next;
        self.next += 1;
        if issues.iter().map(Issue::size).sum::<usize>() > LARGE {
            self.large = Some((issues, number));
            return number;
        }
        if self.known.len() == MOST {
            self.known.clear();
        }
        self.known.push((issues, number));
        number
    }

    /// Nothing where it is no more remembered.
    fn issues(&self, number: u64) -> Option<&[Issue]> {
        let all = self.known.iter().chain(&self.large);
        all.into_iter().find(|(_, known)| *known == number).map(|(issues, _)| issues.as_slice())
    }
}

/// The number of these issues, greater than that of any code.
pub fn number(issues: Vec<Issue>) -> f64 {
    NUMBERS.with_borrow_mut(|numbers| numbers.of(issues)) as f64
}

/// One thing wrong with an input, as `index.d.ts` has it.
#[derive(Serialize)]
struct InputIssue<'a> {
    path: &'a [Step],
    pointer: String,
    code: &'a str,
    message: &'a str,
}

/// What has the number that was given last, as JSON: JavaScript makes objects of it ten times faster than Node-API would.
pub fn to_json(number: f64) -> napi::Result<String> {
    NUMBERS.with_borrow(|numbers| {
        let issues = numbers.issues(number as u64).unwrap_or_default();
        let issues: Vec<_> = issues
            .iter()
            .map(|issue| InputIssue {
                path: &issue.path,
                pointer: issue.pointer(),
                code: issue.code,
                message: &issue.message,
            })
            .collect();
        serde_json::to_string(&issues).map_err(|error| napi::Error::from_reason(error.to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(at: usize) -> Vec<Issue> {
        vec![Issue::at("summary", "custom", at.to_string())]
    }

    #[test]
    fn equal_issues_have_one_number_and_no_number_is_given_twice() {
        let mut numbers = Numbers::default();
        let first = numbers.of(issue(0));
        assert!(first >= Error::CODES.len() as u64);
        assert_eq!(numbers.of(issue(0)), first);
        let others: Vec<_> = (1..=MOST).map(|at| numbers.of(issue(at))).collect();
        assert!(others.is_sorted() && others[0] > first);
        let again = numbers.of(issue(0));
        assert!(!others.contains(&again) && again > first);
        assert_eq!(numbers.issues(again), Some(&*issue(0)));
        assert_eq!(numbers.issues(first), None);
        assert!(numbers.known.len() <= MOST);
    }
}
