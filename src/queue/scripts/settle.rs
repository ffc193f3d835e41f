//! What is put right of calls that were admitted, on the wire: one call of `settle.lua`, with every key declared.

use std::sync::LazyLock;

use super::{RATE, REFUSAL, Source, Strings, base_of};
use crate::queue::Destination;
use crate::queue::connection::resp::{Decimal, Reply, push_array, push_bulk};
use crate::queue::quota::{Claim, Place, Settlement, rates};

static SOURCE: LazyLock<Source> = LazyLock::new(|| Source::new(&[REFUSAL, RATE, include_str!("settle.lua")]));

/// The script and everything of its call that is the same for each batch of a queue.
pub struct Script {
    base: String,
}

impl Script {
    pub fn new(destination: &Destination) -> Self {
        Script { base: base_of(destination) }
    }

    /// Appends the call for a batch.
    pub fn push_call(&self, whole: bool, number: u64, batch: &[&Settlement], out: &mut Vec<u8>) {
        let (mut keys, mut values) = (Strings::default(), Strings::default());
        for rates in rates(&self.base) {
            keys.push(&[rates.as_bytes()]);
        }
        values.push_number(number);
        for settlement in batch {
            let Settlement { claim, id, .. } = settlement;
            let instead = match settlement.place {
                Place::Leave => None,
                Place::Keep => Some(Claim::known(id)),
                Place::GiveUp => Some(Vec::new()),
            };
            match instead {
                Some(instead) => {
                    keys.push(&[settlement.tenant.backlog(&self.base).as_bytes()]);
                    values.push(&[&claim.text(id)]);
                    values.push(&[&instead]);
                }
                None => values.push(&[b""]),
            }
            match &settlement.token {
                Some((rate, until)) => {
                    values.push_number(rate.step());
                    values.push(&[settlement.tenant.name().as_bytes()]);
                    values.push_number(*until);
                }
                None => values.push_number(0),
            }
        }
        push_array(3 + keys.count + values.count, out);
        SOURCE.push(whole, out);
        push_bulk(Decimal::default().write(keys.count as u64), out);
        out.extend_from_slice(&keys.bytes);
        out.extend_from_slice(&values.bytes);
    }
}

/// Whether this is the reply to the batch.
pub fn is_reply(reply: &Reply, number: u64) -> bool {
    matches!(reply, Reply::Array(items) if matches!(&items[..], [Reply::Integer(first)] if u64::try_from(*first) == Ok(number)))
}
