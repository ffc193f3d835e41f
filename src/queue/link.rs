//! One connection: bytes out, replies in, in order. It never reconnects and never waits for an answer by itself; the
//! writer does both. It knows how much was written, which is what tells "not sent" from "unknown".

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::address::{Address, Endpoint};
use super::resp::{self, Reply};

/// How long one attempt to connect may take, the answers to AUTH and SELECT included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// An idle link is probed after this long, then each second; three lost probes break it. The kernel's default is hours.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Sent bytes that the other side has not acknowledged for this long break the link. The kernel's default is a quarter
/// of an hour.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

pub struct Link {
    socket: Box<dyn Socket>,
    out: Vec<u8>,
    /// How much of `out` the kernel has taken.
    out_at: usize,
    /// How many bytes the kernel has taken since the link stands, `out` included.
    written: u64,
    input: Vec<u8>,
    input_at: usize,
    chunk: Box<[u8]>,
}

impl Link {
    /// Connects, resolving the name anew, and makes itself known to the server.
    pub async fn connect(address: &Address) -> io::Result<Link> {
        let connecting = async {
            let socket: Box<dyn Socket> = match &address.endpoint {
                Endpoint::Tcp(host, port) => Box::new(tcp(host, *port).await?),
                #[cfg(unix)]
                Endpoint::Unix(path) => Box::new(tokio::net::UnixStream::connect(path).await?),
                #[cfg(not(unix))]
                Endpoint::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
            };
            let mut link = Link {
                socket,
                out: Vec::new(),
                out_at: 0,
                written: 0,
                input: Vec::new(),
                input_at: 0,
                chunk: vec![0; 16 * 1024].into(),
            };
            link.introduce(address).await?;
            Ok(link)
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "no answer while connecting",
            )),
        }
    }

    async fn introduce(&mut self, address: &Address) -> io::Result<()> {
        let mut commands = 1;
        if let Some(password) = &address.password {
            let words = [Some("AUTH"), address.username.as_deref(), Some(password)];
            let words: Vec<_> = words.into_iter().flatten().map(str::as_bytes).collect();
            resp::push_command(&words, &mut self.out);
            commands += 1;
        }
        if address.database != 0 {
            resp::push_command(
                &[b"SELECT", address.database.to_string().as_bytes()],
                &mut self.out,
            );
            commands += 1;
        }
        // A port that accepts is not yet a server that answers: jobs are sent to one that does.
        resp::push_command(&[b"PING"], &mut self.out);
        while commands > 0 {
            match self.next_reply()? {
                None => self.turn().await?,
                Some(Reply::Text(_)) => commands -= 1,
                Some(Reply::Error(message)) => return Err(io::Error::other(message)),
                Some(_) => return Err(garbage()),
            }
        }
        Ok(())
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
                Poll::Ready(Ok(()))
            }
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    // Brackets belong to the URL, not to the address.
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(Duration::from_secs(1));
    #[cfg(unix)]
    let probes = probes.with_retries(3);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(stream)
}

fn garbage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server sent what is not a reply")
}
