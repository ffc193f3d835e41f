//! What the native path allocates, held to fixed bounds: a copy or a buffer too many fails here, without any timing.
//!
//! Counted on the thread of the test alone, so that other tests may run beside it, and in the second of two equal rounds,
//! when the buffers that are kept between calls have their size.

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use tokio::time::Instant;

use crate::core::plan::tests::tickets;
use crate::core::plan::{Caller, MAX_DATA, Plan};
use crate::core::{Detail, Error, Field, Job, Kind, Text};
use crate::queue::backlog::Backlog;
use crate::queue::connection::resp;
use crate::queue::scripts::answer::answers;
use crate::queue::scripts::{Answers, Scripts};
use crate::queue::{Addition, Destination, Operation, Ready, Reuse};

const USUAL: &str = "The printer on floor 3 prints only blank pages since this morning";

fn texts(summary: &str) -> [Text; 3] {
    ["acme", "T-1042", summary].map(Text::from)
}

fn accept(triage: &mut Plan, values: [Field<'_>; 3]) -> Result<Job, Error> {
    triage.accept_fields(&values, Caller::Unchecked)
}

/// What the second of two equal rounds gives and allocates. `prepare` is not counted.
fn second<I, T>(mut prepare: impl FnMut() -> I, mut round: impl FnMut(I) -> T) -> (T, AllocationInfo) {
    round(prepare());
    let input = prepare();
    let mut given = None;
    let seen = measure(|| given = Some(round(input)));
    (given.expect("the round has run"), seen)
}

#[track_caller]
fn assert_at_most(count: u64, bytes: u64, seen: AllocationInfo) {
    let within = seen.count_total <= count && seen.bytes_total <= bytes;
    assert!(within, "{} allocations of {} bytes in all", seen.count_total, seen.bytes_total);
}

/// Texts of a ticket: short, with escapes and more than ASCII, and long.
fn summaries() -> [String; 3] {
    [USUAL.to_owned(), "\"Größe\" 日本語 👍\n".repeat(20), "x".repeat(64 * 1024)]
}

#[test]
fn reading_a_text_allocates_nothing() {
    for summary in summaries() {
        let units: Vec<u16> = summary.encode_utf16().collect();
        let mut text = Text::default();
        let read = |()| {
            text.read(|buffer| {
                buffer.extend_from_slice(&units);
                Ok::<_, ()>(())
            })
        };
        assert_at_most(0, 0, second(|| (), read).1);
    }
}

#[test]
fn a_valid_ticket_allocates_its_job_and_next_to_nothing_else() {
    let mut triage = tickets();
    for summary in summaries() {
        let texts = texts(&summary);
        let values = texts.each_ref().map(Field::Text);
        let (job, seen) = second(|| (), |()| accept(&mut triage, values).unwrap());
        // The job, and the 48 bytes that the validator walks the properties with. No second copy of a long text fits.
        assert_at_most(3, job.size() as u64 + 96, seen);
    }
}

#[test]
fn an_invalid_ticket_allocates_its_issues() {
    let mut triage = tickets();
    let fine = Text::from("x");
    let empty = Text::default();
    let one = [&fine, &fine, &empty].map(Field::Text);
    let three = [Field::Other(Kind::Undefined), Field::Other(Kind::Number), Field::Text(&empty)];
    // Of 11 allocations and 792 bytes, and of 21 and 1510, most are the validator's own.
    for (values, count, bytes) in [(one, 17, 1200), (three, 32, 2250)] {
        let (refused, seen) = second(|| (), |()| accept(&mut triage, values));
        assert!(matches!(refused, Err(Error::InvalidInput { .. })));
        assert_at_most(count, bytes, seen);
    }
}

#[test]
fn an_invalid_ticket_is_not_copied() {
    let mut triage = tickets();
    let long = Text::from(&*"x".repeat(64 * 1024));
    let colon = Text::from(&*":".repeat(64 * 1024));
    for values in
        [[Field::Text(&long), Field::Text(&long), Field::Other(Kind::Undefined)], [Field::Text(&colon); 3]]
    {
        let (refused, seen) = second(|| (), |()| accept(&mut triage, values));
        assert!(matches!(refused, Err(Error::InvalidInput { .. })));
        assert_at_most(48, 8192, seen);
    }
}

#[test]
fn a_huge_text_is_refused_without_an_allocation() {
    let mut triage = tickets();
    let texts = texts(&"x".repeat(MAX_DATA));
    let values = texts.each_ref().map(Field::Text);
    let (refused, seen) = second(|| (), |()| accept(&mut triage, values));
    assert!(matches!(refused, Err(Error::PayloadTooLarge { .. })));
    assert_at_most(0, 0, seen);
}

#[test]
fn jobs_go_out_and_are_answered_with_few_allocations_a_batch() {
    let mut triage = tickets();
    let texts = texts(USUAL);
    let values = texts.each_ref().map(Field::Text);
    let scripts = Scripts::new(&Destination::sample("bull"), false);
    let mut backlog = Backlog::default();
    let client = backlog.join(0);
    let trouble = Detail::default();
    let mut buffer = Vec::new();
    let now = Instant::now();
    let deadline = (now + Duration::from_secs(5)).into_std();
    // The writer's turns without the socket between them; gives how many batches there were.
    let mut enqueue = |jobs: Vec<Job>| {
        let count = jobs.len();
        for (slot, job) in (0..).zip(jobs) {
            backlog.add(
                client,
                Ready {
                    slot,
                    operation: Operation::Add(Addition::new(job, 1_700_000_000_000, Reuse::Never)),
                    deadline,
                },
            );
        }
        let mut batches = 0;
        while !backlog.is_empty() {
            while let Some(call) = backlog.next_batch(now, &trouble) {
                batches += 1;
                buffer.clear();
                scripts.push_call(&call, &mut buffer);
            }
            while let Some(batch) = backlog.answered() {
                buffer.clear();
                resp::push_array(1, &mut buffer);
                buffer.push(b':');
                buffer.extend_from_slice(resp::Decimal::default().write(batch.number));
                buffer.extend_from_slice(b"\r\n");
                let (reply, _) = resp::parse(&buffer).unwrap().unwrap();
                let answers = answers(&reply, batch.number, batch.jobs.len()).unwrap();
                backlog.ran(batch, Answers::Added(answers));
            }
        }
        let settled = backlog.news().unwrap().settled;
        assert_eq!(settled.len(), count);
        settled.clear();
        batches
    };
    for jobs in [1, 256_u64] {
        let accepted = || (0..jobs).map(|_| accept(&mut triage, values).unwrap()).collect();
        let (batches, seen) = second(accepted, &mut enqueue);
        assert!(batches <= jobs.div_ceil(16), "{batches} batches for {jobs} jobs");
        // The names of a batch's jobs and the way to them, 16 bytes a job, the set that finds ids which stand twice, some
        // 34, the array of its reply, of 128, and now and then more room for names by deadline: half as much again.
        assert_at_most(4 * batches + 1, 125 * jobs + 660 * batches, seen);
    }
}
