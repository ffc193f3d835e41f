//! One connection: bytes out, replies in, in order. It never reconnects and never waits for an answer by itself; the
//! writer does both. It knows how much was written, which is what tells "not sent" from "unknown".

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use super::config::{Endpoint, Login, Tls};
use super::resp::{self, Reply, Scanner};
use super::socket::{self, Socket};
use super::trouble;

/// How long a reply may take where nobody's time depends on it.
pub const STEP: Duration = Duration::from_secs(1);

/// Who comes, and for how long it waits to be let in.
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    pub tls: Option<&'a Tls>,
    pub login: &'a Login,
    /// What the server lists the connection as.
    pub name: &'a str,
    pub until: Instant,
}

pub struct Link {
    socket: Box<dyn Socket>,
    secure: bool,
    endpoint: Endpoint,
    out: Vec<u8>,
    /// How much of `out` the kernel has taken.
    out_at: usize,
    /// How many bytes the kernel has taken since the link stands, `out` included.
    written: u64,
    flushing: bool,
    /// How many it may have taken at most. In a write of TLS that fails, records may have gone before the one that did not.
    offered: u64,
    input: Vec<u8>,
    input_at: usize,
    scanner: Scanner,
    chunk: Box<[u8]>,
    answered: Instant,
    heard: Instant,
    /// Whether the kernel had no room left when it had taken so much, in TLS records of it.
    full: bool,
    taken: u64,
}

impl Link {
    /// Connects and makes itself known to the server; `questions` are more commands, whose replies are returned. All go out
    /// at once, so that a distant server costs one round trip. What fails says which server it was.
    pub async fn open(
        endpoint: &Endpoint,
        visitor: &Visitor<'_>,
        database: u32,
        questions: &[&[&[u8]]],
    ) -> io::Result<(Link, Vec<Reply>)> {
        let opening = Link::open_unnamed(endpoint, visitor, database, questions);
        let opened = timeout_at(visitor.until, opening).await.unwrap_or_else(|_| Err(no_answer()));
        opened.map_err(|error| {
            let detail = trouble::read(error).without(visitor.login.password.as_deref().unwrap_or_default());
            trouble::tell(detail.at(endpoint))
        })
    }

    fn over(socket: Box<dyn Socket>, endpoint: Endpoint, secure: bool) -> Link {
        Link {
            socket,
            secure,
            endpoint,
            out: Vec::new(),
            out_at: 0,
            written: 0,
            flushing: false,
            offered: 0,
            input: Vec::new(),
            input_at: 0,
            scanner: Scanner::default(),
            chunk: vec![0; 16 * 1024].into(),
            answered: Instant::now(),
            heard: Instant::now(),
            full: false,
            taken: 0,
        }
    }

    async fn open_unnamed(
        endpoint: &Endpoint,
        &Visitor { tls, login, name, .. }: &Visitor<'_>,
        database: u32,
        questions: &[&[&[u8]]],
    ) -> io::Result<(Link, Vec<Reply>)> {
        let mut link = Link::over(socket::open(endpoint, tls).await?, endpoint.clone(), tls.is_some());
        // A user without a password is one who needs none.
        let password = login.password.as_deref().or(login.username.as_ref().map(|_| ""));
        if let Some(password) = password {
            let words = [Some("AUTH"), login.username.as_deref(), Some(password)];
            let words: Vec<_> = words.into_iter().flatten().map(str::as_bytes).collect();
            resp::push_command(&words, &mut link.out);
        }
        resp::push_command(&[b"CLIENT", b"SETNAME", name.as_bytes()], &mut link.out);
        if database != 0 {
            resp::push_command(&[b"SELECT", database.to_string().as_bytes()], &mut link.out);
        }
        questions.iter().for_each(|question| resp::push_command(question, &mut link.out));
        if password.is_some() {
            check_login(link.reply().await?)?;
        }
        let named = link.reply().await?;
        let replies = link.introduction(database, questions.len()).await.map_err(|error| match named {
            // A user who may not name its connection may enqueue all the same. But a server that lets nobody in says so
            // to whatever comes first, and hangs up.
            Reply::Error(message) if !message.starts_with("NOPERM") && !trouble::is_said(&error) => {
                trouble::tell(trouble::said(message))
            }
            _ => error,
        })?;
        if link.input_at < link.input.len() {
            return Err(trouble::say("EPROTO", "the server sent more than was asked for"));
        }
        Ok((link, replies))
    }

    async fn introduction(&mut self, database: u32, questions: usize) -> io::Result<Vec<Reply>> {
        if database != 0 {
            accepted(self.reply().await?)?;
        }
        let mut replies = Vec::with_capacity(questions);
        for _ in 0..questions {
            replies.push(self.reply().await?);
        }
        Ok(replies)
    }

    /// Sends one command and waits for its reply, for as long as `STEP`, on a link that has no jobs. An error reply is an
    /// error.
    pub async fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        resp::push_command(words, self.out());
        accepted(timeout(STEP, self.reply()).await.unwrap_or_else(|_| Err(no_answer()))?)
    }

    /// Waits for the next reply, whatever it says.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        loop {
            match self.next_reply()? {
                None => self.turn().await?,
                Some(reply) => return Ok(reply),
            }
        }
    }

    /// The server at the other end.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// When the first of the certificates ends that the server showed, in seconds since 1970.
    pub fn certificates_end(&self) -> Option<u64> {
        self.socket.certificates_end()
    }

    /// When a whole reply arrived last.
    pub fn answered(&self) -> Instant {
        self.answered
    }

    /// When the server showed last that it is there: a whole reply arrived, or it made room for what had to wait.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// The buffer to append commands to; `turn` sends them.
    pub fn out(&mut self) -> &mut Vec<u8> {
        if self.out_at == self.out.len() {
            self.out.clear();
            self.out_at = 0;
        }
        &mut self.out
    }

    /// Where the last appended byte stands among all bytes of this link.
    pub fn appended(&self) -> u64 {
        self.written + (self.out.len() - self.out_at) as u64
    }

    /// How many bytes of this link the kernel may have taken.
    pub fn gone(&self) -> u64 {
        self.written.max(self.offered)
    }

    /// Sends what can be sent and waits until something arrives. Fails when the link is broken. Can be dropped and
    /// called again without losing a byte.
    pub async fn turn(&mut self) -> io::Result<()> {
        poll_fn(|context| {
            self.poll_send(context)?;
            self.poll_receive(context)
        })
        .await
    }

    /// The next whole reply that has arrived, if any. Fails when what arrived is not RESP.
    pub fn next_reply(&mut self) -> io::Result<Option<Reply>> {
        let rest = &self.input[self.input_at..];
        let Some(end) = self.scanner.end(rest).map_err(|_| garbage())? else {
            self.input.drain(..self.input_at);
            self.input_at = 0;
            return Ok(None);
        };
        let (reply, _) = resp::parse(&rest[..end]).map_err(|_| garbage())?.ok_or_else(garbage)?;
        self.input_at += end;
        self.answered = Instant::now();
        self.heard = self.answered;
        Ok(Some(reply))
    }

    /// Whether the beginning of a reply has arrived, and not its end.
    pub fn is_amid_reply(&self) -> bool {
        self.input_at < self.input.len()
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let sending = self.out_at < self.out.len();
        let mut full = false;
        while self.out_at < self.out.len() {
            if self.secure {
                self.offered = self.written + (self.out.len() - self.out_at) as u64;
            }
            match Pin::new(&mut self.socket).poll_write(context, &self.out[self.out_at..])? {
                Poll::Pending => {
                    full = true;
                    break;
                }
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => {
                    self.out_at += count;
                    self.written += count as u64;
                }
            }
        }
        // TLS holds back what it has taken until it is flushed.
        if (sending || self.flushing) && self.out_at == self.out.len() {
            self.flushing = Pin::new(&mut self.socket).poll_flush(context)?.is_pending();
            full = self.flushing;
        }
        // Where there was no room, it is the other side that has made some.
        let taken = self.socket.taken();
        if self.full && taken > self.taken {
            self.heard = Instant::now();
        }
        (self.full, self.taken) = (full, taken);
        Ok(())
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = ReadBuf::new(&mut self.chunk);
        match Pin::new(&mut self.socket).poll_read(context, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            Poll::Ready(Ok(())) => {
                self.input.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(()))
            }
        }
    }
}

fn no_answer() -> io::Error {
    trouble::say("ETIMEDOUT", "no answer while connecting")
}

fn garbage() -> io::Error {
    trouble::say("EPROTO", "the server sent what is not a reply")
}

/// An error reply is an error.
pub fn accepted(reply: Reply) -> io::Result<Reply> {
    match reply {
        Reply::Error(message) => Err(trouble::tell(trouble::said(message))),
        reply => Ok(reply),
    }
}

/// What AUTH was answered with. That no password is set is no reason to stay away, and is none to ioredis.
fn check_login(reply: Reply) -> io::Result<()> {
    let Reply::Error(message) = reply else {
        return Ok(());
    };
    if ["without any password configured", "no password is set"].iter().any(|said| message.contains(said)) {
        return Ok(());
    }
    // A server that does not know AUTH repeats its arguments.
    let known = message.split(", with args").next().unwrap_or_default();
    Err(trouble::tell(trouble::said(known.to_owned())))
}

#[cfg(test)]
mod tests;
