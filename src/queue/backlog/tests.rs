//! What is certain about a job, whatever happens to its link and its time.

use super::super::refusal::said;
use super::*;
use crate::core::Text;
use crate::core::job::JobBuilder;

const SECOND: Duration = Duration::from_secs(1);

fn backlog(jobs: u32, now: Instant) -> Backlog {
    let mut backlog = Backlog::default();
    for slot in 0..jobs {
        let text = Text::from("x");
        let job = JobBuilder::default().build("q", [&text].into_iter(), [("a", &text)].into_iter());
        backlog.add(Ready { slot, job, timestamp: 0, deadline: (now + SECOND).into_std() });
    }
    backlog
}

fn send(backlog: &mut Backlog, end: u64) -> (usize, bool) {
    let batch = backlog.next_batch(Instant::now()).expect("a batch");
    batch.end = end;
    (batch.jobs.len(), batch.whole)
}

fn slots(backlog: &mut Backlog) -> Vec<u32> {
    let batch = backlog.next_batch(Instant::now()).unwrap();
    batch.jobs.iter().map(|job| job.ready.slot).collect()
}

fn codes(backlog: &mut Backlog) -> Vec<&'static str> {
    let name = |(_, settled)| match settled {
        Settled::Added => "added",
        Settled::Duplicate => "duplicate",
        Settled::Failed(error) => match error.outcome() {
            Outcome::Unknown => "unknown",
            Outcome::Refused => "refused",
            Outcome::NotSent => "not-sent",
        },
    };
    backlog.settled().drain(..).map(name).collect()
}

fn add(backlog: &mut Backlog, jobs: u32, now: Instant) {
    self::backlog(jobs, now).waiting.into_iter().for_each(|job| backlog.add(job.ready));
}

#[test]
fn a_lone_job_goes_at_once_and_so_does_the_next_and_more_wait_for_company_or_an_answer() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    assert_eq!(send(&mut backlog, 1), (1, false));
    add(&mut backlog, 1, now);
    assert_eq!(send(&mut backlog, 2), (1, false));
    add(&mut backlog, 15, now);
    assert!(backlog.next_batch(now).is_none());
    let batch = backlog.answered().unwrap();
    backlog.added(batch, vec![]);
    assert_eq!(send(&mut backlog, 3), (15, false));
    add(&mut backlog, 16, now);
    assert_eq!(send(&mut backlog, 4), (16, false));
}

#[test]
fn many_jobs_go_in_whole_batches_as_many_as_may_be_on_their_way() {
    let now = Instant::now();
    let mut backlog = backlog(1000, now);
    assert_eq!([1, 2, 3, 4].map(|end| send(&mut backlog, end).0), [128; 4]);
    assert!(backlog.next_batch(now).is_none());
}

#[test]
fn duplicates_are_told_from_added_jobs_by_position() {
    let mut backlog = backlog(4, Instant::now());
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, vec![0, 2]);
    assert_eq!(codes(&mut backlog), ["duplicate", "added", "duplicate", "added"]);
    assert!(backlog.is_empty());
}

#[test]
fn a_missing_script_is_loaded_once_for_all_batches_and_the_order_is_kept() {
    let mut backlog = backlog(4 * 128, Instant::now());
    for end in 1..=4 {
        send(&mut backlog, end);
    }
    for _ in 0..2 {
        let batch = backlog.answered().unwrap();
        assert_eq!(refuse(&mut backlog, batch, "NOSCRIPT"), Next::GoOn);
    }
    assert_eq!(send(&mut backlog, 5), (128, true));
    for _ in 0..2 {
        let batch = backlog.answered().unwrap();
        refuse(&mut backlog, batch, "NOSCRIPT");
    }
    assert_eq!(slots(&mut backlog)[0], 256);
    assert!(!backlog.sent.back().unwrap().whole);
}

#[test]
fn after_a_lost_link_only_what_went_out_whole_is_unknown() {
    let now = Instant::now();
    let two_batches = || {
        let mut backlog = self::backlog(16, now);
        send(&mut backlog, 100);
        add(&mut backlog, 16, now);
        send(&mut backlog, 200);
        backlog.link_lost(199);
        backlog
    };
    let mut backlog = two_batches();
    assert_eq!(slots(&mut backlog), [0..16, 0..16].into_iter().flatten().collect::<Vec<_>>());
    let mut backlog = two_batches();
    backlog.expire(now + SECOND, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), [["unknown"; 16], ["not-sent"; 16]].concat());
}

#[test]
fn what_was_unknown_once_stays_unknown_after_a_refusal() {
    let now = Instant::now();
    for (refusal, code) in [("READONLY x", "unknown"), ("OOM x", "unknown"), ("WRONGTYPE x", "unknown")] {
        let mut backlog = backlog(1, now);
        send(&mut backlog, 1);
        backlog.link_lost(1);
        send(&mut backlog, 1);
        let batch = backlog.answered().unwrap();
        refuse(&mut backlog, batch, refusal);
        backlog.expire(now + SECOND, &Detail::default(), Detail::default);
        assert_eq!(codes(&mut backlog), [code], "{refusal}");
    }
}

#[test]
fn a_refused_job_that_runs_out_of_time_is_refused() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    assert_eq!(refuse(&mut backlog, batch, "LOADING x"), Next::Pause(said("LOADING x", "a:1")));
    backlog.expire(now + SECOND, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), ["refused"]);
}

#[test]
fn a_job_on_its_way_that_runs_out_of_time_is_unknown_and_its_answer_is_then_nobodys() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    send(&mut backlog, 1);
    backlog.expire(now, &Detail::default(), Detail::default);
    assert!(codes(&mut backlog).is_empty());
    backlog.expire(now + SECOND, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), ["unknown"]);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, vec![]);
    assert!(codes(&mut backlog).is_empty());
    assert!(backlog.is_empty());
}

fn refuse(backlog: &mut Backlog, batch: Batch, message: &str) -> Next {
    backlog.refused(batch, message, said(message, "a:1"))
}
