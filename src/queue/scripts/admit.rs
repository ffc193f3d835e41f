//! A batch of calls that ask to be admitted, on the wire: one call of `admit.lua`, with every key declared but those of jobs
//! that a backlog has.

use std::sync::LazyLock;

use super::{RATE, REFUSAL, Source, Strings, base_of};
use crate::core::quota::Limits;
use crate::queue::Destination;
use crate::queue::connection::resp::{Decimal, Reply, push_array, push_bulk};
use crate::queue::quota::{Admission, BatchName, Claim, Party, Verdict, rates};

static SOURCE: LazyLock<Source> = LazyLock::new(|| Source::new(&[REFUSAL, RATE, include_str!("admit.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
    rates: [String; 2],
    reuse: u64,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        let base = base_of(destination);
        Script { rates: rates(&base), base, reuse: destination.reuse as u64 }
    }

    /// Appends the call for a batch of these parties.
    pub fn push_call(
        &self,
        whole: bool,
        name: BatchName,
        (batch, parties): (&[&Admission], &[Party]),
        out: &mut Vec<u8>,
    ) {
        let base = self.base.as_bytes();
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        keys.push(&[base, b"completed"]);
        keys.push(&[base, b"failed"]);
        let mut key = String::new();
        name.push_key(&self.base, &mut key);
        keys.push(&[key.as_bytes()]);
        for rates in &self.rates {
            keys.push(&[rates.as_bytes()]);
        }
        values.push_number(name.number);
        values.push_number(self.reuse);
        let longest = batch.iter().map(|admission| admission.grace_ms).max().unwrap_or_default();
        values.push_number(longest.into());
        let counts: Vec<_> = parties.iter().map(|party| party.calls).collect();
        values.push(&[&counts]);
        let first_of_each: Vec<_> = parties
            .iter()
            .scan(0, |next, party| {
                let first = *next;
                *next += usize::from(party.calls);
                batch.get(first).map(|admission| (*admission, party.renew))
            })
            .collect();
        let runs: Vec<_> =
            first_of_each.chunk_by(|one, two| (one.0.limits, one.1) == (two.0.limits, two.1)).collect();
        values.push_number(runs.len() as u64);
        for run in runs {
            values.push_number(run.len() as u64);
            push_limits(&run[0].0.limits, run[0].1, &mut values);
        }
        for (admission, _) in &first_of_each {
            if admission.limits.backlog.is_some() {
                keys.push(&[admission.tenant.backlog(&self.base).as_bytes()]);
            }
            if admission.limits.rate.is_some() {
                values.push(&[admission.tenant.name().as_bytes()]);
            }
        }
        for admission in batch {
            keys.push(&[base, &admission.id]);
        }
        for (admission, place) in batch.iter().zip(1..) {
            for attempt in &admission.earlier {
                key.clear();
                attempt.batch.push_key(&self.base, &mut key);
                keys.push(&[key.as_bytes()]);
                values.push_number(place);
                for at in [attempt.position, attempt.party, attempt.last] {
                    values.push_number(u64::from(at) + 1);
                }
            }
        }
        push_array(3 + keys.count + values.count, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(keys.count as u64), out);
        out.extend_from_slice(&keys.bytes);
        out.extend_from_slice(&values.bytes);
    }
}

fn push_limits(limits: &Limits, renew: bool, values: &mut Strings) {
    values.push_number(limits.backlog.unwrap_or_default().into());
    values.push_number(renew.into());
    match &limits.rate {
        Some(rate) => {
            values.push_number(rate.step());
            values.push_number(rate.reach());
        }
        None => values.push_number(0),
    }
}

/// What a reply says of each call of a batch of these parties; nothing when this is no reply to the batch.
pub fn verdicts(reply: &Reply, number: u64, parties: &[Party]) -> Option<Vec<Verdict>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let [first, now, Reply::Bulk(text), more @ ..] = &items[..] else {
        return None;
    };
    let now = whole(now)?;
    let mut words = text.split(|byte| *byte == b' ');
    let (given_up, codes) = (decimal(words.next()?)?, words.next()?);
    let (said, []) = more.as_chunks::<2>() else {
        return None;
    };
    let calls: usize = parties.iter().map(|party| usize::from(party.calls)).sum();
    if whole(first)? != number || codes.len() != calls {
        return None;
    }
    let (mut codes, mut said) = (codes, said.iter());
    let mut verdicts = Vec::with_capacity(codes.len());
    for party in parties {
        let of_party;
        (of_party, codes) = codes.split_at_checked(party.calls.into())?;
        let (end, step) = (decimal(words.next()?)?, party.rate.map_or(0, |rate| rate.step()));
        let mut later = of_party.iter().filter(|code| matches!(code, b'1' | b'2')).count() as u64;
        for code in of_party {
            verdicts.push(match code {
                b'0' => Verdict::Free,
                b'1' | b'2' => {
                    later -= 1;
                    let place = Claim { given_up, in_its_place: *code == b'2' };
                    Verdict::Charged { until: end.checked_sub(later * step)?, place }
                }
                b'3' => Verdict::TooFast { retry_after_ms: party.rate?.wait_ms(end, now) },
                b'4' => Verdict::TooMany,
                b'5' | b'6' => {
                    let [until, given_up] = said.next()?;
                    let place = Claim { given_up: whole(given_up)?, in_its_place: *code == b'6' };
                    Verdict::Charged { until: whole(until)?, place }
                }
                _ => return None,
            });
        }
    }
    (said.next().is_none() && words.next().is_none()).then_some(verdicts)
}

fn decimal(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.parse().ok()
}

fn whole(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::quota::Rate;
    use crate::queue::quota::{Attempt, Tenant};

    const NAME: BatchName = BatchName { writer: 255, number: 9 };
    const RATE: Rate = Rate { limit: 7, period_ms: 1, burst: 3 };

    fn admission(tenant: &str, id: &str, limits: Limits) -> Admission {
        let id = id.as_bytes().into();
        Admission { tenant: Tenant::new(tenant), id, limits, grace_ms: 5000, earlier: Vec::new() }
    }

    /// The keys, without what all have in common, and the values.
    fn strings(batch: &[&Admission], parties: &[Party]) -> (Vec<String>, Vec<String>) {
        let mut out = Vec::new();
        Script::new(&Destination::sample("bull")).push_call(false, NAME, (batch, parties), &mut out);
        let out = String::from_utf8(out).unwrap();
        let strings: Vec<_> = out.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        assert!(out.starts_with(&format!("*{}\r\n", strings.len())));
        let keys: usize = strings[2].parse().unwrap();
        let short = |key: &String| key.strip_prefix("bull:ticket-triage:").unwrap().to_owned();
        (strings[3..3 + keys].iter().map(short).collect(), strings[3 + keys..].to_vec())
    }

    #[test]
    fn what_tenants_have_in_common_is_sent_once_and_a_call_that_may_have_been_in_a_batch_names_that() {
        let [fast, many] =
            [Limits { rate: Some(RATE), backlog: None }, Limits { rate: None, backlog: Some(10) }];
        let [one, mut two, other, three] = [
            admission("a", "1", fast),
            admission("a", "2", fast),
            admission("c", "4", fast),
            admission("b", "3", many),
        ];
        two.earlier.push(Attempt {
            batch: BatchName { writer: 1, number: 2 },
            position: 4,
            party: 1,
            last: 6,
        });
        let party = |calls, rate, renew| Party { calls, rate, renew };
        let parties = [party(2, Some(RATE), false), party(1, Some(RATE), false), party(1, None, true)];
        let (keys, values) = strings(&[&one, &two, &other, &three], &parties);
        let of_queue = ["completed", "failed", "quota:b:ff:9:said", "quota:rates", "quota:rates-before"];
        let own = ["quota:t:b:backlog:ids", "1", "2", "4", "3", "quota:b:1:2:said"];
        assert_eq!(keys, [&of_queue[..], &own].concat());
        let expected = "9 0 5000 \u{2}\u{1}\u{1} 2 2 0 0 1143 3429 1 10 1 0 t:a t:c 2 5 2 7";
        assert_eq!(values.join(" "), expected);
    }

    #[test]
    fn a_reply_has_a_verdict_for_each_call_and_what_does_not_is_none() {
        let party = |calls, rate| Party { calls, rate, renew: false };
        let reply = |text: &str, more: &[i64]| {
            let head = [Reply::Integer(9), Reply::Integer(20_000), Reply::Bulk(text.into())];
            Reply::Array(head.into_iter().chain(more.iter().map(|it| Reply::Integer(*it))).collect())
        };
        let place = |given_up, in_its_place| Claim { given_up, in_its_place };
        let parties = [party(4, Some(RATE)), party(3, None)];
        assert_eq!(
            verdicts(&reply("6000 0123416 22286 0", &[17, 5000]), 9, &parties),
            Some(vec![
                Verdict::Free,
                Verdict::Charged { until: 22_286 - 1143, place: place(6000, false) },
                Verdict::Charged { until: 22_286, place: place(6000, true) },
                Verdict::TooFast { retry_after_ms: 1 },
                Verdict::TooMany,
                Verdict::Charged { until: 0, place: place(6000, false) },
                Verdict::Charged { until: 17, place: place(5000, true) },
            ])
        );
        for (text, more) in [
            ("6000 0000000 1", &[][..]),
            ("6000 000000 1 1", &[]),
            ("6000 000000x 1 1", &[]),
            ("6000 0000003 1 1", &[]),
            ("6000 0000005 1 1", &[]),
            ("6000 0000000 1 1 1", &[]),
            ("6000 0000000 1 1", &[1, 1]),
            ("6000 0110000 1 1", &[]),
            ("6000 0000000 -1 1", &[]),
            ("6000 0000000 1 ", &[]),
            ("x 0000000 1 1", &[]),
            ("", &[]),
        ] {
            assert_eq!(verdicts(&reply(text, more), 9, &parties), None, "{text} {more:?}");
        }
        assert_eq!(verdicts(&reply("6000 0000000 1 1", &[]), 8, &parties), None);
        assert_eq!(verdicts(&Reply::Integer(9), 9, &parties), None);
    }
}
