//! The group-commit writer: one thread with one connection, which sends ready jobs in batches and says what became of
//! each. While batches are on their way the next one gathers, so that a lone job never waits and many share a script.

mod answers;
mod attempts;
mod clients;
mod connecting;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

pub use self::clients::Share;
use self::clients::{Clients, Message};
use self::connecting::{Connection, SILENCE};
use super::Health;
use super::backlog::Backlog;
use super::connection::config::{Config, Endpoint};
use crate::core::{Detail, Error, Outcome};

/// Hand-overs that are taken at once, before replies are looked at again.
const MAX_ARRIVALS: usize = 64;
/// A server that says nothing for this long gets nothing more until it does: what was not sent can still be told to be so.
const QUIET: Duration = Duration::from_millis(100);

/// The way to the thread. When the last `Share` of it is dropped, the writer finishes what it has and ends.
pub struct Writer {
    sender: UnboundedSender<Message>,
    health: Arc<Health>,
}

impl Writer {
    /// Starts the thread, which begins to connect. Fails when the system has no thread to give.
    pub fn start(config: Config) -> io::Result<Writer> {
        let (sender, inbox) = unbounded_channel();
        let health = Arc::<Health>::default();
        let seed = RandomState::new().hash_one(());
        let mut state = State::new(config, Arc::clone(&health), inbox, seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("enqueue-boundary".into()).spawn(move || {
            // A defect here must not leave callers without an answer: what is in hand fails, and the thread goes on.
            while catch_unwind(AssertUnwindSafe(|| runtime.block_on(state.run()))).is_err() {
                state.recover();
            }
        })?;
        Ok(Writer { sender, health })
    }
}

struct State {
    config: Arc<Config>,
    health: Arc<Health>,
    inbox: UnboundedReceiver<Message>,
    open: bool,
    clients: Clients,
    backlog: Backlog,
    connection: Connection,
    /// A link is wanted although no job waits for it: at the start, so that it stands when the first record is made.
    wanted: bool,
    attempts: u32,
    /// What its pauses are drawn from.
    seed: u64,
    /// Where a node of the cluster said that the queue is.
    moved: Option<Endpoint>,
    not_before: Instant,
    /// For how long a link may say nothing before it is doubted.
    silence: Duration,
    /// Why the link is given up as soon as what is on its way is answered.
    leaving: Option<Detail>,
    /// What stood in the way last, for the operator.
    trouble: Detail,
}

impl State {
    fn new(config: Config, health: Arc<Health>, inbox: UnboundedReceiver<Message>, seed: u64) -> State {
        State {
            trouble: Detail::new("ETIMEDOUT", "no connection was made yet").at(&config.place),
            clients: Clients::new(config.replicated),
            config: Arc::new(config),
            health,
            inbox,
            open: true,
            backlog: Backlog::of(seed),
            connection: Connection::Down { retry_at: Instant::now() },
            wanted: true,
            attempts: 0,
            seed,
            moved: None,
            not_before: Instant::now(),
            silence: SILENCE[0],
            leaving: None,
        }
    }
}

impl State {
    async fn run(&mut self) {
        let mut arrived = Vec::new();
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            let connection = &self.connection;
            let unanswered = || connection.at(Detail::new("ETIMEDOUT", "no answer came in time"));
            self.backlog.expire(now, &self.trouble, unanswered);
            self.doubt(now);
            self.connect(now);
            self.dispatch(now);
            self.report();
            if !self.open && self.backlog.is_empty() {
                return;
            }
            let alarm = self.alarm(now);
            if let Some(alarm) = alarm
                && timer.deadline() != alarm
            {
                timer.as_mut().reset(alarm);
            }
            tokio::select! {
                biased;
                event = self.connection.turn() => self.on_event(event),
                count = self.inbox.recv_many(&mut arrived, MAX_ARRIVALS), if self.open => {
                    self.open = count > 0;
                    arrived.drain(..).for_each(|message| self.clients.take(message, &mut self.backlog));
                }
                () = timer.as_mut(), if alarm.is_some() => {}
            }
        }
    }

    /// When something must happen although nothing arrives.
    fn alarm(&self, now: Instant) -> Option<Instant> {
        let wanted = self.wanted || self.backlog.is_waiting();
        let attempt = match &self.connection {
            Connection::Down { retry_at } if wanted => Some(*retry_at),
            Connection::Connecting(attempts) if self.backlog.is_waiting() => Some(attempts.next_at()),
            Connection::Up(..) if wanted && self.not_before > now => Some(self.not_before),
            _ => None,
        };
        attempt.into_iter().chain(self.backlog.next_deadline()).chain(self.doubtful_at()).min()
    }

    fn dispatch(&mut self, now: Instant) {
        let Connection::Up(standing) = &mut self.connection else {
            return;
        };
        let link = &mut standing.link;
        let quiet = self.backlog.oldest_sent().is_some_and(|sent| sent.max(link.heard()) + QUIET <= now);
        while !quiet
            && self.leaving.is_none()
            && self.not_before <= now
            && let Some(call) = self.backlog.next_batch(now, &self.trouble)
        {
            let Some(scripts) = self.clients.scripts(call.queue) else {
                return;
            };
            let kind = call.work.kind();
            scripts.push_call(&call, link.out());
            self.backlog.ends_at(link.appended());
            scripts.push_trailer(kind, link.out());
        }
    }

    fn report(&mut self) {
        self.clients.tell(&mut self.backlog);
    }

    fn recover(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.clients.take(message, &mut self.backlog);
        }
        self.leaving = None;
        self.connection = Connection::Down { retry_at: Instant::now() };
        self.backlog.fail_everything(&Error::Internal {
            outcome: Outcome::Unknown,
            detail: "the writer panicked".into(),
        });
        self.report();
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
