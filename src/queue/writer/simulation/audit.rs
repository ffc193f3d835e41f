//! What must be true of every run, whatever befell it.

use std::collections::HashMap;
use std::time::Duration;

use super::plan::{Episode, Fault, Topology};
use super::world::{Job, Told, World};
use crate::queue::writer::connecting::SILENCE;

/// Deadlines are looked at so often, and the clock has steps of a millisecond.
const TICK: Duration = Duration::from_millis(6);

impl World {
    /// Each promise that was broken, in words.
    pub fn audit(&mut self) -> Vec<String> {
        let mut broken = std::mem::take(&mut self.broken);
        let grace = self.grace();
        for (number, job) in self.jobs.iter().enumerate() {
            broken.extend(
                self.breaches(job, grace).into_iter().map(|breach| format!("job {number}: {breach}")),
            );
        }
        broken.extend(self.disorder());
        broken.extend(self.haste());
        broken
    }

    fn breaches(&self, job: &Job, grace: Duration) -> Vec<String> {
        let [(at, told)] = job.settled[..] else {
            return vec![format!("was settled {} times", job.settled.len())];
        };
        let mut broken = Vec::new();
        let mut expect = |holds: bool, breach: &str| {
            if !holds {
                broken.push(format!("{told:?}, but {breach}"));
            }
        };
        expect(at <= job.deadline + TICK, "after its deadline");
        expect(job.offered.iter().all(|at| *at <= job.deadline), "sent after its deadline");
        let confirmed = || job.runs.iter().any(|run| run.confirmed || !self.plan.replicated);
        match told {
            // One that went out again, and was found, is confirmed with what is said of it then.
            Told::Added => expect(
                job.runs.iter().any(|run| run.stored) && confirmed(),
                "it was not stored, or not confirmed",
            ),
            Told::Duplicate => expect(confirmed(), "no server has looked, or no replica confirmed"),
            Told::NotSent => expect(job.runs.is_empty(), "the server ran it"),
            Told::Refused => {
                expect(job.runs.is_empty(), "the server ran it");
                expect(job.refused > 0, "nobody refused it");
            }
            Told::Unknown => expect(!job.offered.is_empty(), "it never went out whole"),
            Told::Internal => expect(self.panicked, "there was no defect"),
        }
        // In the calm all that has time enough is enqueued, and soon.
        let due = job.handed.max(self.start + self.plan.calm) + grace;
        let queued = matches!(told, Told::Added | Told::Duplicate);
        if job.deadline > due && !job.last_word && told != Told::Internal && !self.may_drip_on() {
            expect(queued, "nothing stood in its way");
            expect(at <= due, "late");
        }
        broken
    }

    /// How long jobs may take after a fault: until a dead link is doubted, another stands, and all are through.
    fn grace(&self) -> Duration {
        let plan = &self.plan;
        let trip = plan.answering + 5 * plan.latency;
        let lookups = if plan.topology == Topology::Sentinels { 8 } else { 5 };
        let replaced = match plan.topology {
            // Of each writer that a job goes through.
            Topology::Cluster => (2 * trip + Duration::from_secs(4)) * (1 + u32::from(plan.second)),
            _ => Duration::ZERO,
        };
        let connecting = plan.lookup * lookups + replaced;
        let trips = 6 + self.jobs.len() as u32 / 100;
        let bytes = self.jobs.iter().map(|job| job.size as u32).sum::<u32>() + 60_000;
        let carried = plan.latency * (2 * bytes / plan.room as u32);
        Duration::from_secs(4) + self.remembered() + connecting + trips * trip + carried
    }

    /// Whether a link whose replies drip may never be replaced: it is answered now and then, as that of a slow server is, and
    /// where a name takes long to look up another may never stand before the next answer.
    fn may_drip_on(&self) -> bool {
        let drips = self.plan.episodes.iter().any(|it| it.fault == Fault::Drip);
        drips && self.plan.lookup > SILENCE[0]
    }

    /// How long a link may be silent at most before it is doubted, for what the writer has seen of silence.
    fn remembered(&self) -> Duration {
        let mut silence = SILENCE[0];
        for Episode { fault, .. } in &self.plan.episodes {
            silence = match fault {
                Fault::Slow(pause) | Fault::Heavy(pause) => silence.max(2 * *pause),
                Fault::HalfOpen | Fault::Pause | Fault::PauseWrites | Fault::Drip | Fault::Endless => {
                    2 * silence
                }
                _ => silence,
            };
        }
        silence.min(SILENCE[1]) - SILENCE[0]
    }

    /// Jobs of one caller are taken in their order, but for those that were refused before, or lingered on a lost link.
    fn disorder(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.moved {
            return broken;
        }
        for server in &self.servers {
            for queue in &server.queues {
                let mut last: HashMap<usize, usize> = HashMap::new();
                let kept = |job: &&usize| {
                    let Job { refused, lost, settled, .. } = &self.jobs[**job];
                    *refused == 0
                        && !lost
                        && settled.iter().all(|(_, told)| !matches!(told, Told::Unknown | Told::Internal))
                };
                for job in queue.order.iter().filter(kept) {
                    let before = last.insert(self.jobs[*job].caller, *job);
                    if before.is_some_and(|before| before > *job) {
                        broken.push(format!("job {job} was taken after {}", before.unwrap_or_default()));
                    }
                }
            }
        }
        broken
    }

    /// A server in trouble is not asked all the time.
    fn haste(&self) -> Option<String> {
        let count = self.connections.len();
        let spoils = self.plan.episodes.iter().filter(|it| !matches!(it.fault, Fault::Flush)).count();
        let seconds = self.time().as_secs() as usize;
        (count > 100 + 40 * seconds + 10 * spoils).then(|| format!("{count} connections"))
    }
}
