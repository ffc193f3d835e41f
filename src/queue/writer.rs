//! The group-commit writer: one thread with one connection, which sends ready jobs in batches and says what became of
//! each. While batches are on their way the next one gathers, so that a lone job never waits and many share a script.

mod answers;
mod connecting;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use self::connecting::Connection;
use super::backlog::Backlog;
use super::connection::config::{Config, Endpoint};
use super::scripts::add_jobs::{REPLICA, Script};
use super::{Health, Ready, Sink};
use crate::core::{Detail, Error, Outcome};

/// Hand-overs that are taken at once, before replies are looked at again.
const MAX_ARRIVALS: usize = 64;
/// A server that says nothing for this long gets nothing more until it does: what was not sent can still be told to be so.
const QUIET: Duration = Duration::from_millis(100);
/// A link with jobs on their way that says nothing for this long is given up, whatever their deadlines: a server that is
/// gone without a word must not use up the time of all who wait for it.
const SILENCE: Duration = Duration::from_secs(2);

/// The sending end. When it is dropped, the writer finishes what it has and ends.
pub struct Writer(UnboundedSender<Message>);

enum Message {
    Jobs(Vec<Ready>),
    Reconnect(Box<Config>),
}

impl Writer {
    /// Starts the thread, which begins to connect. Fails when the system has no thread to give.
    pub fn start(config: Config, health: Arc<Health>, sink: Sink) -> io::Result<Writer> {
        let (sender, inbox) = unbounded_channel();
        let trouble = Detail::new("ETIMEDOUT", "no connection was made yet").at(&config.place);
        let mut state = State {
            trouble,
            script: Script::new(&config.prefix, config.replicated),
            config: Arc::new(config),
            health,
            sink,
            inbox,
            open: true,
            backlog: Backlog::default(),
            connection: Connection::Down { retry_at: Instant::now() },
            wanted: true,
            attempts: 0,
            moved: None,
            not_before: Instant::now(),
            leaving: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("enqueue-boundary".into()).spawn(move || {
            // A defect here must not leave callers without an answer: what is in hand fails, and the thread goes on.
            while catch_unwind(AssertUnwindSafe(|| runtime.block_on(state.run()))).is_err() {
                state.recover();
            }
        })?;
        Ok(Writer(sender))
    }

    /// Hands over jobs. Gives them back when the writer has ended, which it only does with the process.
    pub fn push(&self, ready: Vec<Ready>) -> Result<(), Vec<Ready>> {
        self.0.send(Message::Jobs(ready)).map_err(|error| match error.0 {
            Message::Jobs(ready) => ready,
            Message::Reconnect(_) => Vec::new(),
        })
    }

    /// Has all jobs that are not sent yet go where `config` says. Those on their way are answered where they went.
    pub fn reconnect(&self, config: Config) {
        // A writer that has ended has no connection to replace.
        let _ = self.0.send(Message::Reconnect(Box::new(config)));
    }
}

struct State {
    config: Arc<Config>,
    script: Script,
    health: Arc<Health>,
    sink: Sink,
    inbox: UnboundedReceiver<Message>,
    open: bool,
    backlog: Backlog,
    connection: Connection,
    /// A link is wanted although no job waits for it: at the start, so that it stands when the first record is made.
    wanted: bool,
    attempts: u32,
    /// Where a node of the cluster said that the queue is.
    moved: Option<Endpoint>,
    not_before: Instant,
    /// Why the link is given up as soon as what is on its way is answered.
    leaving: Option<Detail>,
    /// What stood in the way last, for the operator.
    trouble: Detail,
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
            if self.silence().is_some_and(|end| end <= now) {
                self.break_off(Detail::new("ETIMEDOUT", "the server has stopped answering"));
            }
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
                    arrived.drain(..).for_each(|message| self.on_message(message));
                }
                () = timer.as_mut(), if alarm.is_some() => {}
            }
        }
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Jobs(ready) => ready.into_iter().for_each(|ready| self.backlog.add(ready)),
            Message::Reconnect(config) => self.reconnect(*config),
        }
    }

    /// When something must happen although nothing arrives.
    fn alarm(&self, now: Instant) -> Option<Instant> {
        let wanted = self.wanted || self.backlog.is_waiting();
        let attempt = match self.connection {
            Connection::Down { retry_at } if wanted => Some(retry_at),
            Connection::Up(..) if wanted && self.not_before > now => Some(self.not_before),
            _ => None,
        };
        attempt.into_iter().chain(self.backlog.next_deadline()).chain(self.silence()).min()
    }

    /// When the link is given up unless something arrives before.
    fn silence(&self) -> Option<Instant> {
        let Connection::Up(link, _) = &self.connection else {
            return None;
        };
        let patience = if self.config.replicated { SILENCE + REPLICA } else { SILENCE };
        Some(self.backlog.oldest_sent()?.max(link.heard()) + patience)
    }

    fn dispatch(&mut self, now: Instant) {
        let Connection::Up(link, _) = &mut self.connection else {
            return;
        };
        let quiet = self.backlog.oldest_sent().is_some_and(|sent| sent.max(link.heard()) + QUIET <= now);
        while !quiet
            && self.leaving.is_none()
            && self.not_before <= now
            && let Some(batch) = self.backlog.next_batch(now)
        {
            let calls = batch.jobs.iter().map(|job| (&job.ready.job, job.ready.timestamp));
            self.script.push_call(batch.whole, batch.number, calls, link.out());
            batch.end = link.appended();
            self.script.push_trailer(link.out());
        }
    }

    fn report(&mut self) {
        if !self.backlog.settled().is_empty() {
            (self.sink)(self.backlog.settled());
        }
    }

    fn recover(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.on_message(message);
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
mod tests;
