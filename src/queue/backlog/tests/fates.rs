//! What is certain about a job after a lost link, a refusal, or its time.

use super::*;

#[test]
fn after_a_lost_link_only_what_went_out_whole_is_unknown() {
    let now = Instant::now();
    let two_batches = || {
        let mut backlog = self::backlog(16, now);
        send(&mut backlog, 100);
        add(&mut backlog, 16, now);
        send(&mut backlog, 200);
        backlog.link_lost(199, &"it broke".into());
        backlog
    };
    let mut backlog = two_batches();
    assert_eq!(slots(&mut backlog), [0..16, 0..16].into_iter().flatten().collect::<Vec<_>>());
    let mut backlog = two_batches();
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), [["unknown"; 16], ["not-sent"; 16]].concat());
}

#[test]
fn what_was_unknown_once_stays_unknown_after_a_refusal() {
    let now = Instant::now();
    for (refusal, code) in [("READONLY x", "unknown"), ("OOM x", "unknown"), ("WRONGTYPE x", "unknown")] {
        let mut backlog = backlog(1, now);
        send(&mut backlog, 1);
        backlog.link_lost(1, &"it broke".into());
        send(&mut backlog, 1);
        let batch = backlog.answered().unwrap();
        refuse(&mut backlog, batch, refusal);
        backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
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
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), ["refused"]);
}

#[test]
fn a_job_on_its_way_that_runs_out_of_time_is_unknown_and_its_answer_is_then_nobodys() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    send(&mut backlog, 1);
    backlog.expire(now, &Detail::default(), Detail::default);
    assert!(codes(&mut backlog).is_empty());
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
    assert_eq!(codes(&mut backlog), ["unknown"]);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, others(vec![]));
    assert!(codes(&mut backlog).is_empty());
    assert!(backlog.is_empty());
}

#[test]
fn a_job_whose_time_is_up_is_not_sent_however_late_that_is_noticed() {
    let now = Instant::now();
    let mut backlog = backlog(0, now);
    add_for(&mut backlog, 0, 0..3, now + SECOND);
    add_for(&mut backlog, 0, 3..6, now + SECOND * 2);
    let (_, jobs, _) = next_batch(&mut backlog, now + SECOND).unwrap();
    assert_eq!(jobs, [3, 4, 5]);
    assert_eq!(codes(&mut backlog), ["not-sent"; 3]);
    assert!(next_batch(&mut backlog, now + SECOND * 3).is_none());
}

#[test]
fn jobs_of_a_batch_that_is_being_answered_are_still_there_when_all_fails() {
    let now = Instant::now();
    let mut backlog = backlog(4, now);
    send(&mut backlog, 1);
    add(&mut backlog, 2, now);
    drop(backlog.answered());
    let error = Error::Internal { outcome: Outcome::Unknown, detail: Detail::default() };
    backlog.fail_everything(&error);
    assert_eq!(codes(&mut backlog), ["unknown"; 6]);
    assert!(backlog.is_empty() && backlog.next_deadline().is_none());
}

#[test]
fn what_was_settled_leaves_nothing_behind_however_long_its_deadline() {
    let now = Instant::now();
    let mut backlog = backlog(0, now);
    for _ in 0..100 {
        add_for(&mut backlog, 0, 0..128, now + SECOND * 3600);
        send(&mut backlog, 1);
        let batch = backlog.answered().unwrap();
        backlog.added(batch, others(vec![]));
        assert_eq!(codes(&mut backlog).len(), 128);
    }
    assert!(!backlog.deadlines.is_crowded(128));
    // Nor does a queue that only ever runs out of time.
    for round in 1..=100 {
        add_for(&mut backlog, 0, 0..128, now + SECOND * round);
        backlog.expire(now + SECOND * round + TICK, &Detail::default(), Detail::default);
        assert_eq!(codes(&mut backlog), ["not-sent"; 128]);
    }
    assert!(backlog.is_empty());
    assert!(backlog.lanes[0].held() <= 1024 + 128);
}
