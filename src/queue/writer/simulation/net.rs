//! Connections in memory. What is written lies in a kernel's buffer until it is carried to the server, in pieces; it can
//! be held up, cut at any byte, or lie there for ever.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep, sleep_until};

use super::plan::Fault;
use super::server;
use super::wire::{Call, Frames};
use super::world::{Shared, World};
use crate::queue::connection::config::Endpoint;
use crate::queue::connection::socket::Socket;

/// How much of plain text TLS takes in before it must be rid of it, and what a record holds.
const HELD: usize = 64 * 1024;

pub struct Connection {
    pub server: usize,
    /// What the kernel has taken and the server has not.
    pub sent: VecDeque<u8>,
    pub received: VecDeque<u8>,
    /// What the client finds when it has read all.
    pub end: Option<ErrorKind>,
    /// Nothing passes any more, and nobody says so.
    pub dead: bool,
    /// The client is gone.
    pub left: bool,
    /// It is reset when so many bytes more have come in, or gone out.
    pub cut_in: Option<u64>,
    pub cut_out: Option<u64>,
    pub cut_write: Option<u64>,
    /// When what is left of it after a reset arrives.
    pub late: Option<Instant>,
    pub drips: bool,
    pub spoilt: Option<Fault>,
    /// Runs that no WAIT has asked about yet: job and place among its runs.
    pub unconfirmed: Vec<(usize, usize)>,
    pub arrived: Arc<Notify>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    taken: u64,
    offered: u64,
    frames: Frames,
}

impl Connection {
    fn to(server: usize) -> Connection {
        Connection {
            server,
            sent: VecDeque::new(),
            received: VecDeque::new(),
            end: None,
            dead: false,
            left: false,
            cut_in: None,
            cut_out: None,
            cut_write: None,
            late: None,
            drips: false,
            spoilt: None,
            unconfirmed: Vec::new(),
            arrived: Arc::default(),
            reader: None,
            writer: None,
            taken: 0,
            offered: 0,
            frames: Frames::default(),
        }
    }

    pub fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
        self.arrived.notify_one();
    }
}

impl World {
    /// Ends a connection for the client; of what it wrote, the first `kept` bytes still arrive.
    pub fn reset(&mut self, id: usize, kept: usize) {
        let late = Instant::now() + self.chance.ms(0, 2000);
        let end = self.chance.of(&[ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof]);
        let connection = &mut self.connections[id];
        if connection.end.is_none() {
            connection.end = Some(end);
            connection.sent.truncate(kept);
            connection.late = Some(late);
            connection.wake();
            self.note("reset", (id, kept));
        }
    }

    /// Notes which calls are on the wire now, whether a kernel takes them or not.
    fn offer(&mut self, id: usize, bytes: &[u8]) {
        let connection = &mut self.connections[id];
        let known = (connection.offered - connection.taken) as usize;
        if bytes.len() <= known {
            return;
        }
        connection.frames.push(&bytes[known..]);
        connection.offered = connection.taken + bytes.len() as u64;
        while let Some(frame) = self.connections[id].frames.take() {
            if let Some(call) = Call::read(&frame) {
                let now = Instant::now();
                call.jobs.iter().for_each(|(_, job)| self.jobs[*job].offered.push(now));
                if call.jobs.len() > 128 || (call.jobs.len() > 1 && call.bytes > 260 * 1024) {
                    self.broken.push(format!("a batch has {} jobs of {} bytes", call.jobs.len(), call.bytes));
                }
                self.note("sends", (id, call.whole, call.number, call.jobs.len()));
            }
        }
    }

    /// What the kernel does with bytes that are written.
    fn take(&mut self, id: usize, bytes: &[u8], context: &Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.plan.room;
        if self.connections[id].cut_write == Some(0) {
            let kept = self.connections[id].sent.len();
            self.reset(id, kept);
        }
        let narrow = self.chance.one_in(8);
        let connection = &mut self.connections[id];
        if let Some(end) = connection.end {
            return Poll::Ready(Err(if end == ErrorKind::UnexpectedEof {
                ErrorKind::BrokenPipe
            } else {
                end
            }
            .into()));
        }
        let free = room.saturating_sub(connection.sent.len());
        if free == 0 {
            connection.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(free);
        let count = if narrow { count.div_ceil(2) } else { count };
        let count = connection.cut_write.map_or(count, |left| count.min(left as usize));
        connection.cut_write = connection.cut_write.map(|left| left - count as u64);
        connection.sent.extend(&bytes[..count]);
        connection.arrived.notify_one();
        Poll::Ready(Ok(count))
    }
}

/// The client's end of a connection.
struct Wire {
    world: Shared,
    id: usize,
    secure: bool,
    /// What TLS has taken and the kernel has not.
    held: VecDeque<u8>,
    /// What the kernel has taken.
    taken: u64,
}

impl Socket for Wire {
    fn taken(&self) -> u64 {
        self.taken
    }
}

impl Wire {
    fn take(&mut self, world: &mut World, bytes: &[u8], context: &Context<'_>) -> Poll<io::Result<usize>> {
        let taken = world.take(self.id, bytes, context);
        if let Poll::Ready(Ok(count)) = taken {
            self.taken += count as u64;
        }
        taken
    }

    fn drain(&mut self, world: &mut World, context: &Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match world.take(self.id, self.held.make_contiguous(), context) {
                Poll::Ready(Ok(count)) => {
                    self.taken += count as u64;
                    self.held.drain(..count)
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
        }
        Poll::Ready(Ok(()))
    }

    /// As rustls does it: what was taken in earlier rounds is gone although the last one fails.
    fn encrypt(&mut self, world: &mut World, bytes: &[u8], context: &Context<'_>) -> Poll<io::Result<usize>> {
        let mut at = 0;
        while at < bytes.len() {
            let count = (bytes.len() - at).min(HELD - self.held.len());
            self.held.extend(&bytes[at..at + count]);
            at += count;
            match self.drain(world, context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if at == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(at))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let shared = self.world.clone();
        let world = &mut shared.lock();
        world.offer(self.id, bytes);
        let taken = match self.secure {
            true => self.encrypt(world, bytes, context),
            false => self.take(world, bytes, context),
        };
        if let Poll::Ready(Ok(count)) = taken {
            world.connections[self.id].taken += count as u64;
        }
        taken
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shared = self.world.clone();
        self.drain(&mut shared.lock(), context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let world = &mut self.world.lock();
        let connection = &mut world.connections[self.id];
        if !connection.received.is_empty() {
            let count = buffer.remaining().min(connection.received.len());
            let bytes: Vec<u8> = connection.received.drain(..count).collect();
            buffer.put_slice(&bytes);
            return Poll::Ready(Ok(()));
        }
        match connection.end {
            Some(ErrorKind::UnexpectedEof) => Poll::Ready(Ok(())),
            Some(end) => Poll::Ready(Err(end.into())),
            None => {
                connection.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let world = &mut self.world.lock();
        let connection = &mut world.connections[self.id];
        connection.left = true;
        connection.arrived.notify_one();
        world.note("leaves", self.id);
    }
}

/// Waits as long as the way is closed. False when that is for ever.
pub async fn pass(world: &Shared, id: usize) -> bool {
    let mut held_up = false;
    loop {
        let until = {
            let world = &mut world.lock();
            let connection = &world.connections[id];
            if connection.dead || world.servers[connection.server].dead {
                return false;
            }
            let hole =
                world.weather(connection.server, |fault| *fault == Fault::Hole).map(|(_, until)| until);
            match hole {
                Some(until) => {
                    held_up = true;
                    // What was lost is sent again after a pause that has grown all the while.
                    Some(until + world.chance.ms(0, 20_000))
                }
                None if held_up => return true,
                None => None,
            }
        };
        match until {
            Some(until) => sleep_until(until).await,
            None => return true,
        }
    }
}

/// Connects to one of the servers.
pub async fn dial(world: Shared, endpoint: Endpoint, secure: bool) -> io::Result<Box<dyn Socket>> {
    let (lookup, latency) = {
        let world = &mut world.lock();
        world.note("dials", endpoint.to_string());
        (world.plan.lookup, world.plan.latency)
    };
    sleep(lookup).await;
    let server = match endpoint {
        Endpoint::Tcp(host, port) if host == "node" => usize::from(port),
        _ => world.lock().lookup(),
    };
    // A first packet that is lost is sent again after one second, then two, then four.
    let mut pause = Duration::from_secs(1);
    loop {
        sleep(latency).await;
        let lost = {
            let world = world.lock();
            world.servers[server].dead || world.weather(server, |fault| *fault == Fault::Hole).is_some()
        };
        if !lost {
            break;
        }
        sleep(pause).await;
        pause *= 2;
    }
    let refuses = |fault: &Fault| matches!(fault, Fault::Refuse | Fault::Restart { .. });
    if world.lock().weather(server, refuses).is_some() {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    let id = {
        let world = &mut world.lock();
        world.connections.push(Connection::to(server));
        let id = world.connections.len() - 1;
        world.note("connects", (id, server));
        id
    };
    let wire = Wire { world: world.clone(), id, secure, held: VecDeque::new(), taken: 0 };
    if secure {
        sleep(2 * latency).await;
        server::stopped(&world, server, false).await;
    }
    let (replies, inbox) = unbounded_channel();
    tokio::spawn(server::serve(world.clone(), id, replies));
    tokio::spawn(server::answer(world.clone(), id, inbox));
    Ok(Box::new(wire))
}
