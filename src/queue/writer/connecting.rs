//! Making, replacing and giving up the writer's link.

use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use crate::queue::connection::config::{Config, Place};
use crate::queue::connection::link::Link;
use crate::queue::connection::place;
use crate::queue::scripts::add_jobs::Script;

/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

pub(super) type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) enum Connection {
    Down {
        retry_at: Instant,
    },
    Connecting(Task<io::Result<Link>>),
    /// The task ends when another server is the primary.
    Up(Link, Task<()>),
}

pub(super) enum Event {
    Connected(io::Result<Link>),
    Received(io::Result<()>),
    Superseded,
}

impl Connection {
    pub(super) async fn turn(&mut self) -> Event {
        match self {
            Connection::Down { .. } => pending().await,
            Connection::Connecting(attempt) => Event::Connected(attempt.await),
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
            Event::Connected(Ok(link)) => {
                self.health.connected();
                self.wanted = false;
                let superseded: Task<()> = match &self.config.place {
                    Place::Sentinels(sentinels) => {
                        Box::pin(place::superseded(sentinels.clone(), link.endpoint().clone()))
                    }
                    _ => Box::pin(pending()),
                };
                self.connection = Connection::Up(link, superseded);
            }
            Event::Connected(Err(error)) => self.disconnect(error.to_string()),
            Event::Received(Ok(())) => {
                if let Err(error) = self.read_replies() {
                    self.disconnect(error.to_string());
                }
            }
            Event::Received(Err(error)) => self.disconnect(error.to_string()),
            Event::Superseded => self.disconnect("the sentinels name another primary".into()),
        }
    }

    pub(super) fn reconnect(&mut self, config: Config) {
        self.script = Script::new(&config.prefix, config.replicated);
        self.config = Arc::new(config);
        self.attempts = 0;
        self.moved = None;
        let replaced = "the connection was replaced".to_owned();
        if self.backlog.is_sent() {
            self.leaving = Some(replaced);
        } else {
            self.disconnect(replaced);
            self.connection = Connection::Down { retry_at: Instant::now() };
            self.wanted = true;
        }
    }

    pub(super) fn disconnect(&mut self, trouble: String) {
        if let Connection::Up(link, _) = &self.connection {
            self.backlog.link_lost(link.written());
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
