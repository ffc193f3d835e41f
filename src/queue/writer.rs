//! The group-commit writer: one thread with one connection, which sends ready jobs in batches and says what became of
//! each. While batches are on their way the next one gathers, so that a lone job never waits and many share a script.

use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::backlog::{Backlog, Batch, Next};
use super::config::{Config, Endpoint, Place};
use super::link::Link;
use super::place;
use super::refusal::is_from_redis;
use super::resp::Reply;
use super::script::{REPLICA, Script, duplicates};
use super::{Health, Ready, Sink};
use crate::core::{Error, Outcome};

/// Hand-overs that are taken at once, before replies are looked at again.
const MAX_ARRIVALS: usize = 64;
/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// The pause before a server that said "not now" is asked again.
const NOT_NOW: Duration = Duration::from_millis(50);

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
        let mut state = State {
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
            trouble: "no connection was made yet".into(),
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

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum Connection {
    Down {
        retry_at: Instant,
    },
    Connecting(Task<io::Result<Link>>),
    /// The task ends when another server is the primary.
    Up(Link, Task<()>),
}

enum Event {
    Connected(io::Result<Link>),
    Received(io::Result<()>),
    Superseded,
}

impl Connection {
    async fn turn(&mut self) -> Event {
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
    leaving: Option<String>,
    /// What stood in the way last, for the operator.
    trouble: String,
}

impl State {
    async fn run(&mut self) {
        let mut arrived = Vec::new();
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            self.backlog.expire(now, &self.trouble);
            if self.silence().is_some_and(|end| end <= now) {
                self.disconnect("the server has stopped answering".into());
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

    // --- connecting -------------------------------------------------------------------------------------------------

    fn connect(&mut self, now: Instant) {
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

    fn on_event(&mut self, event: Event) {
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

    fn reconnect(&mut self, config: Config) {
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

    fn disconnect(&mut self, trouble: String) {
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

    // --- sending ----------------------------------------------------------------------------------------------------

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

    // --- answers ----------------------------------------------------------------------------------------------------

    fn read_replies(&mut self) -> io::Result<()> {
        while let Connection::Up(link, _) = &mut self.connection {
            let Some(reply) = link.next_reply()? else {
                return Ok(());
            };
            let Some(batch) = self.backlog.front() else {
                return Err(nonsense("the server sent a reply to nothing"));
            };
            match batch.reply.take() {
                None if self.config.replicated => batch.reply = Some(reply),
                None => self.on_reply(reply, None)?,
                Some(added) => self.on_reply(added, Some(reply))?,
            }
            if !self.backlog.is_sent()
                && let Some(message) = self.leaving.take()
            {
                self.disconnect(message);
                self.wanted = true;
            }
        }
        Ok(())
    }

    /// Deals with the reply to the batch that was sent first. `replicas` is that to WAIT, where one was asked for.
    fn on_reply(&mut self, reply: Reply, replicas: Option<Reply>) -> io::Result<()> {
        let Some(batch) = self.backlog.front() else {
            return Ok(());
        };
        let added = duplicates(&reply, batch.number, batch.jobs.len());
        let refused = match reply {
            Reply::Error(message) if is_from_redis(&message) => Some(message),
            _ if added.is_none() => return Err(nonsense("the server sent a reply to something else")),
            _ => None,
        };
        let Some(batch) = self.backlog.answered() else {
            return Ok(());
        };
        match (refused, added) {
            (Some(message), _) => self.on_refusal(batch, message),
            (None, duplicates) => {
                self.attempts = 0;
                match replicas {
                    None | Some(Reply::Integer(1..)) => {
                        self.backlog.added(batch, duplicates.unwrap_or_default())
                    }
                    Some(Reply::Error(message)) => self.backlog.unreplicated(batch, &message),
                    Some(_) => self.backlog.unreplicated(batch, "none answered in time"),
                }
            }
        }
        Ok(())
    }

    fn on_refusal(&mut self, batch: Batch, message: String) {
        match self.backlog.refused(batch, message) {
            Next::GoOn => {}
            Next::Pause(message) => {
                self.not_before = Instant::now() + NOT_NOW;
                self.trouble = message;
            }
            // The batches behind this one will be refused as well, and their refusals are worth hearing.
            Next::Leave { message, host, port } => {
                if let (Some(port), Connection::Up(link, _)) = (port, &self.connection) {
                    let same = match link.endpoint() {
                        Endpoint::Tcp(host, _) => host.clone(),
                        Endpoint::Unix(_) => "127.0.0.1".into(),
                    };
                    self.moved = Some(Endpoint::Tcp(host.unwrap_or(same), port));
                }
                self.leaving = Some(message);
            }
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

fn nonsense(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Doubles from the first pause to the longest; jitter keeps processes that lost the same server apart.
fn backoff(attempts: u32) -> Duration {
    let pause = (BACKOFF[0] * 2_u32.pow(attempts.min(10))).min(BACKOFF[1]);
    let random = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
    pause.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::core::Text;
    use crate::core::job::JobBuilder;
    use crate::queue::Settled;

    #[test]
    fn a_panic_on_the_writers_thread_leaves_no_job_unsettled_and_the_thread_goes_on() {
        let ready = |slot| {
            let text = Text::from("x");
            let job = JobBuilder::default().build("q", [&text].into_iter(), [("a", &text)].into_iter());
            Ready { slot, job, timestamp: 0, deadline: (Instant::now() + NOT_NOW).into_std() }
        };
        let (settled, outcomes) = mpsc::channel();
        let mut injected = false;
        // What is settled when it panics is settled all the same.
        let sink = Box::new(move |jobs: &mut Vec<(u32, Settled)>| {
            if !std::mem::replace(&mut injected, true) {
                panic!("injected");
            }
            jobs.drain(..).for_each(|(slot, _)| settled.send(slot).unwrap());
        });
        let config = Config::parse("redis://127.0.0.1:1").unwrap();
        let writer = Writer::start(config, Arc::default(), sink).unwrap();
        for slots in [[1, 2], [3, 4]] {
            assert!(writer.push(slots.map(ready).into()).is_ok());
            let mut seen = [outcomes.recv().unwrap(), outcomes.recv().unwrap()];
            seen.sort_unstable();
            assert_eq!(seen, slots);
        }
    }
}
