//! Who shares a writer: each client has jobs for one queue, and hears what became of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::Writer;
use crate::queue::backlog::{Backlog, Fate, News};
use crate::queue::scripts::Scripts;
use crate::queue::{Destination, Health, Ready, Sink};

/// A client of a writer, as it is known outside. When it is dropped, its jobs are still seen to.
pub struct Share {
    writer: Arc<Writer>,
    client: u64,
    address: Address,
}

/// Where a client's jobs wait now: whoever has some that came back sends them there. What is sent under the lock comes
/// before the message by which the client moves on from there, so that no job is ever sent to where it is not known.
type Address = Arc<Mutex<Whereabouts>>;

pub(super) struct Whereabouts {
    now: UnboundedSender<Message>,
    /// How many writers know it: that where its jobs wait, and those where some were on their way when it moved.
    writers: usize,
}

fn look(address: &Address) -> MutexGuard<'_, Whereabouts> {
    address.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To the writer's thread.
pub(super) enum Message {
    Join {
        client: u64,
        destination: Destination,
        sink: Sink,
        address: Address,
    },
    Jobs {
        client: u64,
        ready: Vec<Ready>,
    },
    /// Jobs that waited at another writer.
    Adopt {
        client: u64,
        jobs: Vec<(Ready, Fate)>,
    },
    /// The client has another writer from now on.
    Move {
        client: u64,
    },
    /// A writer that the client had has none of its jobs any more.
    Settled {
        client: u64,
    },
    /// The client hands over nothing more. So many other writers may have jobs of it.
    Leave {
        client: u64,
        elsewhere: usize,
    },
}

impl Share {
    /// Becomes a client of a writer, for jobs that go to `destination`.
    pub fn join(writer: Arc<Writer>, destination: Destination, sink: Sink) -> Share {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let client = NEXT.fetch_add(1, Relaxed);
        // A writer that has ended hears nothing more, which `push` will tell.
        let address = Arc::new(Mutex::new(Whereabouts { now: writer.sender.clone(), writers: 1 }));
        let join = Message::Join { client, destination, sink, address: Arc::clone(&address) };
        let _ = writer.sender.send(join);
        Share { writer, client, address }
    }

    /// Hands over jobs. Gives them back when the writer has ended, which it only does with the process.
    pub fn push(&self, ready: Vec<Ready>) -> Result<(), Vec<Ready>> {
        let message = Message::Jobs { client: self.client, ready };
        self.writer.sender.send(message).map_err(|error| match error.0 {
            Message::Jobs { ready, .. } => ready,
            _ => Vec::new(),
        })
    }

    /// Has all jobs that are not sent yet, and those to come, go through another writer. Those on their way are answered
    /// where they went.
    pub fn move_to(&mut self, writer: Arc<Writer>, destination: Destination, sink: Sink) {
        let mut whereabouts = look(&self.address);
        let (client, address) = (self.client, Arc::clone(&self.address));
        let _ = writer.sender.send(Message::Join { client, destination, sink, address });
        let _ = self.writer.sender.send(Message::Move { client });
        whereabouts.now = writer.sender.clone();
        whereabouts.writers += 1;
        drop(whereabouts);
        self.writer = writer;
    }

    /// Whether this is the writer that it has.
    pub fn is_of(&self, writer: &Arc<Writer>) -> bool {
        Arc::ptr_eq(&self.writer, writer)
    }

    pub fn health(&self) -> &Health {
        &self.writer.health
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Under the lock, so that what is sent by a writer that is counted comes after this.
        let whereabouts = look(&self.address);
        let leave = Message::Leave { client: self.client, elsewhere: whereabouts.writers - 1 };
        let _ = self.writer.sender.send(leave);
    }
}

struct Client {
    id: u64,
    queue: usize,
    sink: Sink,
    address: Address,
    /// Whether its jobs wait elsewhere.
    moved: bool,
    /// Once it hands over nothing more: how many writers may have jobs of it beside this one.
    left: Option<usize>,
}

struct Queue {
    destination: Destination,
    scripts: Scripts,
    clients: usize,
}

pub(super) struct Clients {
    replicated: bool,
    numbers: HashMap<u64, usize>,
    /// By the number that the backlog gave each.
    clients: Vec<Option<Client>>,
    queues: Vec<Option<Queue>>,
}

impl Clients {
    /// `replicated` has each batch confirmed by a replica.
    pub(super) fn new(replicated: bool) -> Clients {
        Clients { replicated, numbers: HashMap::new(), clients: Vec::new(), queues: Vec::new() }
    }

    /// The scripts for the queue of this number.
    pub(super) fn scripts(&self, queue: usize) -> Option<&Scripts> {
        self.queues.get(queue)?.as_ref().map(|queue| &queue.scripts)
    }

    pub(super) fn take(&mut self, message: Message, backlog: &mut Backlog) {
        match message {
            Message::Jobs { client, ready } => {
                if let Some(number) = self.numbers.get(&client) {
                    ready.into_iter().for_each(|ready| backlog.add(*number, ready));
                }
            }
            Message::Adopt { client, jobs } => {
                if let Some(number) = self.numbers.get(&client) {
                    backlog.adopt(*number, jobs);
                }
            }
            Message::Join { client, destination, sink, address } => {
                self.join(client, destination, (sink, address), backlog);
            }
            Message::Move { client } => {
                if let Some(number) = self.numbers.remove(&client)
                    && let Some(Some(of)) = self.clients.get_mut(number)
                {
                    of.moved = true;
                    backlog.move_away(number);
                    self.forget(number, backlog);
                }
            }
            Message::Settled { client } => {
                if let Some(number) = self.numbers.get(&client)
                    && let Some(Some(Client { left: Some(elsewhere), .. })) = self.clients.get_mut(*number)
                {
                    *elsewhere -= 1;
                    self.forget(*number, backlog);
                }
            }
            Message::Leave { client, elsewhere } => {
                if let Some(number) = self.numbers.get(&client)
                    && let Some(Some(of)) = self.clients.get_mut(*number)
                {
                    of.left = Some(elsewhere);
                    self.forget(*number, backlog);
                }
            }
        }
    }

    fn join(
        &mut self,
        id: u64,
        destination: Destination,
        (sink, address): (Sink, Address),
        backlog: &mut Backlog,
    ) {
        let queue = self.queue(destination);
        let number = backlog.join(queue);
        if self.clients.len() <= number {
            self.clients.resize_with(number + 1, || None);
        }
        self.clients[number] = Some(Client { id, queue, sink, address, moved: false, left: None });
        self.numbers.insert(id, number);
    }

    /// The number of this destination, which all its clients share.
    fn queue(&mut self, destination: Destination) -> usize {
        let is_it =
            |queue: &Option<Queue>| queue.as_ref().is_some_and(|queue| queue.destination == destination);
        let known = self.queues.iter().position(is_it);
        let number =
            known.or_else(|| self.queues.iter().position(Option::is_none)).unwrap_or(self.queues.len());
        if number == self.queues.len() {
            self.queues.push(None);
        }
        let scripts = Scripts::new(&destination, self.replicated);
        self.queues[number].get_or_insert(Queue { destination, scripts, clients: 0 }).clients += 1;
        number
    }

    /// Tells clients what became of their jobs, and sends those on whose client waits elsewhere.
    pub(super) fn tell(&mut self, backlog: &mut Backlog) {
        while let Some(News { client: number, settled, returned }) = backlog.news() {
            let Some(Some(of)) = self.clients.get_mut(number) else {
                settled.clear();
                returned.clear();
                continue;
            };
            if !returned.is_empty() {
                let jobs = std::mem::take(returned);
                // It is open as long as the client has it.
                let _ = look(&of.address).now.send(Message::Adopt { client: of.id, jobs });
            }
            if !settled.is_empty() {
                (of.sink)(settled);
            }
            self.forget(number, backlog);
        }
    }

    /// Lets go of a client that hands over nothing more here, once its last job is settled, and none can come from a
    /// writer that it had before.
    fn forget(&mut self, number: usize, backlog: &mut Backlog) {
        let Some(Some(of)) = self.clients.get(number) else {
            return;
        };
        let last = of.moved || of.left == Some(0);
        if !last || !backlog.leave(number) {
            return;
        }
        let Some(of) = self.clients[number].take() else {
            return;
        };
        if of.moved {
            let mut whereabouts = look(&of.address);
            whereabouts.writers -= 1;
            let _ = whereabouts.now.send(Message::Settled { client: of.id });
        } else {
            self.numbers.remove(&of.id);
        }
        if let Some(queue) = &mut self.queues[of.queue] {
            queue.clients -= 1;
            if queue.clients == 0 {
                self.queues[of.queue] = None;
            }
        }
    }
}

#[cfg(test)]
impl Clients {
    pub(super) fn is_void(&self) -> bool {
        self.numbers.is_empty()
            && self.clients.iter().all(Option::is_none)
            && self.queues.iter().all(Option::is_none)
    }
}
