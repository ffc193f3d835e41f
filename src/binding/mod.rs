//! Between JavaScript and Rust. `lib/calls.js` is the other half: it holds the promises and calls the user's code,
//! this half holds the jobs. A call is a slot number on both sides. No rules of its own.

mod calls;
mod failure;
mod options;
mod raw;
mod read;
mod wake;
mod writers;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::*;
use napi_derive::napi;

use self::calls::Calls;
use self::failure::{Failure, InputIssue};
use self::raw::Waker;
use self::read::Reader;
use self::wake::Mailbox;
use self::writers::Target;
use crate::core::schema::Schema;
use crate::core::ticket::{self, TicketTriage};
use crate::core::{Error, Outcome};
use crate::queue::connection::tls;
use crate::queue::{Health, Settled, Share, Sink};

/// The journey of calls from one JavaScript environment to one queue.
#[napi]
pub struct Boundary {
    state: RefCell<State>,
}

struct State {
    reader: Reader,
    triage: TicketTriage,
    calls: Calls,
    mailbox: Mailbox,
    waker: Arc<Waker>,
    target: Option<Target>,
    share: Option<Share>,
    /// How often the connections that were replaced had been opened.
    connects_before: u64,
}

thread_local! {
    /// For validation alone, which needs no boundary.
    static CHECK: RefCell<Option<(Reader, TicketTriage)>> = const { RefCell::new(None) };
}

/// Everything wrong with what was read of an input; nothing when it is valid.
#[napi(catch_unwind)]
pub fn check(
    env: &Env,
    tenant_id: Unknown<'_>,
    ticket_id: Unknown<'_>,
    summary: Unknown<'_>,
) -> Result<Option<Vec<InputIssue>>> {
    CHECK.with_borrow_mut(|check| {
        let (reader, triage) = match check {
            Some(check) => check,
            None => check.insert((Reader::default(), new_triage()?)),
        };
        let (fields, caller) = reader.read(env, [tenant_id, ticket_id, summary], ().into_unknown(env)?)?;
        let error = triage.accept(&fields, caller).err();
        Ok(error.map(|error| error.as_issues().iter().map(InputIssue::from).collect()))
    })
}

/// What is wrong with an input that is no object.
#[napi(catch_unwind)]
pub fn not_an_object(input: Unknown<'_>) -> Result<Failure> {
    let kind = read::kind(&input)?;
    let issues = vec![Schema::not_an_object(kind)];
    Ok(Failure::from(&Error::InvalidInput { issues }))
}

/// The JSON Schema of the input, as JSON.
#[napi(catch_unwind)]
pub fn input_json_schema() -> String {
    ticket::JSON_SCHEMA.to_owned()
}

/// What is wrong with a PEM of authorities, called `name`, in a sentence.
#[napi(catch_unwind)]
pub fn fault_of_authorities(pem: String, name: String) -> Option<String> {
    tls::fault_of_authorities(&pem, &name)
}

fn new_triage() -> Result<TicketTriage> {
    TicketTriage::new().map_err(|error| napi::Error::from_reason(error.message()))
}

/// What `expire` found.
#[napi(object, object_from_js = false)]
pub struct Expired {
    pub slots: Vec<u32>,
    /// Milliseconds until the next deadline, when there is one.
    pub next_ms: Option<f64>,
}

/// See `PipelineStats` in `index.d.ts`.
#[napi(object, object_from_js = false)]
pub struct Stats {
    pub in_flight: u32,
    pub waiting_for_redis: u32,
    pub bytes: f64,
    pub connected: bool,
    pub connects: f64,
    pub last_problem: Option<String>,
    pub last_problem_code: Option<String>,
}

/// A server that may delete jobs, or what belongs to them.
#[napi(object, object_from_js = false)]
pub struct Eviction {
    pub server: String,
    pub policy: String,
}

#[napi]
impl Boundary {
    /// `settle` is called when `drain` has something. `resource` is the async resource of those calls; its method
    /// `hasRef` should return what `is_busy` does.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        settle: Function<'_, (), ()>,
        resource: Object<'_>,
        max_in_flight: u32,
    ) -> Result<Self> {
        let waker = Waker::new(env, settle, resource)?;
        Ok(Boundary {
            state: RefCell::new(State {
                reader: Reader::default(),
                triage: new_triage()?,
                calls: Calls::new(max_in_flight as usize),
                mailbox: Mailbox::new(waker.clone()),
                waker,
                target: None,
                share: None,
                connects_before: 0,
            }),
        })
    }

    /// Says where Redis is, or where it is from now on. The first time it connects to nothing yet.
    #[napi(catch_unwind)]
    pub fn open(&self, connection: options::Connection) -> Option<Failure> {
        let state = &mut *self.state.borrow_mut();
        let target = Target::try_from(connection);
        target.and_then(|target| state.go_to(target)).err().map(|error| Failure::from(&error))
    }

    /// Takes what was read of an input and returns the id of its job, or why there is none.
    #[napi(catch_unwind, ts_return_type = "string | Failure")]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object to hold them would cost more than the rest of the call"
    )]
    pub fn begin<'env>(
        &self,
        env: &'env Env,
        slot: u32,
        tenant_id: Unknown<'_>,
        ticket_id: Unknown<'_>,
        summary: Unknown<'_>,
        timeout_ms: u32,
        caller: Unknown<'_>,
    ) -> Result<Either<Unknown<'env>, Failure>> {
        let started = Instant::now();
        let state = &mut *self.state.borrow_mut();
        if let Err(error) = state.calls.admit() {
            return Ok(Either::B(Failure::from(&error)));
        }
        let (fields, caller) = state.reader.read(env, [tenant_id, ticket_id, summary], caller)?;
        let job = match state.triage.accept(&fields, caller) {
            Ok(job) => job,
            Err(error) => return Ok(Either::B(Failure::from(&error))),
        };
        if state.share.is_none()
            && let Err(error) = state.join_writer()
        {
            return Ok(Either::B(Failure::from(&error)));
        }
        let id = raw::string(env, job.id())?;
        state.calls.accept(slot, job, started, timeout_ms);
        Ok(Either::A(id))
    }

    /// The records of the first `count` of these calls are made: sends their jobs.
    #[napi(catch_unwind)]
    pub fn commit(&self, env: &Env, slots: Uint32ArraySlice<'_>, count: u32) -> Result<()> {
        let state = &mut *self.state.borrow_mut();
        let now = Instant::now();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let idle = state.calls.sent() == 0;
        let mut ready = Vec::with_capacity(count as usize);
        let mut failed = Vec::new();
        for &slot in slots.iter().take(count as usize) {
            match state.calls.send(slot, now, timestamp) {
                Ok(job) => ready.extend(job),
                Err(error) => failed.push((slot, Settled::Failed(error))),
            }
        }
        if idle && state.calls.sent() > 0 {
            state.waker.hold_process(env, true)?;
        }
        let unsent = match &state.share {
            Some(share) => share.push(ready).err().unwrap_or_default(),
            None => ready,
        };
        failed.extend(unsent.into_iter().map(|ready| {
            let error = Error::Internal { outcome: Outcome::Unknown, detail: "the writer is gone".into() };
            (ready.slot, Settled::Failed(error))
        }));
        if !failed.is_empty() {
            state.mailbox.post(&mut failed);
        }
        Ok(())
    }

    /// The call ended in the caller's own code: its job is dropped.
    #[napi(catch_unwind)]
    pub fn abandon(&self, slot: u32) {
        self.state.borrow_mut().calls.abandon(slot);
    }

    /// As `abandon`, because `authorize` did not say `true`.
    #[napi(catch_unwind)]
    pub fn forbid(&self, slot: u32) -> Failure {
        self.abandon(slot);
        Failure::from(&Error::Forbidden)
    }

    /// As `abandon`, for a call that `expire` named. `authorizing` says whose fault it was.
    #[napi(catch_unwind)]
    pub fn late(&self, slot: u32, authorizing: bool) -> Failure {
        let timeout_ms = self.state.borrow_mut().calls.abandon(slot);
        Failure::from(&if authorizing {
            Error::AuthorizeTimeout { timeout_ms }
        } else {
            Error::StorageTimeout { timeout_ms }
        })
    }

    /// Finds calls whose deadline passed in the caller's own code, up to `most` of them.
    #[napi(catch_unwind)]
    pub fn expire(&self, most: u32) -> Expired {
        let (slots, next) = self.state.borrow_mut().calls.expire(Instant::now(), most as usize);
        Expired { slots, next_ms: next.map(|next| next.as_secs_f64() * 1000.0) }
    }

    /// Writes up to `most` pairs of slot and status (0 added, 1 duplicate, 2 failed) and returns how many.
    #[napi(catch_unwind)]
    pub fn drain(&self, env: &Env, mut results: Uint32ArraySlice<'_>, most: u32) -> Result<u32> {
        let state = &mut *self.state.borrow_mut();
        let pairs = raw::pairs(&mut results);
        let settled = state.mailbox.fetch(pairs.len().min(most as usize));
        let count = settled.len() as u32;
        for (pair, (slot, settled)) in pairs.iter_mut().zip(settled) {
            *pair = [slot, state.calls.settle(slot, settled) as u32];
        }
        if count > 0 && state.calls.sent() == 0 {
            state.waker.hold_process(env, false)?;
        }
        Ok(count)
    }

    /// What an operator may want to know.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Stats {
        let state = self.state.borrow();
        let health = state.share.as_ref().map(Share::health);
        let trouble = health.and_then(Health::trouble);
        Stats {
            in_flight: state.calls.held() as u32,
            waiting_for_redis: state.calls.sent() as u32,
            bytes: state.calls.bytes() as f64,
            connected: health.is_some_and(Health::is_up),
            connects: (state.connects_before + health.map_or(0, Health::connects)) as f64,
            last_problem: trouble.as_ref().map(|trouble| trouble.text.clone()),
            last_problem_code: trouble.and_then(|trouble| trouble.code).map(Into::into),
        }
    }

    /// The server and its `maxmemory-policy`, if that may delete what it was given; once for each link that was made.
    #[napi(catch_unwind)]
    pub fn eviction(&self) -> Option<Eviction> {
        let found = self.state.borrow().share.as_ref()?.health().take_eviction()?;
        Some(Eviction { server: found.text, policy: found.code.unwrap_or_default().into() })
    }

    /// Lets go of the writer, which finishes what it has, and of JavaScript. Nothing may be begun afterwards.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let state = &mut *self.state.borrow_mut();
        state.share = None;
        state.waker.release();
    }

    /// Whether a call waits for Redis, which holds the process open.
    #[napi(catch_unwind)]
    pub fn is_busy(&self) -> bool {
        self.state.borrow().calls.sent() > 0
    }

    /// Why a call that `drain` reported as failed did so.
    #[napi(catch_unwind)]
    pub fn failure(&self, slot: u32) -> Failure {
        Failure::from(&self.state.borrow_mut().calls.failure(slot))
    }
}

impl State {
    fn join_writer(&mut self) -> std::result::Result<(), Error> {
        let target = self.target.as_ref().ok_or_else(|| internal("not opened"))?;
        let writer = target.writer().map_err(internal)?;
        self.share = Some(Share::join(writer, target.prefix(), self.sink()));
        Ok(())
    }

    /// From now on jobs go there. With no connection yet, none is opened.
    fn go_to(&mut self, target: Target) -> std::result::Result<(), Error> {
        let sink = self.sink();
        if let Some(share) = &mut self.share {
            let writer = target.writer().map_err(internal)?;
            if !share.is_of(&writer) {
                self.connects_before += share.health().connects();
                share.move_to(writer, target.prefix(), sink);
            }
        }
        self.target = Some(target);
        Ok(())
    }

    fn sink(&self) -> Sink {
        let mailbox = self.mailbox.clone();
        Box::new(move |settled: &mut Vec<_>| mailbox.post(settled))
    }
}

fn internal(detail: impl std::fmt::Display) -> Error {
    Error::Internal { outcome: Outcome::Refused, detail: detail.to_string().into() }
}
