//! A model of the servers: what each says to what comes in, how long it takes, and what it keeps.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep, sleep_until};

use super::net::pass;
use super::plan::{Fault, OF_PROXIES, REFUSALS, Topology};
use super::wire::{Call, Frames, words};
use super::world::{Run, Shared, World};

/// What is answered, and after how long.
pub struct Answer {
    bytes: Vec<u8>,
    after: Duration,
}

/// Takes in what is carried to the server, and runs it.
pub async fn serve(world: Shared, id: usize, replies: UnboundedSender<(Instant, Vec<u8>)>) {
    let mut frames = Frames::default();
    loop {
        let (arrived, empty, ended, late) = {
            let world = world.lock();
            let connection = &world.connections[id];
            let ended = connection.left || connection.end.is_some();
            (connection.arrived.clone(), connection.sent.is_empty(), ended, connection.late)
        };
        if empty && ended {
            return;
        }
        if empty {
            arrived.notified().await;
            continue;
        }
        match late {
            Some(late) => sleep_until(late).await,
            None => sleep(world.latency()).await,
        }
        if !pass(&world, id).await {
            return;
        }
        frames.push(&world.lock().carry(id));
        while let Some(frame) = frames.take() {
            let script = frame.windows(6).take(5).any(|window| window == b"\r\nEVAL");
            let server = world.lock().connections[id].server;
            stopped(&world, server, script).await;
            if script {
                heavy(&world, server).await;
            }
            let answer = world.lock().run(id, &frame);
            let _ = replies.send((Instant::now() + answer.after, answer.bytes));
        }
    }
}

/// Waits as long as the server does nothing, or runs no scripts.
pub async fn stopped(world: &Shared, server: usize, script: bool) {
    let stops = |fault: &Fault| *fault == Fault::Pause || (script && *fault == Fault::PauseWrites);
    loop {
        let until = world.lock().weather(server, stops);
        match until {
            Some((_, until)) => sleep_until(until).await,
            None => return,
        }
    }
}

/// Waits for what the scripts before it take, and itself.
async fn heavy(world: &Shared, server: usize) {
    let until = {
        let world = &mut world.lock();
        let Some((Fault::Heavy(each), _)) = world.weather(server, |fault| matches!(fault, Fault::Heavy(_)))
        else {
            return;
        };
        let free = world.servers[server].free_at.map_or(Instant::now(), |free| free.max(Instant::now()));
        *world.servers[server].free_at.insert(free + each)
    };
    sleep_until(until).await;
}

/// Carries replies back, in their order, each when it is due.
pub async fn answer(world: Shared, id: usize, mut replies: UnboundedReceiver<(Instant, Vec<u8>)>) {
    while let Some((due, bytes)) = replies.recv().await {
        sleep_until(due).await;
        sleep(world.latency()).await;
        if !pass(&world, id).await {
            return;
        }
        let (spoilt, drips) = {
            let connection = &mut world.lock().connections[id];
            (connection.spoilt.take(), connection.drips)
        };
        match spoilt {
            Some(Fault::Garbage) => world.lock().deliver(id, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            Some(Fault::Wrong) => world.lock().deliver(id, b"*1\r\n:99999999\r\n"),
            // An error does not say what it is about: one that came twice would have to be believed.
            Some(Fault::Twice) if bytes[0] == b'-' => world.lock().deliver(id, &bytes),
            Some(Fault::Twice) => world.lock().deliver(id, &[&bytes[..], &bytes[..]].concat()),
            Some(_) => {
                let mut piece = b"+".to_vec();
                let mut pieces = 0;
                while !world.lock().is_left(id) {
                    piece.resize(4096, b'x');
                    world.lock().deliver(id, &piece);
                    pieces += 1;
                    if pieces == 20 {
                        world.lock().broken.push("a reply without an end is listened to".into());
                    }
                    sleep(Duration::from_millis(10)).await;
                }
                return;
            }
            None if drips => {
                for byte in bytes.chunks(1) {
                    if world.lock().is_left(id) {
                        return;
                    }
                    world.lock().deliver(id, byte);
                    sleep(Duration::from_secs(1)).await;
                }
            }
            None => {
                let cut = world.lock().chance.below(4 * bytes.len() as u64) as usize;
                let (now, later) = bytes.split_at(cut.min(bytes.len()));
                world.lock().deliver(id, now);
                if !later.is_empty() {
                    tokio::task::yield_now().await;
                    world.lock().deliver(id, later);
                }
            }
        }
    }
}

impl World {
    fn is_left(&self, id: usize) -> bool {
        self.connections[id].left || self.connections[id].end.is_some()
    }

    /// What the network carries at once.
    fn carry(&mut self, id: usize) -> Vec<u8> {
        let some = self.chance.one_in(3);
        let share = self.chance.next();
        let connection = &mut self.connections[id];
        let most = connection.sent.len();
        if most == 0 {
            return Vec::new();
        }
        let mut count = if some { 1 + share as usize % most } else { most };
        let mut cut = false;
        if let Some(left) = &mut connection.cut_in {
            cut = *left <= count as u64;
            count = count.min(*left as usize);
            *left -= count as u64;
        }
        let rest = connection.sent.split_off(count);
        let bytes = std::mem::replace(&mut connection.sent, rest).into();
        connection.wake();
        if cut {
            connection.cut_in = None;
            connection.sent.clear();
            self.reset(id, 0);
        }
        bytes
    }

    fn deliver(&mut self, id: usize, bytes: &[u8]) {
        let connection = &mut self.connections[id];
        if connection.end.is_some() {
            return;
        }
        let mut count = bytes.len();
        let mut cut = false;
        if let Some(left) = &mut connection.cut_out {
            cut = *left <= count as u64;
            count = count.min(*left as usize);
            *left -= count as u64;
        }
        connection.received.extend(&bytes[..count]);
        connection.wake();
        if cut {
            let kept = self.connections[id].sent.len();
            self.reset(id, kept);
        }
    }

    fn run(&mut self, id: usize, frame: &[u8]) -> Answer {
        let server = self.connections[id].server;
        let mut after = self.plan.answering;
        if let Some((Fault::Slow(more), _)) = self.weather(server, |fault| matches!(fault, Fault::Slow(_))) {
            after += more;
        }
        let bytes = match Call::read(frame) {
            Some(call) => self.call(id, server, &call),
            None => {
                let words = words(frame);
                match words[0] {
                    b"AUTH" | b"CLIENT" | b"SELECT" => b"+OK\r\n".to_vec(),
                    b"PING" => self.ping(server),
                    b"INFO" => b"$29\r\nmaxmemory_policy:noeviction\r\n\r\n".to_vec(),
                    b"ROLE" if self.servers[server].deposed => b"*1\r\n$5\r\nslave\r\n".to_vec(),
                    b"ROLE" => b"*1\r\n$6\r\nmaster\r\n".to_vec(),
                    b"SENTINEL" => format!("*2\r\n$4\r\nnode\r\n$1\r\n{}\r\n", self.lookup()).into_bytes(),
                    b"WAIT" => {
                        let fails = self.weather(server, |fault| matches!(fault, Fault::NoReplica { .. }));
                        let runs = std::mem::take(&mut self.connections[id].unconfirmed);
                        for (job, run) in runs {
                            self.jobs[job].runs[run].confirmed = fails.is_none();
                            self.jobs[job].last_word |= fails.is_some();
                        }
                        match fails {
                            None => b":1\r\n".to_vec(),
                            Some((Fault::NoReplica { error: true }, _)) => {
                                b"-ERR WAIT cannot be used\r\n".to_vec()
                            }
                            Some(_) => {
                                after += Duration::from_secs(1);
                                b":0\r\n".to_vec()
                            }
                        }
                    }
                    other => panic!("nobody asks {}", String::from_utf8_lossy(other)),
                }
            }
        };
        Answer { bytes, after }
    }

    fn ping(&self, server: usize) -> Vec<u8> {
        let loads = |fault: &Fault| *fault == Fault::Say(0);
        match self.weather(server, loads) {
            Some(_) => format!("-{}\r\n", REFUSALS[0]).into_bytes(),
            None => b"+PONG\r\n".to_vec(),
        }
    }

    /// The error with which the script is refused, if it is.
    fn refusal(&self, server: usize, whole: bool) -> Option<String> {
        if server != self.primary {
            return Some(match self.plan.topology {
                Topology::Cluster => format!("MOVED 1 node:{}", self.primary),
                _ if self.servers[server].alone => REFUSALS[6].into(),
                _ => REFUSALS[5].into(),
            });
        }
        match self.weather(server, |fault| matches!(fault, Fault::Say(_))) {
            Some((Fault::Say(said), _)) => Some(REFUSALS[said].into()),
            _ if !whole && !self.servers[server].scripted => Some("NOSCRIPT No matching script.".into()),
            _ => None,
        }
    }

    fn call(&mut self, id: usize, server: usize, call: &Call<'_>) -> Vec<u8> {
        if let Some(error) = self.refusal(server, call.whole) {
            let code = error.split(' ').next().unwrap_or_default();
            let last_word = ["OOM", "MISCONF", "NOPERM", "ERR", "WRONGTYPE"].contains(&code);
            for (_, job) in &call.jobs {
                self.jobs[*job].refused += 1;
                self.jobs[*job].last_word |= last_word;
            }
            self.note("refuses", (call.number, code));
            return format!("-{error}\r\n").into_bytes();
        }
        let proxy = match self.weather(server, |fault| matches!(fault, Fault::Proxy(_))) {
            Some((Fault::Proxy(said), _)) => Some(format!("-{}\r\n", OF_PROXIES[said]).into_bytes()),
            _ => None,
        };
        if let Some(words) = &proxy
            && self.chance.one_in(2)
        {
            call.jobs.iter().for_each(|(_, job)| self.jobs[*job].lost = true);
            return words.clone();
        }
        self.servers[server].scripted |= call.whole;
        let queue = usize::from(call.base[0] - b'a');
        let held = &mut self.servers[server].queues[queue];
        // It looks at each id only when one of them is there, or it was told that one stands twice.
        let looks = call.repeats || call.jobs.iter().any(|(job_id, _)| held.ids.contains_key(*job_id));
        let mut reply = Vec::new();
        let mut runs = Vec::new();
        for (at, (job_id, job)) in call.jobs.iter().enumerate() {
            let there = held.ids.get(*job_id).copied();
            let new = there.is_none();
            if looks && let Some(there) = there {
                // The same job has the same data and timestamp.
                reply.push((at + 1, if there == *job { 2 } else { 0 }));
            } else {
                held.ids.insert(job_id.to_vec(), *job);
                if !new {
                    self.broken.push(format!("the id of job {job} is enqueued twice"));
                }
                held.order.push(*job);
            }
            let known = &mut self.jobs[*job].runs;
            runs.push((*job, known.len()));
            known.push(Run { stored: new, confirmed: false });
        }
        self.connections[id].unconfirmed.extend(runs);
        self.note("runs", (id, call.number, call.jobs.len(), reply.len()));
        proxy.unwrap_or_else(|| {
            let waits = |(at, same): &(usize, u8)| format!(":{at}\r\n$7\r\nwaiting\r\n:{same}\r\n");
            let answers: String = reply.iter().map(waits).collect();
            format!("*{}\r\n:{}\r\n{answers}", 1 + 3 * reply.len(), call.number).into_bytes()
        })
    }
}

/// Has what is planned come about.
pub async fn befall(world: Shared) {
    let count = world.lock().plan.episodes.len();
    for at in 0..count {
        let (start, from) = {
            let world = world.lock();
            (world.start, world.plan.episodes[at].from)
        };
        sleep_until(start + from).await;
        let world = &mut world.lock();
        let fault = world.plan.episodes[at].fault;
        world.note("befalls", format!("{fault:?}"));
        world.strike(fault);
    }
}

impl World {
    fn strike(&mut self, fault: Fault) {
        let primary = self.primary;
        let open: Vec<_> = (0..self.connections.len())
            .filter(|id| self.connections[*id].server == primary && self.connections[*id].end.is_none())
            .collect();
        for id in open {
            let sent = self.connections[id].sent.len();
            match fault {
                Fault::Cut => {
                    let kept = self.chance.below(sent as u64 + 1) as usize;
                    self.reset(id, kept);
                }
                Fault::CutAt { incoming: true, bytes } => self.connections[id].cut_in = Some(bytes),
                Fault::CutAt { incoming: false, bytes } => self.connections[id].cut_out = Some(bytes),
                Fault::CutWrite(bytes) => self.connections[id].cut_write = Some(bytes),
                Fault::HalfOpen => self.connections[id].dead = true,
                Fault::Restart { .. } => self.reset(id, 0),
                Fault::Failover { dies: true, .. } => self.connections[id].dead = true,
                Fault::Drip => self.connections[id].drips = true,
                Fault::Endless | Fault::Garbage | Fault::Wrong | Fault::Twice => {
                    self.connections[id].spoilt = Some(fault);
                }
                _ => {}
            }
        }
        match fault {
            Fault::Flush => self.servers[primary].scripted = false,
            Fault::Restart { loses } => {
                self.servers[primary].scripted = false;
                if loses {
                    self.servers[primary].queues = Default::default();
                }
            }
            Fault::Failover { dies, loses } => self.fail_over(dies, loses as usize),
            _ => {}
        }
    }

    fn fail_over(&mut self, dies: bool, loses: usize) {
        let old = self.primary;
        let mut queues = self.servers[old].queues.clone();
        for queue in &mut queues {
            queue.order.truncate(queue.order.len().saturating_sub(loses));
            queue.ids = queue.order.iter().map(|job| (self.jobs[*job].id.clone(), *job)).collect();
        }
        self.servers[old].deposed = true;
        self.servers[old].alone = self.chance.one_in(2);
        self.servers[old].dead = dies;
        self.primary = (old + 1) % self.plan.data;
        self.servers[self.primary].queues = queues;
        let later = self.chance.ms(0, 2000);
        (self.known, self.known_until) = (old, Instant::now() + later);
    }
}
