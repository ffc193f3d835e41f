//! Making, replacing and giving up the writer's link.

use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use crate::core::Detail;
use crate::queue::connection::config::Place;
use crate::queue::connection::link::Link;
use crate::queue::connection::place::{self, Server};
use crate::queue::connection::trouble;

/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

pub(super) type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) enum Connection {
    Down {
        retry_at: Instant,
    },
    Connecting(Task<io::Result<Server>>),
    /// The task ends when another server is the primary.
    Up(Link, Task<()>),
}

pub(super) enum Event {
    Connected(io::Result<Box<Server>>),
    Received(io::Result<()>),
    Superseded,
}

impl Connection {
    /// Says of which server this is said.
    pub(super) fn at(&self, detail: Detail) -> Detail {
        match self {
            Connection::Up(link, _) => detail.at(link.endpoint()),
            _ => detail,
        }
    }

    pub(super) async fn turn(&mut self) -> Event {
        match self {
            Connection::Down { .. } => pending().await,
            Connection::Connecting(attempt) => Event::Connected(attempt.await.map(Box::new)),
            Connection::Up(link, superseded) => tokio::select! {
                biased;
                received = link.turn() => Event::Received(received),
                () = superseded => Event::Superseded,
            },
        }
    }
}

impl State {
    pub(super) fn connect(&mut self, now: Instant) {
        if let Connection::Down { retry_at } = self.connection
            && retry_at <= now
            && (self.wanted || self.backlog.is_waiting())
        {
            let (config, attempt) = (Arc::clone(&self.config), self.attempts as usize);
            let moved = self.moved.take();
            let connecting = async move { place::connect(&config, attempt, moved).await };
            self.connection = Connection::Connecting(Box::pin(connecting));
        }
    }

    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected(Ok(server)) => {
                let Server { link, eviction } = *server;
                self.health.connected();
                if let Some(policy) = eviction.filter(|policy| policy != "noeviction") {
                    self.health.evicts(Detail::new(policy, link.endpoint().to_string()));
                }
                self.trouble = Detail::new("ETIMEDOUT", "the server did not answer").at(link.endpoint());
                self.wanted = false;
                let superseded: Task<()> = match &self.config.place {
                    Place::Sentinels(sentinels) => {
                        Box::pin(place::superseded(sentinels.clone(), link.endpoint().clone()))
                    }
                    _ => Box::pin(pending()),
                };
                self.connection = Connection::Up(link, superseded);
            }
            Event::Connected(Err(error)) => self.disconnect(trouble::read(error)),
            Event::Received(Ok(())) => {
                if let Err(error) = self.read_replies() {
                    self.break_off(trouble::read(error));
                }
            }
            Event::Received(Err(error)) => self.break_off(trouble::read(error)),
            Event::Superseded => {
                self.break_off(Detail::new("READONLY", "the sentinels name another primary"));
            }
        }
    }

    /// Gives up a link that stood, for what is wrong with it.
    pub(super) fn break_off(&mut self, trouble: Detail) {
        let trouble = self.connection.at(trouble);
        self.disconnect(trouble);
    }

    /// `trouble` names the server already.
    pub(super) fn disconnect(&mut self, trouble: Detail) {
        if let Connection::Up(link, _) = &self.connection {
            self.backlog.link_lost(link.gone());
        }
        self.health.disconnected(&trouble);
        self.trouble = trouble;
        self.wanted = false;
        self.leaving = None;
        self.connection = Connection::Down { retry_at: Instant::now() + backoff(self.attempts) };
        self.attempts = self.attempts.saturating_add(1);
    }
}

/// Doubles from the first pause to the longest; jitter keeps processes that lost the same server apart.
fn backoff(attempts: u32) -> Duration {
    let pause = (BACKOFF[0] * 2_u32.pow(attempts.min(10))).min(BACKOFF[1]);
    let random = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
    pause.mul_f64(0.5 + random / 2.0)
}
