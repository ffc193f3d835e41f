//! Those who hand over jobs, and write down what they are told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::{Share, Writer};
use super::world::{Job, Shared, Told};
use crate::core::Text;
use crate::queue::{Addition, Destination, Operation, Ready, Reuse, Settled, Sink};

/// How long calls may take, in ms. The first are too short for anything.
const TIMES: [u64; 8] = [0, 1, 30, 200, 2_000, 10_000, 10_000, 30_000];

/// Hands over all its jobs and waits until it was told of each.
pub async fn call(world: Shared, caller: usize, writer: Arc<Writer>, second: Option<Arc<Writer>>) {
    let told = Arc::new(Notify::new());
    let (queue, first, bursts, pause, moves) = {
        let world = world.lock();
        let plan = &world.plan.callers[caller];
        (plan.queue, plan.first, plan.bursts, plan.pause, plan.moves)
    };
    let destination = || Destination::sample(["a", "b", "c"][queue]);
    let start = Instant::now();
    let mut share = Some(Share::join(writer, destination(), sink(&world, &told)));
    let mut second = second.filter(|_| moves.is_some());
    sleep(first).await;
    for _ in 0..bursts {
        if let (Some(moves), Some(share)) = (moves, &mut share)
            && start + moves <= Instant::now()
            && let Some(second) = second.take()
        {
            world.lock().moved = true;
            world.lock().note("moves", caller);
            share.move_to(second, destination(), sink(&world, &told));
        }
        let ready = jobs(&world, caller);
        if let Some(share) = &share {
            assert!(share.push(ready).is_ok(), "the writer takes jobs");
        }
        let pause = world.lock().chance.ms(0, pause);
        sleep(pause).await;
    }
    if let (Some(moves), Some(share), Some(second)) = (moves, &mut share, second.take()) {
        sleep_until(start + moves).await;
        world.lock().moved = true;
        world.lock().note("moves", caller);
        share.move_to(second, destination(), sink(&world, &told));
    }
    // Who lets go of its share is told all the same.
    if world.lock().chance.one_in(2) {
        share = None;
    }
    while world.lock().waits[caller] > 0 {
        told.notified().await;
    }
    drop(share);
}

/// A burst of jobs.
fn jobs(shared: &Shared, caller: usize) -> Vec<Ready> {
    let world = &mut shared.lock();
    let ids = world.plan.callers[caller].ids;
    let most = world.plan.callers[caller].most;
    let now = Instant::now();
    let count = world.chance.between(1, most);
    world.note("hands over", (caller, count));
    let mut ready = Vec::new();
    for _ in 0..count {
        let number = world.jobs.len();
        let pad = match world.chance.below(1000) {
            0 => world.chance.below(300_000),
            1..20 => world.chance.below(20_000),
            _ => world.chance.below(40),
        };
        let id = Text::from(world.chance.below(ids).to_string().as_str());
        let data = [number.to_string(), "x".repeat(pad as usize)].map(|text| Text::from(text.as_str()));
        let job = crate::core::Job::sample("q", &[&id], &[("n", &data[0]), ("pad", &data[1])]);
        let deadline = now + Duration::from_millis(world.chance.of(&TIMES));
        world.waits[caller] += 1;
        world.jobs.push(Job {
            id: job.id().to_vec(),
            size: job.size(),
            caller,
            handed: now,
            deadline,
            offered: Vec::new(),
            runs: Vec::new(),
            refused: 0,
            last_word: false,
            lost: false,
            settled: Vec::new(),
        });
        let timestamp = world.time().as_millis() as u64;
        ready.push(Ready {
            slot: number as u32,
            operation: Operation::Add(Addition::new(job, timestamp, Reuse::Never)),
            deadline: deadline.into_std(),
        });
    }
    ready
}

fn sink(world: &Shared, told: &Arc<Notify>) -> Sink {
    let (world, told) = (world.clone(), Arc::clone(told));
    Box::new(move |settled: &mut Vec<(u32, Settled)>| {
        let defect = {
            let world = &mut world.lock();
            let injects = world.plan.panics && !world.panicked && world.chance.one_in(4);
            world.panicked |= injects;
            injects
        };
        if defect {
            std::panic::panic_any(super::Injected);
        }
        let world = &mut world.lock();
        for (slot, settled) in settled.drain(..) {
            let told = match settled {
                Settled::Added | Settled::Named(_) => Told::Added,
                Settled::Duplicate { .. } | Settled::Deduplicated { .. } => Told::Duplicate,
                Settled::Failed(error) if error.code() == "INTERNAL" => Told::Internal,
                Settled::Looked { .. } | Settled::Admitted(_) | Settled::Done | Settled::News => continue,
                Settled::Failed(error) => Told::from(error.outcome()),
            };
            world.note("tells", (slot, told));
            let job = &mut world.jobs[slot as usize];
            job.settled.push((Instant::now(), told));
            let caller = job.caller;
            world.waits[caller] = world.waits[caller].saturating_sub(1);
        }
        told.notify_one();
    })
}
