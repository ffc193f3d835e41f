//! The group-commit writer: one thread with one connection, which sends ready jobs in batches and says what became of
//! each. While batches are on their way the next one gathers, so that a lone job never waits and many share a script.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::address::Address;
use super::link::Link;
use super::refusal::{Refusal, judge};
use super::resp::Reply;
use super::script::{Script, duplicates};
use crate::core::{Error, Job, Outcome};

/// Jobs a script may add: at 5 µs each it blocks Redis for well under a millisecond.
const MAX_BATCH: usize = 128;
/// Bytes a batch may have, unless one job alone is longer.
const MAX_BATCH_BYTES: usize = 256 * 1024;
/// Batches on their way at once: while Redis runs one, the next is on the wire and the last is being read.
const MAX_SENT: usize = 4;
/// With batches on their way, fewer jobs than this wait for company.
const WORTH_SENDING: usize = 16;
/// Hand-overs that are taken at once, before replies are looked at again.
const MAX_ARRIVALS: usize = 64;
/// The first and the longest pause between attempts to connect, before jitter.
const BACKOFF: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];
/// The pause before a server that said "not now" is asked again.
const NOT_NOW: Duration = Duration::from_millis(50);
/// Deadlines closer together than this are dealt with at once, so that a long queue is not swept for each of its jobs.
const SWEEP: Duration = Duration::from_millis(10);

/// A job whose record is made.
pub struct Ready {
    /// The number its caller knows it by.
    pub slot: u32,
    pub job: Job,
    /// Milliseconds since 1970: the job's `timestamp`.
    pub timestamp: u64,
    /// When its caller gets an answer, whatever it is.
    pub deadline: std::time::Instant,
}

/// What became of a job.
#[derive(Debug)]
pub enum Settled {
    Added,
    /// A job with its id was there already.
    Duplicate,
    Failed(Error),
}

/// Takes what became of a number of jobs and leaves the vector empty. Called on the writer's thread.
pub type Sink = Box<dyn FnMut(&mut Vec<(u32, Settled)>) + Send>;

/// The sending end. When it is dropped, the writer finishes what it has and ends.
pub struct Writer(UnboundedSender<Vec<Ready>>);

impl Writer {
    /// Starts the thread, which begins to connect. Fails when the system has no thread to give.
    pub fn start(address: Address, prefix: &str, sink: Sink) -> io::Result<Writer> {
        let (sender, inbox) = unbounded_channel();
        let mut state = State {
            address,
            script: Script::new(prefix),
            sink,
            inbox,
            open: true,
            waiting: VecDeque::new(),
            returned: Vec::new(),
            sent: VecDeque::new(),
            connection: Connection::Down {
                retry_at: Instant::now(),
            },
            wanted: true,
            attempts: 0,
            not_before: Instant::now(),
            next_deadline: None,
            loads: 0,
            load_next: false,
            trouble: String::new(),
            settled: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("enqueue-boundary".into())
            .spawn(move || {
                // A defect here must not leave callers without an answer: what is in hand fails, and the thread goes on.
                while catch_unwind(AssertUnwindSafe(|| runtime.block_on(state.run()))).is_err() {
                    state.fail_everything();
                }
            })?;
        Ok(Writer(sender))
    }

    /// Hands over jobs. Gives them back when the writer has ended, which it only does with the process.
    pub fn push(&self, ready: Vec<Ready>) -> Result<(), Vec<Ready>> {
        self.0.send(ready).map_err(|error| error.0)
    }
}

/// What is certain about a job that has no answer yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    NotSent,
    Refused,
    /// It went out once and the link broke before the answer.
    Unknown,
}

struct Pending {
    ready: Ready,
    deadline: Instant,
    fate: Fate,
    /// Its caller has an answer; it is only here because its batch is still on its way.
    settled: bool,
}

struct Batch {
    jobs: Vec<Pending>,
    /// Where its last byte stands on the link.
    end: u64,
    /// How often the script had been loaded when this was sent.
    loads: u64,
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Link>> + Send>>;

enum Connection {
    Down { retry_at: Instant },
    Connecting(Connecting),
    Up(Link),
}

enum Event {
    Connected(io::Result<Link>),
    Received(io::Result<()>),
}

impl Connection {
    async fn turn(&mut self) -> Event {
        match self {
            Connection::Down { .. } => pending().await,
            Connection::Connecting(attempt) => Event::Connected(attempt.await),
            Connection::Up(link) => Event::Received(link.turn().await),
        }
    }
}

struct State {
    address: Address,
    script: Script,
    sink: Sink,
    inbox: UnboundedReceiver<Vec<Ready>>,
    open: bool,
    waiting: VecDeque<Pending>,
    /// Jobs that came back unanswered or refused, in order: they go out again before those that wait.
    returned: Vec<Pending>,
    sent: VecDeque<Batch>,
    connection: Connection,
    /// A link is wanted although no job waits for it: at the start, so that it stands when the first record is made.
    wanted: bool,
    attempts: u32,
    not_before: Instant,
    next_deadline: Option<Instant>,
    loads: u64,
    load_next: bool,
    /// What stood in the way last, for the operator.
    trouble: String,
    settled: Vec<(u32, Settled)>,
}

impl State {
    async fn run(&mut self) {
        let mut arrived = Vec::new();
        let mut timer = pin!(sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            for job in self.returned.drain(..).rev() {
                self.waiting.push_front(job);
            }
            self.expire(now);
            self.connect(now);
            self.dispatch(now);
            self.report();
            if !self.open && self.waiting.is_empty() && self.sent.is_empty() {
                return;
            }
            let alarm = self.alarm();
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
                    self.take(&mut arrived);
                }
                () = timer.as_mut(), if alarm.is_some() => {}
            }
        }
    }

    fn take(&mut self, arrived: &mut Vec<Vec<Ready>>) {
        for ready in arrived.drain(..).flatten() {
            let deadline = Instant::from_std(ready.deadline);
            self.watch(deadline);
            self.waiting.push_back(Pending {
                ready,
                deadline,
                fate: Fate::NotSent,
                settled: false,
            });
        }
    }

    /// When something must happen although nothing arrives.
    fn alarm(&self) -> Option<Instant> {
        let connect = match self.connection {
            Connection::Down { retry_at } if !self.waiting.is_empty() || self.wanted => Some(retry_at),
            Connection::Up(_) if !self.waiting.is_empty() && self.not_before > Instant::now() => {
                Some(self.not_before)
            }
            _ => None,
        };
        connect.into_iter().chain(self.next_deadline).min()
    }

    // --- connecting -------------------------------------------------------------------------------------------------

    fn connect(&mut self, now: Instant) {
        if let Connection::Down { retry_at } = self.connection
            && retry_at <= now
            && (self.wanted || !self.waiting.is_empty())
        {
            let address = self.address.clone();
            self.connection = Connection::Connecting(Box::pin(async move { Link::connect(&address).await }));
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected(Ok(link)) => {
                self.attempts = 0;
                self.wanted = false;
                self.connection = Connection::Up(link);
            }
            Event::Connected(Err(error)) => self.disconnect(error.to_string()),
            Event::Received(Ok(())) => {
                if let Err(error) = self.read_replies() {
                    self.disconnect(error.to_string());
                }
            }
            Event::Received(Err(error)) => self.disconnect(error.to_string()),
        }
    }

    /// Gives up the link. Jobs on their way come back, and their ids make sending them again safe.
    fn disconnect(&mut self, trouble: String) {
        let written = match &self.connection {
            Connection::Up(link) => link.written(),
            _ => 0,
        };
        while let Some(batch) = self.sent.pop_front() {
            // Of a call that did not go out whole, the server runs nothing.
            self.put_back(batch.jobs, (batch.end <= written).then_some(Fate::Unknown));
        }
        self.trouble = trouble;
        self.wanted = false;
        self.connection = Connection::Down {
            retry_at: Instant::now() + backoff(self.attempts),
        };
        self.attempts += 1;
    }

    fn put_back(&mut self, jobs: Vec<Pending>, fate: Option<Fate>) {
        self.returned
            .extend(jobs.into_iter().filter(|job| !job.settled).map(|mut job| {
                // What is unknown once stays so, whatever a later attempt says.
                if job.fate != Fate::Unknown {
                    job.fate = fate.unwrap_or(job.fate);
                }
                job
            }));
    }

    // --- sending ----------------------------------------------------------------------------------------------------

    fn dispatch(&mut self, now: Instant) {
        let Connection::Up(link) = &mut self.connection else {
            return;
        };
        while !self.waiting.is_empty() && self.sent.len() < MAX_SENT && self.not_before <= now {
            if !self.sent.is_empty() && self.waiting.len() < WORTH_SENDING {
                return;
            }
            let share = self.waiting.len().div_ceil(MAX_SENT - self.sent.len());
            let count = fitting(&self.waiting, share.clamp(WORTH_SENDING, MAX_BATCH));
            let jobs: Vec<_> = self.waiting.drain(..count).collect();
            let whole = std::mem::take(&mut self.load_next);
            self.loads += u64::from(whole);
            let calls = jobs.iter().map(|job| (&job.ready.job, job.ready.timestamp));
            self.script.push_call(whole, calls, link.out());
            self.sent.push_back(Batch {
                jobs,
                end: link.appended(),
                loads: self.loads,
            });
        }
    }

    // --- answers ----------------------------------------------------------------------------------------------------

    fn read_replies(&mut self) -> io::Result<()> {
        while let Connection::Up(link) = &mut self.connection {
            let Some(reply) = link.next_reply()? else {
                return Ok(());
            };
            let Some(batch) = self.sent.pop_front() else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the server sent a reply to nothing",
                ));
            };
            self.on_reply(batch, reply)?;
        }
        Ok(())
    }

    fn on_reply(&mut self, batch: Batch, reply: Reply) -> io::Result<()> {
        if let Reply::Error(message) = reply {
            self.on_refusal(batch, message);
            return Ok(());
        }
        let Some(duplicates) = duplicates(&reply, batch.jobs.len()) else {
            let error = io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sent a reply that is not the script's",
            );
            // Whatever it was, these jobs went out.
            self.put_back(batch.jobs, Some(Fate::Unknown));
            return Err(error);
        };
        let mut duplicates = duplicates.into_iter().peekable();
        for (position, job) in batch.jobs.into_iter().enumerate() {
            let duplicate = duplicates.next_if_eq(&position).is_some();
            if !job.settled {
                let settled = if duplicate {
                    Settled::Duplicate
                } else {
                    Settled::Added
                };
                self.settled.push((job.ready.slot, settled));
            }
        }
        Ok(())
    }

    fn on_refusal(&mut self, batch: Batch, message: String) {
        match judge(&message) {
            Refusal::NoScript => {
                // Several batches find the script missing at once; the first has it loaded for all.
                self.load_next |= batch.loads == self.loads;
                self.put_back(batch.jobs, None);
            }
            Refusal::NotNow => {
                self.not_before = Instant::now() + NOT_NOW;
                self.trouble = message;
                self.put_back(batch.jobs, Some(Fate::Refused));
            }
            Refusal::NotHere => {
                self.put_back(batch.jobs, Some(Fate::Refused));
                self.disconnect(message);
            }
            Refusal::Never(error) => {
                for job in batch.jobs.into_iter().filter(|job| !job.settled) {
                    let error = match job.fate {
                        Fate::Unknown => Error::OutcomeUnknown {
                            detail: message.clone(),
                        },
                        _ => error.clone(),
                    };
                    self.settled.push((job.ready.slot, Settled::Failed(error)));
                }
            }
        }
    }

    // --- deadlines --------------------------------------------------------------------------------------------------

    fn watch(&mut self, deadline: Instant) {
        self.next_deadline = Some(self.next_deadline.map_or(deadline, |next| next.min(deadline)));
    }

    /// Settles every job whose deadline has passed. One that is still here is never sent.
    fn expire(&mut self, now: Instant) {
        if self.next_deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let Self {
            waiting,
            sent,
            settled,
            trouble,
            ..
        } = self;
        waiting.retain(|job| {
            let alive = job.deadline > now;
            if !alive {
                settled.push((job.ready.slot, Settled::Failed(expired(job.fate, trouble))));
            }
            alive
        });
        for job in sent.iter_mut().flat_map(|batch| &mut batch.jobs) {
            if job.deadline <= now && !job.settled {
                job.settled = true;
                settled.push((
                    job.ready.slot,
                    Settled::Failed(expired(Fate::Unknown, "no answer came in time")),
                ));
            }
        }
        let unsettled = sent
            .iter()
            .flat_map(|batch| &batch.jobs)
            .filter(|job| !job.settled);
        let earliest = waiting.iter().chain(unsettled).map(|job| job.deadline).min();
        self.next_deadline = earliest.map(|deadline| deadline.max(now + SWEEP));
        // A server that let a whole batch run out of time may be gone without a word: the link is not trusted again.
        if self
            .sent
            .front()
            .is_some_and(|batch| batch.jobs.iter().all(|job| job.settled))
        {
            self.disconnect("no answer came in time".into());
        }
    }

    fn report(&mut self) {
        if !self.settled.is_empty() {
            (self.sink)(&mut self.settled);
        }
    }

    fn fail_everything(&mut self) {
        self.connection = Connection::Down {
            retry_at: Instant::now(),
        };
        while let Ok(ready) = self.inbox.try_recv() {
            self.take(&mut vec![ready]);
        }
        let sent = self.sent.drain(..).flat_map(|batch| batch.jobs);
        let waiting = self.returned.drain(..).chain(self.waiting.drain(..));
        for job in sent.chain(waiting).filter(|job| !job.settled) {
            let error = Error::Internal {
                detail: "the writer panicked".into(),
            };
            self.settled.push((job.ready.slot, Settled::Failed(error)));
        }
        self.next_deadline = None;
        self.report();
    }
}

/// How many of the first `most` jobs fit into a batch: at least one.
fn fitting(waiting: &VecDeque<Pending>, most: usize) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take(most).take_while(|job| {
        bytes += job.ready.job.size();
        bytes <= MAX_BATCH_BYTES
    });
    fits.count().max(1)
}

fn expired(fate: Fate, trouble: &str) -> Error {
    let detail = trouble.to_owned();
    match fate {
        Fate::NotSent => Error::QueueUnavailable {
            outcome: Outcome::NotSent,
            detail,
        },
        Fate::Refused => Error::QueueUnavailable {
            outcome: Outcome::Refused,
            detail,
        },
        Fate::Unknown => Error::OutcomeUnknown { detail },
    }
}

/// Doubles from the first pause to the longest; jitter keeps processes that lost the same server apart.
fn backoff(attempts: u32) -> Duration {
    let pause = (BACKOFF[0] * 2_u32.pow(attempts.min(10))).min(BACKOFF[1]);
    let random = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
    pause.mul_f64(0.5 + random / 2.0)
}
