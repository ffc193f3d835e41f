//! Jobs that Redis gives a number for an id.

use super::*;
use crate::core::job::JobBuilder;

/// With so many jobs that have no id.
fn backlog(jobs: u32, now: Instant) -> Backlog {
    let mut backlog = super::backlog(0, now);
    for slot in 0..jobs {
        let job = JobBuilder::default().build(|_, _| {}, |data| data.push(b'7'));
        let operation = Operation::Add(Addition::new(job, 0, Reuse::Never));
        backlog.add(0, Ready { slot, operation, deadline: (now + SECOND).into_std() });
    }
    backlog
}

#[test]
fn each_is_told_its_number_and_what_bullmq_does_not_count_takes_none() {
    let mut backlog = backlog(4, Instant::now());
    send(&mut backlog, 1);
    let batch = backlog.answered().unwrap();
    let others = vec![
        (1, Answer::MissingParent("bull:q:p".into())),
        (2, Answer::Deduplicated { state: State::Waiting, id: "x".into() }),
    ];
    backlog.added(batch, Additions { others, counted: Some(300) });
    let told = |(_, settled)| match settled {
        Settled::Named(id) => id,
        other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    };
    let told: Vec<_> = backlog.news().unwrap().settled.drain(..).map(told).collect();
    assert_eq!(told, ["301", "Failed", "Deduplicated", "303"]);
}

#[test]
fn one_that_may_have_been_added_is_not_sent_again() {
    let now = Instant::now();
    for (written, code, waiting) in [(9, "not-sent", 2), (10, "unknown", 0)] {
        let mut backlog = backlog(2, now);
        send(&mut backlog, 10);
        backlog.link_lost(written, &"it broke".into());
        assert_eq!(backlog.waiting, waiting);
        backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
        assert_eq!(codes(&mut backlog), [code; 2]);
    }
}
