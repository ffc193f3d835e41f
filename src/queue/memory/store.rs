//! The jobs that are there, and what `add_any_jobs.lua` and `look_at_jobs.lua` make of them.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::deduplication::Uniques;
use super::quota::Quotas;
use crate::core::{Detail, Error};
use crate::queue::quota::Verdict;
use crate::queue::scripts::answer::is_same;
use crate::queue::{Addition, Destination, Look, Operation, Reuse, Settled, State};

/// Up to so many bytes, data of any two lengths may be the same JSON; longer ones only of one length, and none beyond the second.
const LONG: usize = 16 * 1024;
const LONGEST: usize = 1024 * 1024;

#[derive(Default)]
pub struct Store {
    /// By their keys.
    pub(super) jobs: HashMap<String, Job>,
    pub(super) uniques: Uniques,
    pub(super) quotas: Quotas,
    /// How many jobs each queue has counted, by what its keys begin with.
    counters: HashMap<String, u64>,
    /// How far its time has been put forward.
    ahead: Duration,
    count: u64,
}

#[derive(Clone)]
pub struct Job {
    /// In which it came among all.
    pub number: u64,
    pub prefix: String,
    pub queue: String,
    pub id: String,
    pub name: String,
    pub data: Box<[u8]>,
    /// As BullMQ stores them.
    pub options: String,
    pub timestamp: u64,
    pub delay: u64,
    pub priority: u64,
    pub state: State,
    pub parent: Option<String>,
    pub deduplication: Option<String>,
    /// The keys of children that have not ended.
    pub(super) children: HashSet<String>,
    /// Whether some have.
    pub(super) had_children: bool,
}

impl Job {
    pub fn key(&self) -> String {
        key_of(&base_of(&self.prefix, &self.queue), &self.id)
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Completed | State::Failed)
    }
}

pub(super) fn base_of(prefix: &str, queue: &str) -> String {
    format!("{prefix}:{queue}:")
}

pub(super) fn key_of(base: &str, id: &str) -> String {
    format!("{base}{id}")
}

impl Store {
    /// In microseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.saturating_add(self.ahead).as_micros() as u64
    }

    pub fn advance(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(by);
    }

    /// In the order in which they came.
    pub fn list(&self) -> Vec<&Job> {
        let mut all: Vec<_> = self.jobs.values().collect();
        all.sort_by_key(|job| job.number);
        all
    }

    pub(super) fn run(&mut self, destination: &Destination, operation: Operation) -> Settled {
        match operation {
            Operation::Add(addition) => self.add(destination, addition),
            Operation::Look(look) => self.look(destination, &look),
            Operation::Admit(admission) => {
                let verdict = self.admit(destination, &[&admission]).pop();
                Settled::Admitted(verdict.unwrap_or(Verdict::Free))
            }
            Operation::Settle(settlement) => {
                self.settle(destination, &settlement);
                Settled::Done
            }
            // `lib/backend/` asks for it where there is a Redis.
            Operation::SetMeta(_) => Settled::Named("0".into()),
        }
    }

    fn look(&self, destination: &Destination, look: &Look) -> Settled {
        let base = base_of(&destination.prefix, &destination.queue);
        let state = |id: &String| self.jobs.get(&key_of(&base, id)).map(|job| job.state);
        Settled::Looked { at: look.at, states: look.ids.iter().map(state).collect() }
    }

    fn add(&mut self, destination: &Destination, addition: Addition) -> Settled {
        let base = base_of(&destination.prefix, &destination.queue);
        let mut job = self.job_of(destination, &addition);
        let own = addition.job.options();
        if let Some(parent) = job.parent.as_ref().filter(|parent| !self.jobs.contains_key(*parent)) {
            return Settled::Failed(Error::MissingParent { detail: parent_detail(parent) });
        }
        let number = self.count_one(&base);
        let has_id = addition.job.has_id();
        if !has_id {
            job.id = number.to_string();
        }
        let key = job.key();
        if has_id && let Some(there) = self.jobs.get(&key) {
            let state = there.state;
            let same = is_same_data(&there.data, &job.data);
            if !self.make_room(&base, &key, addition.reuse) {
                if let Some(parent) = &job.parent
                    && !self.adopt(&key, parent)
                {
                    return Settled::Failed(Error::ParentConflict { detail: parent_detail(parent) });
                }
                return Settled::Duplicate { state, same };
            }
        }
        if let Some(unique) = own.and_then(|own| own.deduplication.as_ref())
            && let Some(id) = self.deduplicate(&base, &job, unique)
        {
            let state = self.jobs.get(&key_of(&base, &id)).map_or(State::Unknown, |winner| winner.state);
            return Settled::Deduplicated { state, id };
        }
        let id = job.id.clone();
        self.insert(job);
        if has_id { Settled::Added } else { Settled::Named(id) }
    }

    /// The number of one more job of this queue, which is the id of one that has none.
    pub(super) fn count_one(&mut self, base: &str) -> u64 {
        let counter = self.counters.entry(base.to_owned()).or_default();
        *counter += 1;
        *counter
    }

    pub(super) fn insert(&mut self, mut job: Job) {
        self.count += 1;
        job.number = self.count;
        let key = job.key();
        if let Some(parent) = job.parent.as_ref().and_then(|parent| self.jobs.get_mut(parent)) {
            parent.children.insert(key.clone());
        }
        self.jobs.insert(key, job);
    }

    /// As it is stored, if it is.
    fn job_of(&self, destination: &Destination, addition: &Addition) -> Job {
        let (job, own) = (&addition.job, addition.job.options());
        let id = text(job.id());
        let front = own.map_or(&destination.options, |own| &own.front);
        let options = match job.has_id() {
            true => format!("{front}{}\"}}", text(job.id_json().unwrap_or(job.id()))),
            false => front.clone(),
        };
        let name = own.and_then(|own| own.name.as_ref()).unwrap_or(&destination.job_name);
        let delay = own.map_or(0, |own| own.delay);
        let priority = own.map_or(0, |own| own.priority);
        Job {
            number: 0,
            prefix: destination.prefix.clone(),
            queue: destination.queue.clone(),
            options,
            id,
            name: name.clone(),
            data: job.data().into(),
            timestamp: addition.timestamp(),
            delay,
            priority,
            state: place(delay, priority),
            parent: own.and_then(|own| own.parent.as_ref()).map(|it| format!("{}:{}", it.queue, it.id)),
            deduplication: own.and_then(|own| own.deduplication.as_ref()).map(|it| it.id.clone()),
            children: HashSet::new(),
            had_children: false,
        }
    }

    /// Removes a job that ended, where one of its id is to be run again, unless it is part of a family.
    fn make_room(&mut self, base: &str, key: &str, reuse: Reuse) -> bool {
        let makes_room = |job: &Job| {
            let alone = job.parent.is_none() && job.children.is_empty() && !job.had_children;
            reuse.allows(job.state) && alone
        };
        let Some(job) = self.jobs.get(key).filter(|job| makes_room(job)) else {
            return false;
        };
        if let Some(unique) = job.deduplication.clone() {
            let id = job.id.clone();
            self.uniques.release(base, &unique, &id);
        }
        self.jobs.remove(key);
        true
    }

    /// Has a job be in this state, as a worker or an operator would. `kept` is not one that is removed as soon as it has ended.
    pub fn move_to(&mut self, key: &str, state: State, kept: bool) {
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        job.state = state;
        if !job.has_ended() {
            return;
        }
        let job = job.clone();
        if !kept {
            self.jobs.remove(key);
        }
        self.finished(&job);
        if !kept && let Some(parent) = &job.parent {
            self.child_removed(parent, key);
        }
    }

    fn finished(&mut self, job: &Job) {
        let base = base_of(&job.prefix, &job.queue);
        if let Some(unique) = &job.deduplication {
            self.pass_on(&base, unique, &job.id);
        }
        if job.state == State::Completed
            && let Some(parent) = &job.parent
        {
            self.child_completed(parent, &job.key());
        }
    }

    /// As an operator would.
    pub fn remove(&mut self, key: &str) {
        let Some(job) = self.jobs.remove(key) else {
            return;
        };
        let base = base_of(&job.prefix, &job.queue);
        if let Some(unique) = &job.deduplication {
            self.uniques.release(&base, unique, &job.id);
        }
        if let Some(parent) = &job.parent {
            self.child_removed(parent, key);
        }
    }
}

/// Where a job goes that nothing else is known of.
pub(super) fn place(delay: u64, priority: u64) -> State {
    match (delay, priority) {
        (1.., _) => State::Delayed,
        (0, 1..) => State::Prioritized,
        (0, 0) => State::Waiting,
    }
}

/// As `inspector.lua` and the backlog find it out together.
fn is_same_data(stored: &[u8], data: &[u8]) -> bool {
    let may_be =
        stored.len() == data.len() && data.len() <= LONGEST || stored.len() <= LONG && data.len() <= LONG;
    stored == data || (may_be && is_same(stored, data))
}

fn parent_detail(key: &str) -> Detail {
    Detail::from(format!("the parent is {key}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
