//! Attempts to connect, side by side. A slow server needs one that is patient; one that is back after packets were lost
//! needs one that begins after that.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::connecting::Task;
use crate::queue::connection::config::{Config, Endpoint};
use crate::queue::connection::place::{self, Server};

/// How long after the last attempt another begins, while none has ended.
const ANOTHER: Duration = Duration::from_millis(700);

pub(super) struct Attempts {
    config: Arc<Config>,
    moved: Option<Endpoint>,
    /// The number of the first among all there were since a link stood.
    base: usize,
    count: usize,
    running: VecDeque<Attempt>,
    next_at: Instant,
}

struct Attempt {
    /// It makes room when so many have begun.
    until: usize,
    task: Task<io::Result<Server>>,
}

impl Attempts {
    /// Begins the first, with the number that it has among all. Each may last until then.
    pub(super) fn begin(
        config: Arc<Config>,
        count: usize,
        moved: Option<Endpoint>,
        now: Instant,
        until: Instant,
    ) -> Attempts {
        let mut attempts =
            Attempts { config, moved, base: count, count: 0, running: VecDeque::new(), next_at: now };
        attempts.go_on(now, until);
        attempts
    }

    /// Begins another when it is time.
    pub(super) fn go_on(&mut self, now: Instant, until: Instant) {
        if now < self.next_at {
            return;
        }
        self.running.retain(|attempt| attempt.until > self.count);
        let (patience, turn) = part(self.count);
        // Where a node of a cluster sent us is tried first, and then in turns with the others: it may be gone since.
        let (moved, turn) = match &self.moved {
            Some(moved) => (Some(moved.clone()).filter(|_| turn.is_multiple_of(2)), turn / 2),
            None => (None, turn),
        };
        let (config, number) = (Arc::clone(&self.config), self.base + turn);
        let task = Box::pin(async move { place::connect(&config, number, moved, until).await });
        self.running.push_back(Attempt { until: self.count.saturating_add(patience), task });
        self.count += 1;
        self.next_at = now + ANOTHER;
    }

    /// When another is to begin.
    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Whether none is left.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// What the next to end came to. Can be dropped and called again.
    pub(super) async fn turn(&mut self) -> io::Result<Server> {
        poll_fn(|context| {
            for at in 0..self.running.len() {
                if let Poll::Ready(ended) = self.running[at].task.as_mut().poll(context) {
                    self.running.remove(at);
                    return Poll::Ready(ended);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// For how many others an attempt goes on, and which of the nodes it turns to. The first goes on as long as it may, every
/// other one makes room after two, of those between every other one after four, and so on: however long a server takes to
/// let us in, an attempt that is patient enough is never far, few are made at once, and one always began just now.
fn part(count: usize) -> (usize, usize) {
    let level = count.trailing_zeros();
    match count {
        0 => (usize::MAX, 0),
        _ => (2 << level, (count >> (level + 1)) + 1 + level as usize),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn few_attempts_run_at_once_and_for_any_patience_one_begins_soon() {
        for now in 1..1000_usize {
            let running = (0..=now).filter(|count| count.saturating_add(part(*count).0) > now).count();
            assert!(running <= 2 + now.ilog2() as usize + 1, "{running} after {now}");
        }
        for patience in [2, 4, 8, 16, 32] {
            let patient = |from: usize| (from..from + patience).any(|count| part(count).0 >= patience);
            assert!((0..1000).all(patient), "{patience}");
        }
    }

    #[test]
    fn attempts_of_every_patience_turn_to_all_nodes() {
        for nodes in 1..=6 {
            for patience in [2, 4, 8] {
                let at = |count: usize| Some(part(count)).filter(|(least, _)| *least >= patience);
                let asked: HashSet<_> =
                    (1..8 * nodes * patience).filter_map(at).map(|(_, turn)| turn % nodes).collect();
                assert_eq!(asked.len(), nodes, "{patience}");
            }
        }
    }
}
