//! What the server's replies mean for the jobs that they answer.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use super::connecting::Connection;
use crate::core::Detail;
use crate::queue::backlog::{Batch, Next};
use crate::queue::connection::config::Endpoint;
use crate::queue::connection::resp::Reply;
use crate::queue::connection::trouble;
use crate::queue::refusal::{is_from_redis, said};
use crate::queue::scripts::Answers;

/// The pause before a server that said "not now" is asked again.
const NOT_NOW: Duration = Duration::from_millis(50);

impl State {
    pub(super) fn read_replies(&mut self) -> io::Result<()> {
        while let Connection::Up(standing) = &mut self.connection {
            let link = &mut standing.link;
            let before = link.answered();
            let Some(reply) = link.next_reply()? else {
                // Not even the beginning of an answer is due when nothing was asked.
                return if link.is_amid_reply() && !self.backlog.is_sent() {
                    Err(nonsense("the server sent a reply to nothing"))
                } else {
                    Ok(())
                };
            };
            let heard = link.answered();
            let Some(batch) = self.backlog.front() else {
                return Err(nonsense("the server sent a reply to nothing"));
            };
            let since = batch.sent_at.max(before);
            match batch.reply.take() {
                None if self.config.replicated && batch.kind.is_confirmed() => batch.reply = Some(reply),
                None => self.on_reply(reply, None)?,
                Some(ran) => self.on_reply(ran, Some(reply))?,
            }
            self.trust(heard - since);
            if !self.backlog.is_sent()
                && let Some(why) = self.leaving.take()
            {
                self.disconnect(why);
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
        let answers = Answers::read(&reply, batch);
        let refused = match reply {
            Reply::Error(message) if is_from_redis(&message) => Some(message),
            _ if answers.is_none() => return Err(nonsense("the server sent a reply to something else")),
            _ => None,
        };
        if !matches!(replicas, None | Some(Reply::Integer(_) | Reply::Error(_))) {
            return Err(nonsense("the server sent a reply to something else"));
        }
        let Some(batch) = self.backlog.answered() else {
            return Ok(());
        };
        match (refused, answers) {
            (Some(message), _) => self.on_refusal(batch, message),
            (None, Some(answers)) => {
                self.attempts = 0;
                match replicas {
                    None | Some(Reply::Integer(1..)) => self.backlog.ran(batch, answers),
                    Some(Reply::Error(message)) => self.on_unreplicated(batch, &message),
                    Some(_) => self.on_unreplicated(batch, "none answered in time"),
                }
            }
            // It was found out above that there is one or the other.
            (None, None) => {}
        }
        Ok(())
    }

    /// `why` is the server's own word.
    fn on_unreplicated(&mut self, batch: Batch, why: &str) {
        let text = format!("the primary has the job, no replica has confirmed it: {why}");
        let detail = self.connection.at(Detail::new("ETIMEDOUT", text));
        self.backlog.unreplicated(batch, &detail);
    }

    fn on_refusal(&mut self, batch: Batch, message: String) {
        let why = match &self.connection {
            Connection::Up(standing) => said(&message, standing.link.endpoint()),
            _ => said(&message, &self.config.place),
        };
        match self.backlog.refused(batch, &message, why) {
            Next::GoOn => {}
            Next::Pause(why) => {
                self.not_before = Instant::now() + NOT_NOW;
                self.trouble = why;
            }
            // Where the next link goes is settled by the first of several refusals.
            Next::Leave { .. } if self.leaving.is_some() => {}
            // The batches behind this one will be refused as well, and their refusals are worth hearing.
            Next::Leave { why, host, port } => {
                if let (Some(port), Connection::Up(standing)) = (port, &self.connection) {
                    let same = match standing.link.endpoint() {
                        Endpoint::Tcp(host, _) => host.clone(),
                        Endpoint::Unix(_) => "127.0.0.1".into(),
                    };
                    self.moved = Some(Endpoint::Tcp(host.unwrap_or(same), port));
                }
                self.leaving = Some(why);
            }
        }
    }
}

fn nonsense(message: &str) -> io::Error {
    trouble::say("EPROTO", message)
}
