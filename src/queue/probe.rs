//! Finds out whether jobs would get there: our own link, opened as a writer opens one, and questions over it.

use std::io;

use tokio::time::{Instant, timeout_at};

use super::connection::config::{Config, Endpoint, Place};
use super::connection::link::Link;
use super::connection::place;
use super::connection::resp::{Reply, push_command};
use super::connection::trouble;
use super::refusal::{self, Refusal};
use super::scripts::{RIGHTS, look_at_jobs};
use super::{Destination, Look, Reuse};
use crate::core::Detail;

/// How often nodes of a cluster may send us on to each other.
const MOST_MOVES: usize = 5;
/// What a job would be called that is looked for. No queue has one.
const NO_JOB: &str = "enqueue-boundary:doctor:none";

/// A link, and what it takes to put its troubles in words.
pub struct Probe {
    link: Link,
    password: String,
}

impl Probe {
    /// Opens a link to where jobs of this queue would be sent, within the time that there is.
    pub async fn open(config: &Config, key: &str, until: Instant) -> io::Result<Probe> {
        let nodes = match &config.place {
            Place::Cluster(nodes) => nodes.len().max(1),
            _ => 1,
        };
        let mut failure = trouble::say("ENOTFOUND", "no server is given");
        for attempt in 0..nodes {
            // A dead node must not take the time of those behind it.
            let share = (until - Instant::now()) / (nodes - attempt) as u32;
            match Probe::open_at(config, attempt, key, Instant::now() + share).await {
                Ok(probe) => return Ok(probe),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn open_at(config: &Config, attempt: usize, key: &str, until: Instant) -> io::Result<Probe> {
        let password = config.login.password.clone().unwrap_or_default();
        let mut moved = None;
        for _ in 0..MOST_MOVES {
            let link = place::connect(config, attempt, moved.take(), until).await?.link;
            let mut probe = Probe { link, password: password.clone() };
            let asked: &[&[u8]] = &[b"EVAL", b"return 1", b"1", key.as_bytes()];
            let Reply::Error(message) = probe.ask(asked, until).await? else {
                return Ok(probe);
            };
            match refusal::judge(&message, &Detail::default()) {
                Refusal::Moved(host, port) => {
                    let same = match probe.link.endpoint() {
                        Endpoint::Tcp(host, _) => host.clone(),
                        Endpoint::Unix(_) => "127.0.0.1".into(),
                    };
                    moved = Some(Endpoint::Tcp(host.unwrap_or(same), port));
                }
                // Whatever else it says is for its own check to find.
                _ => return Ok(probe),
            }
        }
        Err(trouble::say("MOVED", "the nodes of the cluster send us on to each other without end"))
    }

    /// The server at the other end.
    pub fn server(&self) -> String {
        self.link.endpoint().to_string()
    }

    pub fn certificates_end(&self) -> Option<u64> {
        self.link.certificates_end()
    }

    /// Sends one command. An error reply is a reply.
    pub async fn ask(&mut self, words: &[&[u8]], until: Instant) -> io::Result<Reply> {
        push_command(words, self.link.out());
        self.answer(until).await
    }

    /// Runs a script of ours on a queue that finds no job there. `whole` sends the script itself.
    pub async fn look(
        &mut self,
        prefix: &str,
        queue: &str,
        whole: bool,
        until: Instant,
    ) -> io::Result<Reply> {
        let destination = Destination {
            prefix: prefix.to_owned(),
            queue: queue.to_owned(),
            job_name: String::new(),
            options: String::new(),
            reuse: Reuse::Never,
            max_events: None,
        };
        let look = Look { at: 0, ids: vec![NO_JOB.to_owned()] };
        look_at_jobs::Script::new(&destination).push_call(whole, 1, &[&look], self.link.out());
        self.answer(until).await
    }

    /// Asks which of these commands our user may run inside a script, as `ask_for_rights.lua` does. Each has its key first.
    pub async fn rights(
        &mut self,
        keys: &[String],
        commands: &[Vec<String>],
        until: Instant,
    ) -> io::Result<Reply> {
        let count = keys.len().to_string();
        let mut words: Vec<&[u8]> = vec![b"EVAL", RIGHTS.as_bytes(), count.as_bytes()];
        words.extend(keys.iter().map(String::as_bytes));
        let lengths: Vec<_> = commands.iter().map(|command| command.len().to_string()).collect();
        for (length, command) in lengths.iter().zip(commands) {
            words.push(length.as_bytes());
            words.extend(command.iter().map(String::as_bytes));
        }
        self.ask(&words, until).await
    }

    async fn answer(&mut self, until: Instant) -> io::Result<Reply> {
        let answered = timeout_at(until, self.link.reply()).await;
        let answered = answered.unwrap_or_else(|_| Err(trouble::say("ETIMEDOUT", "no answer came in time")));
        let told = |detail: Detail| detail.without(&self.password);
        match answered {
            Ok(Reply::Error(message)) => Ok(Reply::Error(told(message.into()).text)),
            Ok(reply) => Ok(reply),
            Err(error) => Err(trouble::tell(told(trouble::read(error)).at(self.link.endpoint()))),
        }
    }
}
