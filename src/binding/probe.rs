//! The link of `lib/doctor/`: opens one as a writer does, and sends what it is given. Each question is a promise, asked on a
//! thread of Node's pool, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::*;
use napi_derive::napi;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::options::Connection;
use crate::core::Detail;
use crate::queue::connection::resp::Reply;
use crate::queue::connection::{Config, trouble};
use crate::queue::probe;

/// One connection to one server. Whatever a method resolves to is JSON: `{ failure }` with a code and a text where there was
/// no answer, else what the method says.
#[napi]
pub struct Probe {
    connection: Connection,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    runtime: Runtime,
    probe: probe::Probe,
}

enum Question {
    Open { connection: Box<Connection>, key: String },
    Ask(Vec<String>),
    Look { prefix: String, queue: String, whole: bool },
    Rights { keys: Vec<String>, commands: Vec<Vec<String>> },
}

/// A question on its way.
pub struct Asking {
    question: Question,
    timeout: Duration,
    open: Arc<Mutex<Option<Open>>>,
}

#[napi]
impl Probe {
    #[napi(constructor, catch_unwind)]
    pub fn new(connection: Connection) -> Self {
        Probe { connection, open: Arc::default() }
    }

    /// Connects to where jobs with this key would be sent. `{ server, certificatesEnd }`, the latter in seconds since 1970
    /// where there is TLS, or `{ wrong }` where the options do not go together.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn open(&self, key: String, timeout_ms: u32) -> AsyncTask<Asking> {
        self.asking(Question::Open { connection: Box::new(self.connection.clone()), key }, timeout_ms)
    }

    /// Sends one command: `{ reply, at, took }`. An error reply is `{ error }`; `at` is when it was sent, in milliseconds
    /// since 1970, and `took` how many of them passed until the answer.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn ask(&self, words: Vec<String>, timeout_ms: u32) -> AsyncTask<Asking> {
        self.asking(Question::Ask(words), timeout_ms)
    }

    /// Has a script of ours look for a job that is not there, as `ask`. `whole` sends the script itself.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn look(&self, prefix: String, queue: String, whole: bool, timeout_ms: u32) -> AsyncTask<Asking> {
        self.asking(Question::Look { prefix, queue, whole }, timeout_ms)
    }

    /// Asks what our user may do, as `ask`. Commands are as in `ask_for_rights.lua`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn rights(
        &self,
        keys: Vec<String>,
        commands: Vec<Vec<String>>,
        timeout_ms: u32,
    ) -> AsyncTask<Asking> {
        self.asking(Question::Rights { keys, commands }, timeout_ms)
    }

    /// Hangs up.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn asking(&self, question: Question, timeout_ms: u32) -> AsyncTask<Asking> {
        let timeout = Duration::from_millis(timeout_ms.into());
        AsyncTask::new(Asking { question, timeout, open: Arc::clone(&self.open) })
    }
}

impl Task for Asking {
    type Output = Value;
    type JsValue = String;

    fn compute(&mut self) -> Result<Value> {
        // What panics here would end the process.
        Ok(catch_unwind(AssertUnwindSafe(|| self.ask())).unwrap_or_else(|_| {
            failure(Detail::new("INTERNAL", "the question came to a defect of enqueue-boundary"))
        }))
    }

    fn resolve(&mut self, _: Env, output: Value) -> Result<String> {
        Ok(output.to_string())
    }
}

impl Asking {
    fn ask(&self) -> Value {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + self.timeout;
        if let Question::Open { connection, key } = &self.question {
            let config = match Config::try_from(Connection::clone(connection)) {
                Ok(config) => config,
                Err(error) => {
                    let detail = error.detail().map(|detail| detail.text.clone());
                    return json!({ "wrong": { "message": error.message(), "detail": detail } });
                }
            };
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return failure(trouble::read(error)),
            };
            return match runtime.block_on(probe::Probe::open(&config, key, until)) {
                Err(error) => failure(trouble::read(error)),
                Ok(probe) => {
                    let told =
                        json!({ "server": probe.server(), "certificatesEnd": probe.certificates_end() });
                    *open = Some(Open { runtime, probe });
                    told
                }
            };
        }
        let Some(Open { runtime, probe }) = open.as_mut() else {
            return failure(Detail::new("ENOTCONN", "the connection is closed"));
        };
        let (at, started) = (SystemTime::now(), Instant::now());
        let answered = runtime.block_on(async {
            match &self.question {
                Question::Ask(words) => {
                    let words: Vec<_> = words.iter().map(String::as_bytes).collect();
                    probe.ask(&words, until).await
                }
                Question::Look { prefix, queue, whole } => probe.look(prefix, queue, *whole, until).await,
                Question::Rights { keys, commands } => probe.rights(keys, commands, until).await,
                Question::Open { .. } => Ok(Reply::Nil),
            }
        });
        let took = started.elapsed().as_secs_f64() * 1e3;
        match answered {
            Ok(reply) => {
                let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3;
                json!({ "reply": value(reply), "at": at, "took": took })
            }
            // Of what comes later nobody knows which question it answers.
            Err(error) => {
                *open = None;
                failure(trouble::read(error))
            }
        }
    }
}

fn failure(Detail { code, text }: Detail) -> Value {
    json!({ "failure": { "code": code, "text": text } })
}

fn value(reply: Reply) -> Value {
    match reply {
        Reply::Text(text) => Value::from(text),
        Reply::Error(message) => json!({ "error": message }),
        Reply::Integer(number) => Value::from(number),
        Reply::Bulk(bytes) => Value::from(String::from_utf8_lossy(&bytes)),
        Reply::Nil => Value::Null,
        Reply::Array(items) => items.into_iter().map(value).collect(),
    }
}
