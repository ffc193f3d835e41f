//! Which jobs go together, and when.

use super::*;

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
    backlog.added(batch, others(vec![]));
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
        backlog.added(batch, others(vec![]));
    }
    assert_eq!(batches, [vec![0, 1], vec![2], vec![3], vec![4]]);
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
    backlog.added(answered, others(vec![]));
    assert_eq!(next_batch(&mut backlog, now).unwrap().1, [5000]);
}
