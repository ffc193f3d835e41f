//! What an answer means for the jobs of a batch.

use super::*;

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
    for _ in 0..2 {
        let batch = backlog.answered().unwrap();
        assert_eq!(refuse(&mut backlog, batch, "NOSCRIPT"), Next::GoOn);
    }
    assert_eq!(send(&mut backlog, 5), (128, true));
    for _ in 0..2 {
        let batch = backlog.answered().unwrap();
        refuse(&mut backlog, batch, "NOSCRIPT");
    }
    let (_, jobs, whole) = next_batch(&mut backlog, Instant::now()).unwrap();
    assert_eq!((jobs[0], whole), (256, false));
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
