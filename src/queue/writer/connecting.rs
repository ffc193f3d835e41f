//! Making, replacing and giving up the writer's link.

use std::future::{Future, pending};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use super::attempts::Attempts;
use crate::core::Detail;
use crate::queue::connection::config::{Config, Place};
use crate::queue::connection::link::Link;
use crate::queue::connection::place::{self, Server};
use crate::queue::connection::trouble;
use crate::queue::scripts::REPLICA;

/// What connecting may take at least, however short of time those are who wait: others may come.
const AT_LEAST: Duration = Duration::from_secs(10);
/// A link with jobs on their way that says nothing for this long is doubted, at least and at most.
pub(super) const SILENCE: [Duration; 2] = [Duration::from_millis(700), Duration::from_secs(8)];
/// That long after, a node of a cluster may be gone, and another have its place.
const GONE: Duration = Duration::from_secs(3);
/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

pub(super) type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) enum Connection {
    Down { retry_at: Instant },
    Connecting(Attempts),
    Up(Box<Standing>),
}

pub(super) struct Standing {
    pub(super) link: Link,
    /// Ends when another server is the primary.
    superseded: Task<()>,
    /// Made while the link says nothing: if one of them is answered, it is the link that is dead, and not the server.
    rivals: Option<Rivals>,
}

struct Rivals {
    attempts: Attempts,
    /// Whether they go wherever we would connect to, and not just to the server that is doubted.
    anywhere: bool,
}

pub(super) enum Event {
    Connected(io::Result<Box<Server>>),
    Received(io::Result<()>),
    Superseded,
    /// As `Connected`, beside a link that says nothing.
    Rival(io::Result<Box<Server>>),
}

impl Connection {
    /// Says of which server this is said.
    pub(super) fn at(&self, detail: Detail) -> Detail {
        match self {
            Connection::Up(standing) => detail.at(standing.link.endpoint()),
            _ => detail,
        }
    }

    pub(super) async fn turn(&mut self) -> Event {
        match self {
            Connection::Down { .. } => pending().await,
            Connection::Connecting(attempts) => Event::Connected(attempts.turn().await.map(Box::new)),
            Connection::Up(standing) => {
                let Standing { link, superseded, rivals } = &mut **standing;
                let rival = async {
                    match rivals {
                        Some(rivals) => rivals.attempts.turn().await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    received = link.turn() => Event::Received(received),
                    () = superseded => Event::Superseded,
                    server = rival => Event::Rival(server.map(Box::new)),
                }
            }
        }
    }
}

impl State {
    /// Begins to connect, or another attempt at it, when that is wanted and due.
    pub(super) fn connect(&mut self, now: Instant) {
        if !self.wanted && !self.backlog.is_waiting() {
            return;
        }
        let until = self.patience(now);
        match &mut self.connection {
            Connection::Down { retry_at } if *retry_at <= now => {
                let (config, count, moved) =
                    (Arc::clone(&self.config), self.attempts as usize, self.moved.take());
                self.connection = Connection::Connecting(Attempts::begin(config, count, moved, now, until));
            }
            Connection::Connecting(attempts) if self.backlog.is_waiting() => attempts.go_on(now, until),
            _ => {}
        }
    }

    /// Looks whether it is the link that is dead, or the server that is slow, once it has said nothing for a while.
    pub(super) fn doubt(&mut self, now: Instant) {
        if self.doubtful_at().is_none_or(|at| at > now) {
            return;
        }
        let until = self.patience(now);
        let Connection::Up(standing) = &mut self.connection else {
            return;
        };
        let at = standing.link.endpoint();
        // What another node of a cluster says proves nothing of this one, until this one has been silent for too long.
        let others = match &self.config.place {
            Place::Server(named) => named != at,
            Place::Cluster(_) => true,
            Place::Sentinels(_) => false,
        };
        let heard = self.backlog.oldest_sent().unwrap_or(now).max(standing.link.heard());
        let anywhere = !others || heard + self.silence + GONE <= now;
        match &mut standing.rivals {
            Some(rivals) if rivals.anywhere || !anywhere => rivals.attempts.go_on(now, until),
            none => {
                let config = match anywhere {
                    true => Arc::clone(&self.config),
                    false => {
                        Arc::new(Config { place: Place::Server(at.clone()), ..Config::clone(&self.config) })
                    }
                };
                *none = Some(Rivals { attempts: Attempts::begin(config, 0, None, now, until), anywhere });
            }
        }
    }

    /// When a link that says nothing is to be doubted, or doubted again.
    pub(super) fn doubtful_at(&self) -> Option<Instant> {
        let Connection::Up(standing) = &self.connection else {
            return None;
        };
        if let Some(rivals) = &standing.rivals {
            return Some(rivals.attempts.next_at());
        }
        let patience = if self.config.replicated { self.silence + REPLICA } else { self.silence };
        Some(self.backlog.oldest_sent()?.max(standing.link.heard()) + patience)
    }

    /// Connecting may take as long as somebody waits for it.
    fn patience(&self, now: Instant) -> Instant {
        let longest = self.backlog.last_deadline().map_or(now, |last| last.max(now)).max(now + AT_LEAST);
        self.config.connect_timeout.map_or(longest, |most| longest.min(now + most))
    }

    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected(Ok(server)) => self.stand(*server),
            Event::Connected(Err(error)) => {
                let trouble = trouble::read(error);
                match &self.connection {
                    Connection::Connecting(attempts) if !attempts.is_empty() => {
                        self.health.disconnected(&trouble);
                        self.trouble = trouble;
                    }
                    _ => self.disconnect(trouble),
                }
            }
            Event::Received(Ok(())) => {
                if let Err(error) = self.read_replies() {
                    self.break_off(trouble::read(error));
                }
            }
            Event::Received(Err(error)) => self.break_off(trouble::read(error)),
            Event::Superseded => {
                self.break_off(Detail::new("READONLY", "the sentinels name another primary"));
            }
            Event::Rival(Ok(server)) => {
                self.break_off(Detail::new(
                    "ETIMEDOUT",
                    "the link has stopped answering, and another was answered",
                ));
                // A server that answers on a new link and not on one with jobs may be paused for writes: not too often.
                self.silence = (2 * self.silence).min(SILENCE[1]);
                self.stand(*server);
            }
            Event::Rival(Err(error)) => {
                self.trouble = trouble::read(error);
            }
        }
    }

    /// A whole answer came after so long: what was doubted is well, and the next may take twice that. What a link was given
    /// up for is not forgotten at once: the way may be so narrow that only short commands are answered soon.
    pub(super) fn trust(&mut self, took: Duration) {
        let took = if self.config.replicated { took.saturating_sub(REPLICA) } else { took };
        self.silence = (2 * took).max(self.silence * 3 / 4).clamp(SILENCE[0], SILENCE[1]);
        if let Connection::Up(standing) = &mut self.connection {
            standing.rivals = None;
        }
    }

    fn stand(&mut self, Server { link, eviction }: Server) {
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
        self.connection = Connection::Up(Box::new(Standing { link, superseded, rivals: None }));
    }

    /// Gives up a link that stood, for what is wrong with it.
    pub(super) fn break_off(&mut self, trouble: Detail) {
        let trouble = self.connection.at(trouble);
        self.disconnect(trouble);
    }

    /// `trouble` names the server already.
    pub(super) fn disconnect(&mut self, trouble: Detail) {
        if let Connection::Up(standing) = &self.connection {
            self.backlog.link_lost(standing.link.gone(), &trouble);
        }
        self.health.disconnected(&trouble);
        self.trouble = trouble;
        self.wanted = false;
        self.leaving = None;
        self.connection = Connection::Down { retry_at: Instant::now() + backoff(self.attempts, self.seed) };
        self.attempts = self.attempts.saturating_add(1);
    }
}

/// Doubles from the first pause to the longest; jitter keeps processes that lost the same server apart.
fn backoff(attempts: u32, seed: u64) -> Duration {
    let pause = (BACKOFF[0] * 2_u32.pow(attempts.min(10))).min(BACKOFF[1]);
    let mut hasher = DefaultHasher::new();
    (seed, attempts).hash(&mut hasher);
    pause.mul_f64(0.5 + hasher.finish() as f64 / u64::MAX as f64 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::connection::config::{Config, tests::local};
    use crate::queue::writer::tests::ready;

    #[test]
    fn connecting_takes_no_longer_than_who_waits_longest_has_and_ten_seconds_where_nobody_does() {
        let second = Duration::from_secs(1);
        for (waits, connect_timeout, expected) in [
            (None, None, 10 * second),
            (Some(second / 4), None, 10 * second),
            (Some(30 * second), None, 30 * second),
            (Some(30 * second), Some(second / 10), second / 10),
            (None, Some(30 * second), 10 * second),
        ] {
            let config = Config { connect_timeout, ..local(1) };
            let (_, inbox) = tokio::sync::mpsc::unbounded_channel();
            let mut state = State::new(config, Arc::default(), inbox, 0);
            let client = state.backlog.join(0);
            let now = Instant::now();
            if let Some(waits) = waits {
                state.backlog.add(client, ready(7, waits));
            }
            // Its deadline counts from when it was made, and deadlines are gathered in ticks.
            let latest = Instant::now() + expected + second / 100;
            let until = state.patience(now);
            assert!(now + expected <= until && until <= latest, "{waits:?}: {:?}", until - now);
        }
    }

    #[test]
    fn pauses_between_attempts_double_and_none_is_longer_than_who_comes_back_may_be_kept_waiting() {
        for (attempts, longest) in [(0, 20), (1, 40), (2, 80), (4, 320), (5, 500), (12, 500), (u32::MAX, 500)]
        {
            let longest = Duration::from_millis(longest);
            for seed in 0..100 {
                let pause = backoff(attempts, seed);
                assert!(longest / 2 <= pause && pause <= longest, "{attempts}: {pause:?}");
            }
        }
    }
}
