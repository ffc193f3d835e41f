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
/// How many there are at once. The first is left alone; of the others, the oldest makes room.
const MOST: usize = 3;

pub(super) struct Attempts {
    config: Arc<Config>,
    moved: Option<Endpoint>,
    count: usize,
    running: VecDeque<Task<io::Result<Server>>>,
    next_at: Instant,
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
        let mut attempts = Attempts { config, moved, count, running: VecDeque::new(), next_at: now };
        attempts.go_on(now, until);
        attempts
    }

    /// Begins another when it is time.
    pub(super) fn go_on(&mut self, now: Instant, until: Instant) {
        if now < self.next_at {
            return;
        }
        if self.running.len() == MOST {
            self.running.remove(1);
        }
        let (config, count, moved) = (Arc::clone(&self.config), self.count, self.moved.clone());
        self.running.push_back(Box::pin(async move { place::connect(&config, count, moved, until).await }));
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
                if let Poll::Ready(ended) = self.running[at].as_mut().poll(context) {
                    self.running.remove(at);
                    return Poll::Ready(ended);
                }
            }
            Poll::Pending
        })
        .await
    }
}
