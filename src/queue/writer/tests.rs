//! What holds even when the writer has a defect.

mod attempts;
mod links;
mod moving;

use std::sync::mpsc;

use super::*;
use crate::core::{Job, Text};
use crate::queue::{Addition, Destination, Operation, Ready, Reuse, Settled};

pub(super) fn ready(slot: u32, timeout: Duration) -> Ready {
    let text = Text::from("x");
    let job = Job::sample("q", &[&text], &[("a", &text)]);
    Ready {
        slot,
        operation: Operation::Add(Addition::new(job, 0, Reuse::Never)),
        deadline: (Instant::now() + timeout).into_std(),
    }
}

#[test]
fn a_panic_on_the_writers_thread_leaves_no_job_unsettled_and_the_thread_goes_on() {
    let (settled, outcomes) = mpsc::channel();
    let mut injected = false;
    // What is settled when it panics is settled all the same.
    let sink = Box::new(move |jobs: &mut Vec<(u32, Settled)>| {
        if !std::mem::replace(&mut injected, true) {
            panic!("injected");
        }
        jobs.drain(..).for_each(|(slot, _)| settled.send(slot).unwrap());
    });
    let config = crate::queue::connection::config::tests::local(1);
    let writer = Share::join(Arc::new(Writer::start(config).unwrap()), Destination::sample("bull"), sink);
    for slots in [[1, 2], [3, 4]] {
        assert!(writer.push(slots.map(|slot| ready(slot, Duration::from_millis(50))).into()).is_ok());
        let mut seen = [outcomes.recv().unwrap(), outcomes.recv().unwrap()];
        seen.sort_unstable();
        assert_eq!(seen, slots);
    }
}
