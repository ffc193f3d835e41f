//! Which jobs go together again when a batch was refused.

use super::*;

const WRONG: &str = "WRONGTYPE bull:p is no hash";

/// All of them need the script for jobs of any kind.
fn special(jobs: u32, now: Instant) -> Backlog {
    let mut backlog = backlog(jobs, now);
    make_special(&mut backlog, 0..jobs);
    backlog
}

/// Has the server refuse each batch that has this job, until nothing waits; gives the batches.
fn run(backlog: &mut Backlog, bad: u32, now: Instant) -> Vec<Vec<u32>> {
    let mut batches = Vec::new();
    while let Some((_, jobs, _)) = next_batch(backlog, now) {
        backlog.ends_at(1);
        let batch = backlog.answered().unwrap();
        match jobs.contains(&bad) {
            true => assert_eq!(refuse(backlog, batch, WRONG), Next::GoOn),
            false => backlog.added(batch, others(vec![])),
        }
        batches.push(jobs);
    }
    batches
}

#[test]
fn what_one_job_is_refused_for_is_no_other_ones_fault() {
    let now = Instant::now();
    let mut backlog = special(5, now);
    let batches = run(&mut backlog, 3, now);
    assert_eq!(batches, [vec![0, 1, 2, 3, 4], vec![0, 1, 2], vec![3, 4], vec![3], vec![4]]);
    assert_eq!(codes(&mut backlog), ["added", "added", "added", "refused", "added"]);
    assert!(backlog.is_empty());
}

#[test]
fn it_is_found_among_many_in_few_batches() {
    let now = Instant::now();
    for bad in [0, 77, 127] {
        let mut backlog = special(128, now);
        assert_eq!(run(&mut backlog, bad, now).len(), 15);
        assert_eq!(codes(&mut backlog).iter().filter(|code| **code != "added").count(), 1);
    }
}

#[test]
fn all_of_a_batch_of_plain_jobs_are_refused_for_the_same_reason() {
    let now = Instant::now();
    let mut backlog = backlog(3, now);
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    refuse(&mut backlog, batch, WRONG);
    assert_eq!(codes(&mut backlog), ["refused"; 3]);
}

#[test]
fn a_server_that_is_full_is_not_asked_again() {
    let now = Instant::now();
    let mut backlog = special(3, now);
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    refuse(&mut backlog, batch, "OOM command not allowed");
    assert_eq!(codes(&mut backlog), ["refused"; 3]);
}

#[test]
fn jobs_that_came_later_may_join_them() {
    let now = Instant::now();
    let mut backlog = special(3, now);
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    refuse(&mut backlog, batch, WRONG);
    add_for(&mut backlog, 0, 3..5, now + SECOND);
    assert_eq!(slots(&mut backlog), [0, 1]);
    assert_eq!(slots(&mut backlog), [2, 3]);
}
