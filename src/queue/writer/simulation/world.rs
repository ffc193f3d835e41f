//! All that there is beside the writer: servers, what is on its way to and from them, and what is known of each job.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::chance::Chance;
use super::net::Connection;
use super::plan::{Fault, Plan};
use crate::core::Outcome;

/// One queue, as a server holds it.
#[derive(Clone, Default)]
pub struct Queue {
    pub ids: HashMap<Vec<u8>, usize>,
    /// The numbers of the jobs that it took, in order.
    pub order: Vec<usize>,
}

#[derive(Default)]
pub struct Server {
    pub scripted: bool,
    /// It was the primary, and is a replica now, or gone.
    pub deposed: bool,
    /// It takes itself for the primary still, without replicas.
    pub alone: bool,
    pub dead: bool,
    pub queues: [Queue; 3],
    pub free_at: Option<Instant>,
}

/// That a call of the script ran with a job.
pub struct Run {
    pub stored: bool,
    /// Whether a replica was said to have it.
    pub confirmed: bool,
}

/// A job, and all that became of it.
pub struct Job {
    pub id: Vec<u8>,
    /// In bytes.
    pub size: usize,
    pub caller: usize,
    pub handed: Instant,
    pub deadline: Instant,
    /// When it was put on the wire.
    pub offered: Vec<Instant>,
    pub runs: Vec<Run>,
    /// How often the server said no to it, and whether it ever did so for good.
    pub refused: usize,
    pub last_word: bool,
    /// Something in between swallowed it once.
    pub lost: bool,
    pub settled: Vec<(Instant, Told)>,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Told {
    Added,
    Duplicate,
    NotSent,
    Refused,
    Unknown,
    /// After a defect.
    Internal,
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Told {
        match outcome {
            Outcome::NotSent => Told::NotSent,
            Outcome::Refused => Told::Refused,
            Outcome::Unknown => Told::Unknown,
        }
    }
}

pub struct World {
    pub chance: Chance,
    pub plan: Plan,
    pub start: Instant,
    pub servers: Vec<Server>,
    pub primary: usize,
    /// What the name, or the sentinels, lead to, and until when.
    pub known: usize,
    pub known_until: Instant,
    pub connections: Vec<Connection>,
    pub jobs: Vec<Job>,
    /// How many jobs of each caller are not settled.
    pub waits: Vec<usize>,
    pub moved: bool,
    pub panicked: bool,
    /// Broken promises that were seen while it went on.
    pub broken: Vec<String>,
    trace: DefaultHasher,
    pub told: bool,
}

/// The world, for all who live in it.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub fn new(seed: u64, told: bool) -> Shared {
        let mut chance = Chance::new(seed);
        let plan = Plan::draw(&mut chance);
        let start = Instant::now();
        let world = World {
            servers: (0..plan.data + plan.sentinels).map(|_| Server::default()).collect(),
            waits: vec![0; plan.callers.len()],
            chance,
            plan,
            start,
            primary: 0,
            known: 0,
            known_until: start,
            connections: Vec::new(),
            jobs: Vec::new(),
            moved: false,
            panicked: false,
            broken: Vec::new(),
            trace: DefaultHasher::new(),
            told,
        };
        if told {
            println!("{:#?}", world.plan);
        }
        Shared(Arc::new(Mutex::new(world)))
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What a packet takes.
    pub fn latency(&self) -> Duration {
        self.lock().plan.latency
    }
}

impl World {
    pub fn time(&self) -> Duration {
        Instant::now() - self.start
    }

    /// Notes that something happened: for the trace, which is the same for the same seed.
    pub fn note(&mut self, what: &str, about: impl Debug + Hash) {
        (self.time(), what, &about).hash(&mut self.trace);
        if self.told {
            println!("{:>9.3} s  {what} {about:?}", self.time().as_secs_f64());
        }
    }

    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// Until when something is wrong with this server, if it is now.
    pub fn weather(&self, server: usize, kind: impl Fn(&Fault) -> bool) -> Option<(Fault, Instant)> {
        if server != self.primary {
            return None;
        }
        let now = self.time();
        let episodes = self.plan.episodes.iter();
        episodes
            .filter(|episode| episode.from <= now && now < episode.until && kind(&episode.fault))
            .map(|episode| (episode.fault, self.start + episode.until))
            .max_by_key(|(_, until)| *until)
    }

    /// Where the name leads, or the sentinels say that the primary is.
    pub fn lookup(&self) -> usize {
        if Instant::now() < self.known_until { self.known } else { self.primary }
    }
}
