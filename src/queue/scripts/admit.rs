//! A batch of calls that ask to be admitted, on the wire: one call of `admit.lua`, with every key declared but those of jobs
//! that a backlog has.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{RATE, Source, Strings, base_of};
use crate::core::quota::Limits;
use crate::queue::Destination;
use crate::queue::connection::resp::{Decimal, Reply, push_array, push_bulk};
use crate::queue::quota::{Admission, BatchName, Tenant, Verdict, rates};

static SOURCE: LazyLock<Source> = LazyLock::new(|| Source::new(&[RATE, include_str!("admit.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
    reuse: u64,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        Script { base: base_of(destination), reuse: destination.reuse as u64 }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, whole: bool, name: BatchName, batch: &[&Admission], out: &mut Vec<u8>) {
        let base = self.base.as_bytes();
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        keys.push(&[base, b"completed"]);
        keys.push(&[base, b"failed"]);
        let mut key = String::new();
        name.push_key(&self.base, &mut key);
        keys.push(&[key.as_bytes()]);
        keys.push(&[rates(&self.base).as_bytes()]);
        values.push_number(name.number);
        values.push_number(self.reuse);
        let longest = batch.iter().map(|admission| admission.grace_ms).max().unwrap_or_default();
        values.push_number(longest.into());
        let mut tenants = HashMap::<(&Tenant, Limits), usize>::with_capacity(batch.len());
        let (mut limits, mut calls, mut before) =
            (Strings::default(), Strings::default(), Strings::default());
        let (mut jobs, mut batches) = (Strings::default(), Strings::default());
        for (admission, place) in batch.iter().zip(1..) {
            let next = tenants.len() + 1;
            let number = *tenants.entry((&admission.tenant, admission.limits)).or_insert_with(|| {
                if admission.limits.backlog.is_some() {
                    keys.push(&[admission.tenant.backlog(&self.base).as_bytes()]);
                }
                limits.push(&[admission.tenant.name().as_bytes()]);
                push_limits(&admission.limits, &mut limits);
                next
            });
            jobs.push(&[base, &admission.id]);
            calls.push_number(number as u64);
            for attempt in &admission.earlier {
                key.clear();
                attempt.batch.push_key(&self.base, &mut key);
                batches.push(&[key.as_bytes()]);
                before.push_number(place);
                before.push_number(u64::from(attempt.position) + 1);
            }
        }
        values.push_number(tenants.len() as u64);
        values.push_number(batch.len() as u64);
        let key_count = keys.count + jobs.count + batches.count;
        push_array(3 + key_count + values.count + limits.count + calls.count + before.count, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(key_count as u64), out);
        for strings in [keys, jobs, batches, values, limits, calls, before] {
            out.extend_from_slice(&strings.bytes);
        }
    }
}

fn push_limits(limits: &Limits, values: &mut Strings) {
    values.push_number(limits.backlog.unwrap_or_default().into());
    match &limits.rate {
        Some(rate) => {
            values.push_number(rate.step());
            values.push_number(rate.reach());
        }
        None => values.push_number(0),
    }
}

/// What a reply says of each call of a batch of so many; nothing when this is no reply to the batch.
pub fn verdicts(reply: &Reply, number: u64, batch: usize) -> Option<Vec<Verdict>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let (Reply::Integer(first), rest) = items.split_first()? else {
        return None;
    };
    let (pairs, []) = rest.as_chunks::<2>() else {
        return None;
    };
    if u64::try_from(*first) != Ok(number) || pairs.len() != batch {
        return None;
    }
    pairs.iter().map(read).collect()
}

fn read(pair: &[Reply; 2]) -> Option<Verdict> {
    let [Reply::Integer(what), Reply::Integer(more)] = pair else {
        return None;
    };
    let more = u64::try_from(*more).ok()?;
    match what {
        0 => Some(Verdict::Free),
        1 | 2 => Some(Verdict::Charged { until: more, place: *what == 1 }),
        3 => Some(Verdict::TooFast { retry_after_ms: more }),
        4 => Some(Verdict::TooMany),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::quota::Rate;
    use crate::queue::quota::Attempt;

    const NAME: BatchName = BatchName { writer: 255, number: 9 };

    fn admission(tenant: &str, id: &str, limits: Limits) -> Admission {
        let id = id.as_bytes().into();
        Admission { tenant: Tenant::new(tenant), id, limits, grace_ms: 5000, earlier: Vec::new() }
    }

    /// The keys, without what all have in common, and the values.
    fn strings(batch: &[&Admission]) -> (Vec<String>, Vec<String>) {
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, NAME, batch, &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        let keys: usize = strings[2].parse().unwrap();
        let short = |key: &String| key.strip_prefix("bull:ticket-triage:").unwrap().to_owned();
        (strings[3..3 + keys].iter().map(short).collect(), strings[3 + keys..].to_vec())
    }

    #[test]
    fn what_a_tenant_may_is_sent_once_and_a_call_that_may_have_been_in_a_batch_names_that() {
        let rate = Rate { limit: 7, period_ms: 1, burst: 3 };
        let [fast, many] =
            [Limits { rate: Some(rate), backlog: None }, Limits { rate: None, backlog: Some(10) }];
        let [one, mut two, three] =
            [admission("a", "1", fast), admission("a", "2", fast), admission("b", "3", many)];
        two.earlier.push(Attempt { batch: BatchName { writer: 1, number: 2 }, position: 4 });
        let (keys, values) = strings(&[&one, &two, &three]);
        assert_eq!(
            keys,
            [
                &["completed", "failed", "quota:b:ff:9:said", "quota:rates", "quota:t:b:backlog:ids"][..],
                &["1", "2", "3", "quota:b:1:2:said"],
            ]
            .concat()
        );
        let expected = "9 0 5000 2 3 t:a 0 1143 3429 t:b 10 0 1 1 2 2 5";
        assert_eq!(values.join(" "), expected);
    }

    #[test]
    fn a_reply_has_a_verdict_for_each_call_and_what_does_not_is_none() {
        let reply = |numbers: &[i64]| Reply::Array(numbers.iter().map(|it| Reply::Integer(*it)).collect());
        assert_eq!(
            verdicts(&reply(&[9, 0, 0, 1, 17, 2, 0, 3, 600, 4, 0]), 9, 5),
            Some(vec![
                Verdict::Free,
                Verdict::Charged { until: 17, place: true },
                Verdict::Charged { until: 0, place: false },
                Verdict::TooFast { retry_after_ms: 600 },
                Verdict::TooMany,
            ])
        );
        for wrong in [&[][..], &[9], &[8, 0, 0], &[9, 0], &[9, 5, 0], &[9, 1, -1], &[9, 0, 0, 0, 0]] {
            assert_eq!(verdicts(&reply(wrong), 9, 1), None, "{wrong:?}");
        }
        assert_eq!(verdicts(&Reply::Integer(9), 9, 1), None);
    }
}
