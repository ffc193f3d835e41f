//! What an answer means for the jobs of a batch.

use super::*;
use crate::queue::scripts::Answers;

#[test]
fn duplicates_are_told_from_added_jobs_by_position() {
    let mut backlog = backlog(4, Instant::now());
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, others(vec![(0, there(State::Waiting)), (2, there(State::Active))]));
    assert_eq!(codes(&mut backlog), ["duplicate", "added", "duplicate", "added"]);
    assert!(backlog.is_empty());
}

#[test]
fn a_missing_script_is_loaded_once_for_all_batches_and_the_order_is_kept() {
    let mut backlog = backlog(4 * 128, Instant::now());
    for end in 1..=4 {
        send(&mut backlog, end);
    }
    for _ in 0..4 {
        // What would go with the script now would go before those that are still to come back.
        assert!(next_batch(&mut backlog, Instant::now()).is_none());
        let batch = backlog.answered().unwrap();
        assert_eq!(refuse(&mut backlog, batch, "NOSCRIPT"), Next::GoOn);
    }
    for (first, loads) in [(0, true), (128, false)] {
        let (_, jobs, whole) = next_batch(&mut backlog, Instant::now()).unwrap();
        assert_eq!((jobs[0], whole), (first, loads));
    }
}

#[test]
fn jobs_wait_behind_those_that_may_come_back_while_they_would_go_through_another_script() {
    let now = Instant::now();
    let mut backlog = backlog(256, now);
    make_special(&mut backlog, 128..256);
    send(&mut backlog, 1);
    assert!(next_batch(&mut backlog, now).is_none());
    assert_eq!(backlog.waiting, 128);
    // The server had it.
    let batch = backlog.answered().unwrap();
    backlog.ran(batch, Answers::Added(others(Vec::new())));
    assert_eq!(slots(&mut backlog)[0], 128);
    // Another may not.
    add_for(&mut backlog, 0, 256..384, now + SECOND);
    backlog.link_lost(0, &"it broke".into());
    assert_eq!(slots(&mut backlog)[0], 128);
    assert!(next_batch(&mut backlog, now).is_none());
    let batch = backlog.answered().unwrap();
    assert_eq!(refuse(&mut backlog, batch, "NOSCRIPT"), Next::GoOn);
    let (_, jobs, whole) = next_batch(&mut backlog, now).unwrap();
    assert_eq!((jobs[0], whole), (128, true));
    // One that comes with its script runs it.
    assert!(next_batch(&mut backlog, now).is_some());
}

#[test]
fn of_a_job_that_was_sent_before_nothing_is_said_to_be_certain_when_its_parent_is_gone() {
    let now = Instant::now();
    for (lost, said) in [(false, "refused"), (true, "unknown")] {
        let mut backlog = backlog(1, now);
        send(&mut backlog, 1);
        if lost {
            backlog.link_lost(1, &"it broke".into());
            let call = backlog.next_batch(now, &Detail::default()).unwrap();
            assert!(matches!(&call.work, Work::AddAny(jobs) | Work::AddPlain(jobs) if jobs[0].again));
        }
        let batch = backlog.answered().unwrap();
        backlog.added(batch, others(vec![(0, Answer::MissingParent("bull:q:p".into()))]));
        assert_eq!(codes(&mut backlog), [said]);
    }
}

#[test]
fn a_job_that_is_there_has_the_same_data_when_it_says_the_same() {
    for (stored, expected) in [(r#"{ "a": "\u0078" }"#, true), (r#"{"a":"y"}"#, false)] {
        let mut backlog = backlog(1, Instant::now());
        send(&mut backlog, 1);
        let batch = backlog.answered().unwrap();
        let data = Data::Stored(stored.into());
        backlog.added(batch, others(vec![(0, Answer::Existing { state: State::Waiting, data })]));
        let news = backlog.news().unwrap();
        assert!(matches!(news.settled[0].1, Settled::Duplicate { same, .. } if same == expected));
    }
}
