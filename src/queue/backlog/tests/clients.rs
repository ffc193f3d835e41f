//! Whose jobs they are.

use super::*;

#[test]
fn clients_of_one_queue_share_its_batches_and_each_hears_of_its_own_jobs() {
    let now = Instant::now();
    let mut backlog = backlog(2, now);
    let other = backlog.join(0);
    add_for(&mut backlog, other, 0..1, now + SECOND);
    assert_eq!(send(&mut backlog, 1).0, 3);
    let batch = backlog.answered().unwrap();
    backlog.added(batch, others(vec![(2, there(State::Waiting))]));
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
    backlog.link_lost(10, &"it broke".into());
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
            backlog.link_lost(1, &"it broke".into());
        } else {
            let batch = backlog.answered().unwrap();
            backlog.added(batch, others(vec![]));
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
    backlog.link_lost(0, &"it broke".into());
    backlog.expire(now + SECOND + TICK, &Detail::default(), Detail::default);
    let mut codes = codes(&mut backlog);
    codes.sort();
    assert_eq!(codes, ["not-sent", "unknown", "unknown"]);
}
