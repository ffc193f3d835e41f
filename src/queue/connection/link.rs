//! One connection: bytes out, replies in, in order. It never reconnects and never waits for an answer by itself; the
//! writer does both. It knows how much was written, which is what tells "not sent" from "unknown".

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use super::config::{Endpoint, Login, Tls};
use super::resp::{self, Reply, Scanner};
use super::socket::{self, Socket};
use super::trouble;

/// How long connecting, or one reply while connecting, may take.
const STEP: Duration = Duration::from_secs(1);

/// So many characters of a password are the most that an error may have in common with it.
const SECRET_ENOUGH: usize = 8;

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
    heard: Instant,
}

impl Link {
    /// Connects and makes itself known to the server, as `name` in its list of clients; `questions` are more commands, whose
    /// replies are returned. All commands go out at once, so that a distant server costs one round trip. What fails says
    /// which server it was.
    pub async fn open(
        endpoint: &Endpoint,
        tls: Option<&Tls>,
        login: &Login,
        name: &str,
        database: u32,
        questions: &[&[&[u8]]],
    ) -> io::Result<(Link, Vec<Reply>)> {
        let opened = Link::open_unnamed(endpoint, tls, login, name, database, questions).await;
        opened.map_err(|error| trouble::tell(trouble::read(error).at(endpoint)))
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
            heard: Instant::now(),
        }
    }

    async fn open_unnamed(
        endpoint: &Endpoint,
        tls: Option<&Tls>,
        login: &Login,
        name: &str,
        database: u32,
        questions: &[&[&[u8]]],
    ) -> io::Result<(Link, Vec<Reply>)> {
        let mut link = Link::over(step(socket::open(endpoint, tls)).await?, endpoint.clone(), tls.is_some());
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
        if let Some(password) = password {
            check_login(link.reply().await?, password)?;
        }
        // A user who may not name its connection may enqueue all the same.
        link.reply().await?;
        if database != 0 {
            accepted(link.reply().await?)?;
        }
        let mut replies = Vec::with_capacity(questions.len());
        for _ in questions {
            replies.push(link.reply().await?);
        }
        if link.input_at < link.input.len() {
            return Err(trouble::say("EPROTO", "the server sent more than was asked for"));
        }
        Ok((link, replies))
    }

    /// Sends one command and waits for its reply, on a link that has no jobs. An error reply is an error.
    pub async fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        resp::push_command(words, self.out());
        accepted(self.reply().await?)
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        step(async {
            loop {
                match self.next_reply()? {
                    None => self.turn().await?,
                    Some(reply) => return Ok(reply),
                }
            }
        })
        .await
    }

    /// The server at the other end.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// When a whole reply arrived last.
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
        self.heard = Instant::now();
        Ok(Some(reply))
    }

    /// Whether the beginning of a reply has arrived, and not its end.
    pub fn is_amid_reply(&self) -> bool {
        self.input_at < self.input.len()
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let sending = self.out_at < self.out.len();
        while self.out_at < self.out.len() {
            if self.secure {
                self.offered = self.written + (self.out.len() - self.out_at) as u64;
            }
            match Pin::new(&mut self.socket).poll_write(context, &self.out[self.out_at..])? {
                Poll::Pending => break,
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
        }
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

async fn step<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(STEP, step).await {
        Ok(done) => done,
        Err(_) => Err(trouble::say("ETIMEDOUT", "no answer while connecting")),
    }
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
fn check_login(reply: Reply, password: &str) -> io::Result<()> {
    let Reply::Error(message) = reply else {
        return Ok(());
    };
    if ["without any password configured", "no password is set"].iter().any(|said| message.contains(said)) {
        return Ok(());
    }
    Err(trouble::tell(trouble::said(without_secret(message, password))))
}

/// A server that does not know AUTH repeats its arguments, or the beginning of them, and a proxy may do what it likes.
fn without_secret(message: String, password: &str) -> String {
    let known = message.split(", with args").next().unwrap_or_default();
    let start: String = password.chars().take(SECRET_ENOUGH).collect();
    match known.split_once(&start) {
        Some((before, _)) if !password.is_empty() => format!("{before}…"),
        _ => known.to_owned(),
    }
}

#[cfg(test)]
mod tests;
