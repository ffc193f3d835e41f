//! What is certain about a job, whatever happens to its link and its time.

mod company;

use std::time::Duration;

use super::super::refusal::said;
use super::*;
use crate::core::{Job, Text};
use crate::queue::scripts::answer::{Answer, Data};
use crate::queue::{Addition, Operation, Reuse, State};

const SECOND: Duration = Duration::from_secs(1);
/// Deadlines are looked at no more often.
const TICK: Duration = Duration::from_millis(4);

impl Backlog {
    /// Whether nothing is in it, not even the name of a job that is gone.
    pub(in crate::queue) fn is_void(&self) -> bool {
        let all = [self.jobs.len(), self.sent.len(), self.waiting, self.news.len()];
        let clients = self.clients.iter().all(Option::is_none);
        self.is_empty() && all == [0; 4] && clients && !self.deadlines.is_crowded(0)
    }
}

/// With one client, whose jobs these are.
fn backlog(jobs: u32, now: Instant) -> Backlog {
    let mut backlog = Backlog::default();
    backlog.join(0);
    add(&mut backlog, jobs, now);
    backlog
}

fn add(backlog: &mut Backlog, jobs: u32, now: Instant) {
    add_for(backlog, 0, 0..jobs, now + SECOND);
}

fn add_for(backlog: &mut Backlog, client: usize, slots: std::ops::Range<u32>, deadline: Instant) {
    for slot in slots {
        let text = Text::from("x");
        let job = Job::sample("q", &[&text], &[("a", &text)]);
        backlog.add(
            client,
            Ready {
                slot,
                operation: Operation::Add(Addition::new(job, 0, Reuse::Never)),
                deadline: deadline.into_std(),
            },
        );
    }
}

fn next_batch(backlog: &mut Backlog, now: Instant) -> Option<(usize, Vec<u32>, bool)> {
    let trouble = Detail::from("trouble");
    let call = backlog.next_batch(now, &trouble)?;
    let (queue, whole) = (call.queue, call.whole);
    let sent = &backlog.sent.back()?.jobs;
    Some((
        queue,
        sent.iter().filter_map(|key| backlog.jobs.get(*key)).map(|job| job.ready.slot).collect(),
        whole,
    ))
}

fn send(backlog: &mut Backlog, end: u64) -> (usize, bool) {
    let (_, jobs, whole) = next_batch(backlog, Instant::now()).expect("a batch");
    backlog.ends_at(end);
    (jobs.len(), whole)
}

fn slots(backlog: &mut Backlog) -> Vec<u32> {
    next_batch(backlog, Instant::now()).unwrap().1
}

fn there(state: State) -> Answer {
    Answer::Existing { state, data: Data::Same { twin: false } }
}

fn codes(backlog: &mut Backlog) -> Vec<&'static str> {
    let name = |(_, settled)| match settled {
        Settled::Added => "added",
        Settled::Duplicate { .. } => "duplicate",
        Settled::Deduplicated { .. } => "deduplicated",
        Settled::Looked { .. } => "looked",
        Settled::Admitted(_) => "admitted",
        Settled::Done => "done",
        Settled::Failed(error) => match error.outcome() {
            Outcome::Unknown => "unknown",
            Outcome::Refused => "refused",
            Outcome::NotSent => "not-sent",
        },
    };
    backlog.news().map_or(vec![], |news| news.settled.drain(..).map(name).collect())
}

#[test]
fn a_lone_job_goes_at_once_and_so_does_the_next_and_more_wait_for_company_or_an_answer() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    assert_eq!(send(&mut backlog, 1), (1, false));
    add(&mut backlog, 1, now);
    assert_eq!(send(&mut backlog, 2), (1, false));
    add(&mut backlog, 15, now);
    assert!(next_batch(&mut backlog, now).is_none());
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
    assert!(next_batch(&mut backlog, now).is_none());
}

#[test]
fn a_batch_has_no_more_bytes_than_a_link_should_be_held_up_by_unless_one_job_alone_does() {
    let now = Instant::now();
    let mut backlog = backlog(0, now);
    let mut add = |slot, kib: usize| {
        let text = Text::from("x".repeat(kib * 1024).as_str());
        let job = Job::sample("q", &[], &[("a", &text)]);
        backlog.add(
            0,
            Ready {
                slot,
                operation: Operation::Add(Addition::new(job, 0, Reuse::Never)),
                deadline: (now + SECOND).into_std(),
            },
        );
    };
    for (slot, kib) in (0..).zip([100, 100, 100, 1000, 1]) {
        add(slot, kib);
    }
    let mut batches = Vec::new();
    while let Some((_, jobs, _)) = next_batch(&mut backlog, now) {
        batches.push(jobs);
        let batch = backlog.answered().unwrap();
        backlog.added(batch, vec![]);
    }
    assert_eq!(batches, [vec![0, 1], vec![2], vec![3], vec![4]]);
}

#[test]
fn duplicates_are_told_from_added_jobs_by_position() {
    let mut backlog = backlog(4, Instant::now());
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, vec![(0, there(State::Waiting)), (2, there(State::Active))]);
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
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
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
    backlog.added(batch, vec![]);
    assert!(codes(&mut backlog).is_empty());
    assert!(backlog.is_empty());
}

fn refuse(backlog: &mut Backlog, batch: Batch, message: &str) -> Next {
    backlog.refused(batch, message, said(message, "a:1"))
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
fn queues_take_turns_and_each_keeps_its_order() {
    let now = Instant::now();
    let mut backlog = backlog(300, now);
    let other = backlog.join(1);
    add_for(&mut backlog, other, 1000..1003, now + SECOND);
    let sent: Vec<_> =
        (0..4).map(|_| next_batch(&mut backlog, now).map(|(lane, jobs, _)| (lane, jobs[0]))).collect();
    assert_eq!(sent, [Some((0, 0)), Some((1, 1000)), Some((0, 128)), Some((0, 256))]);
}

#[test]
fn a_queue_with_one_job_has_its_turn_although_jobs_of_another_fill_the_link() {
    let now = Instant::now();
    let mut backlog = backlog(2000, now);
    let other = backlog.join(1);
    for end in 1..=4 {
        send(&mut backlog, end);
    }
    add_for(&mut backlog, other, 5000..5001, now + SECOND);
    let answered = backlog.answered().unwrap();
    backlog.added(answered, vec![]);
    assert_eq!(next_batch(&mut backlog, now).unwrap().1, [5000]);
}

#[test]
fn clients_of_one_queue_share_its_batches_and_each_hears_of_its_own_jobs() {
    let now = Instant::now();
    let mut backlog = backlog(2, now);
    let other = backlog.join(0);
    add_for(&mut backlog, other, 0..1, now + SECOND);
    assert_eq!(send(&mut backlog, 1).0, 3);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, vec![(2, there(State::Waiting))]);
    let mut told = Vec::new();
    while let Some(news) = backlog.news() {
        told.push((news.client, news.settled.drain(..).map(|(slot, _)| slot).collect::<Vec<_>>()));
    }
    told.sort();
    assert_eq!(told, [(0, vec![0, 1]), (other, vec![0])]);
    assert!(backlog.leave(0) && backlog.leave(other));
}

#[test]
fn the_jobs_of_a_client_that_moves_go_with_what_is_certain_and_those_on_their_way_follow() {
    let now = Instant::now();
    let mut backlog = backlog(16, now);
    let other = backlog.join(0);
    add_for(&mut backlog, other, 100..116, now + SECOND);
    send(&mut backlog, 10);
    add(&mut backlog, 1, now);
    add_for(&mut backlog, other, 116..117, now + SECOND);
    backlog.move_away(0);
    let fates = |backlog: &mut Backlog| {
        let news = backlog.news().unwrap();
        assert_eq!(news.client, 0);
        news.returned.drain(..).map(|(_, fate)| fate).collect::<Vec<_>>()
    };
    assert_eq!(fates(&mut backlog), [Fate::NotSent]);
    backlog.link_lost(10);
    assert_eq!(fates(&mut backlog), [Fate::Unknown; 16]);
    assert!(backlog.leave(0));
    // Those of the other client wait here, in order, and again before those that came later.
    assert_eq!(slots(&mut backlog), (100..117).collect::<Vec<_>>());
}

#[test]
fn a_client_can_be_forgotten_when_its_last_job_was_settled_on_its_way() {
    let now = Instant::now();
    for lost in [false, true] {
        let mut backlog = backlog(1, now);
        send(&mut backlog, 1);
        backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
        assert_eq!(codes(&mut backlog), ["unknown"]);
        assert!(!backlog.leave(0) && backlog.news().is_none());
        if lost {
            backlog.link_lost(1);
        } else {
            let batch = backlog.answered().unwrap();
            backlog.added(batch, vec![]);
        }
        assert_eq!(backlog.news().map(|news| news.client), Some(0));
        assert!(backlog.leave(0));
    }
}

#[test]
fn jobs_that_come_from_elsewhere_go_first_and_what_is_certain_of_them_stays() {
    let now = Instant::now();
    let mut backlog = backlog(1, now);
    let mut elsewhere = self::backlog(2, now);
    elsewhere.move_away(0);
    let mut jobs = std::mem::take(elsewhere.news().unwrap().returned);
    jobs.iter_mut().for_each(|(ready, fate)| (ready.slot, *fate) = (ready.slot + 50, Fate::Unknown));
    backlog.adopt(0, jobs);
    assert_eq!(slots(&mut backlog), [50, 51, 0]);
    backlog.link_lost(0);
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
    let mut codes = codes(&mut backlog);
    codes.sort();
    assert_eq!(codes, ["not-sent", "unknown", "unknown"]);
}

#[test]
fn what_was_settled_leaves_nothing_behind_however_long_its_deadline() {
    let now = Instant::now();
    let mut backlog = backlog(0, now);
    for _ in 0..100 {
        add_for(&mut backlog, 0, 0..128, now + SECOND * 3600);
        send(&mut backlog, 1);
        let batch = backlog.answered().unwrap();
        backlog.added(batch, vec![]);
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

#[test]
fn of_a_job_that_was_sent_before_nothing_is_said_to_be_certain_when_its_parent_is_gone() {
    let now = Instant::now();
    for (lost, said) in [(false, "refused"), (true, "unknown")] {
        let mut backlog = backlog(1, now);
        send(&mut backlog, 1);
        if lost {
            backlog.link_lost(1);
            let call = backlog.next_batch(now, &Detail::default()).unwrap();
            assert!(matches!(&call.work, Work::AddAny(jobs) | Work::AddPlain(jobs) if jobs[0].again));
        }
        let batch = backlog.answered().unwrap();
        backlog.added(batch, vec![(0, Answer::MissingParent("bull:q:p".into()))]);
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
        backlog.added(batch, vec![(0, Answer::Existing { state: State::Waiting, data })]);
        let news = backlog.news().unwrap();
        assert!(matches!(news.settled[0].1, Settled::Duplicate { same, .. } if same == expected));
    }
}

#[test]
fn what_is_held_of_a_job_beside_its_bytes_is_small() {
    assert!(size_of::<Pending>() <= 112, "{} bytes", size_of::<Pending>());
}
