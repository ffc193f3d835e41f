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
use super::resp::{self, Reply};
use super::socket::{self, Socket};

/// How long connecting, or one reply while connecting, may take.
const STEP: Duration = Duration::from_secs(1);

pub struct Link {
    socket: Box<dyn Socket>,
    endpoint: Endpoint,
    out: Vec<u8>,
    /// How much of `out` the kernel has taken.
    out_at: usize,
    /// How many bytes the kernel has taken since the link stands, `out` included.
    written: u64,
    flushing: bool,
    input: Vec<u8>,
    input_at: usize,
    chunk: Box<[u8]>,
    heard: Instant,
}

impl Link {
    /// Connects and makes itself known to the server; `last` is one more command, whose reply is returned. All commands go
    /// out at once, so that a distant server costs one round trip.
    pub async fn open(
        endpoint: &Endpoint,
        tls: Option<&Tls>,
        login: &Login,
        database: u32,
        last: &[&[u8]],
    ) -> io::Result<(Link, Reply)> {
        let mut link = Link {
            socket: step(socket::open(endpoint, tls)).await?,
            endpoint: endpoint.clone(),
            out: Vec::new(),
            out_at: 0,
            written: 0,
            flushing: false,
            input: Vec::new(),
            input_at: 0,
            chunk: vec![0; 16 * 1024].into(),
            heard: Instant::now(),
        };
        if let Some(password) = &login.password {
            let words = [Some("AUTH"), login.username.as_deref(), Some(password)];
            let words: Vec<_> = words.into_iter().flatten().map(str::as_bytes).collect();
            resp::push_command(&words, &mut link.out);
        }
        if database != 0 {
            resp::push_command(&[b"SELECT", database.to_string().as_bytes()], &mut link.out);
        }
        resp::push_command(last, &mut link.out);
        if login.password.is_some() {
            // A server that does not know AUTH repeats its arguments, the password among them.
            link.reply().await.map_err(|error| match error.to_string().split_once(", with args") {
                Some((known, _)) => io::Error::other(known.to_owned()),
                None => error,
            })?;
        }
        if database != 0 {
            link.reply().await?;
        }
        let reply = link.reply().await?;
        if link.input_at < link.input.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sent more than was asked for",
            ));
        }
        Ok((link, reply))
    }

    /// Sends one command and waits for its reply, on a link that has no jobs. An error reply is an error.
    pub async fn ask(&mut self, words: &[&[u8]]) -> io::Result<Reply> {
        resp::push_command(words, self.out());
        self.reply().await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        step(async {
            loop {
                match self.next_reply()? {
                    None => self.turn().await?,
                    Some(Reply::Error(message)) => return Err(io::Error::other(message)),
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

    /// When something arrived last.
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

    /// How many bytes of this link the kernel has taken.
    pub fn written(&self) -> u64 {
        self.written
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
        let parsed = resp::parse(&self.input[self.input_at..]).map_err(|_| garbage())?;
        let Some((reply, used)) = parsed else {
            self.input.drain(..self.input_at);
            self.input_at = 0;
            return Ok(None);
        };
        self.input_at += used;
        Ok(Some(reply))
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let sending = self.out_at < self.out.len();
        while self.out_at < self.out.len() {
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
                let closed = io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection");
                Poll::Ready(Err(closed))
            }
            Poll::Ready(Ok(())) => {
                self.input.extend_from_slice(buffer.filled());
                self.heard = Instant::now();
                Poll::Ready(Ok(()))
            }
        }
    }
}

async fn step<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(STEP, step).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer while connecting")),
    }
}

fn garbage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server sent what is not a reply")
}
