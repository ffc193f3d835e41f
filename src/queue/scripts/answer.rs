//! What a script answers of the jobs that it did not add.

use serde_json::Value;

use crate::queue::connection::resp::Reply;

/// Where a job is that was there already, as far as its keys tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Delayed,
    Prioritized,
    WaitingChildren,
    Active,
    Completed,
    Failed,
    /// In no list or set of the queue, or in none that the user may look into.
    Unknown,
}

impl State {
    /// All states by their numbers, in the words of BullMQ.
    pub const NAMES: [&str; 8] =
        ["waiting", "delayed", "prioritized", "waiting-children", "active", "completed", "failed", "unknown"];
    const ALL: [State; 8] = [
        State::Waiting,
        State::Delayed,
        State::Prioritized,
        State::WaitingChildren,
        State::Active,
        State::Completed,
        State::Failed,
        State::Unknown,
    ];

    pub fn read(name: &[u8]) -> Option<State> {
        let at = State::NAMES.iter().position(|known| known.as_bytes() == name)?;
        State::ALL.get(at).copied()
    }
}

/// What data a job has that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    Other,
    Same {
        /// Whether it has the same timestamp too.
        twin: bool,
    },
    /// These, which are other bytes.
    Stored(Vec<u8>),
}

/// Why a job was not added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A job of its id is there.
    Existing { state: State, data: Data },
    /// Another one stands for its deduplication id.
    Deduplicated { state: State, id: String },
    /// The parent with this key is not there.
    MissingParent(String),
    /// The job of its id has another parent than the one with this key.
    OtherParent(String),
}

/// What the reply to a batch says of its jobs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// What became of those that were not added, by position from 0, in ascending order.
    pub others: Vec<(usize, Answer)>,
    /// What Redis had counted before them, where some had no id.
    pub counted: Option<u64>,
}

/// Nothing when this is no reply to the batch.
pub fn answers(reply: &Reply, number: u64, batch: usize) -> Option<Additions> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let (Reply::Integer(first), rest) = items.split_first()? else {
        return None;
    };
    let (counted, rest) = match rest {
        [Reply::Bulk(counted), rest @ ..] => (Some(text(counted).parse().ok()?), rest),
        rest => (None, rest),
    };
    let (triples, []) = rest.as_chunks::<3>() else {
        return None;
    };
    if u64::try_from(*first) != Ok(number) {
        return None;
    }
    let others = triples.iter().map(|triple| read(triple, batch)).collect::<Option<_>>()?;
    Some(Additions { others, counted })
}

fn read([position, what, more]: &[Reply; 3], batch: usize) -> Option<(usize, Answer)> {
    let (Reply::Integer(position), Reply::Bulk(what)) = (position, what) else {
        return None;
    };
    let position = usize::try_from(*position).ok().filter(|at| (1..=batch).contains(at))? - 1;
    let answer = match (what.split_first()?, more) {
        ((b'+', state), Reply::Bulk(id)) => Answer::Deduplicated { state: State::read(state)?, id: text(id) },
        ((b'!', b"MISSING_PARENT"), Reply::Bulk(key)) => Answer::MissingParent(text(key)),
        ((b'!', b"PARENT_CONFLICT"), Reply::Bulk(key)) => Answer::OtherParent(text(key)),
        (_, Reply::Integer(0)) => Answer::Existing { state: State::read(what)?, data: Data::Other },
        (_, Reply::Integer(same @ 1..=2)) => {
            Answer::Existing { state: State::read(what)?, data: Data::Same { twin: *same == 2 } }
        }
        (_, Reply::Bulk(stored)) => {
            Answer::Existing { state: State::read(what)?, data: Data::Stored(stored.clone()) }
        }
        _ => return None,
    };
    Some((position, answer))
}

/// Whether two texts are the same JSON: members in any order, numbers as those that read them have them.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let read = |text| serde_json::from_slice::<Value>(text);
    matches!((read(one), read(other)), (Ok(one), Ok(other)) if equal(&one, &other))
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| equal(one, other)))
        }
        _ => one == other,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn int(value: i64) -> Reply {
        Reply::Integer(value)
    }

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.into())
    }

    #[test]
    fn a_reply_names_its_batch_and_what_became_of_positions_within_it() {
        let read = |items: Vec<Reply>| answers(&Reply::Array(items), 7, 2).map(|told| told.others);
        assert_eq!(read(vec![int(7)]), Some(vec![]));
        let counted = Additions { others: vec![], counted: Some(300) };
        assert_eq!(answers(&Reply::Array(vec![int(7), bulk("300")]), 7, 2), Some(counted));
        for (at, state) in State::NAMES.iter().enumerate() {
            let existing = Answer::Existing { state: State::ALL[at], data: Data::Same { twin: false } };
            assert_eq!(read(vec![int(7), int(2), bulk(state), int(1)]), Some(vec![(1, existing)]));
        }
        let existing = |data| Answer::Existing { state: State::Failed, data };
        assert_eq!(
            read(vec![int(7), int(1), bulk("failed"), int(0), int(2), bulk("failed"), int(2)]),
            Some(vec![(0, existing(Data::Other)), (1, existing(Data::Same { twin: true }))])
        );
        let stored = existing(Data::Stored(b"{}".to_vec()));
        assert_eq!(read(vec![int(7), int(1), bulk("failed"), bulk("{}")]), Some(vec![(0, stored)]));
        let deduplicated = Answer::Deduplicated { state: State::Active, id: "x".into() };
        assert_eq!(read(vec![int(7), int(1), bulk("+active"), bulk("x")]), Some(vec![(0, deduplicated)]));
        for (word, answer) in [
            ("!MISSING_PARENT", Answer::MissingParent("k".into())),
            ("!PARENT_CONFLICT", Answer::OtherParent("k".into())),
        ] {
            assert_eq!(read(vec![int(7), int(1), bulk(word), bulk("k")]), Some(vec![(0, answer)]));
        }
    }

    #[test]
    fn json_is_compared_by_what_it_says() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (one, other, same) in [
            (r#"{"a":1,"b":[{"c":"x"},null]}"#, r#"{ "b": [{"c":"\u0078"},null], "a": 1.0 }"#, true),
            ("[]", "[ ]", true),
            ("[]", "{}", false),
            (r#"{"a":[]}"#, r#"{"a":{}}"#, false),
            (r#"{"a":null}"#, "{}", false),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            (r#""[]""#, r#""[ ]""#, false),
            ("[1,2]", "[2,1]", false),
            ("100", "1e2", true),
            ("", "{}", false),
            (&deep, &deep, false),
        ] {
            assert_eq!(is_same(one.as_bytes(), other.as_bytes()), same, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_reply_to_the_batch_is_none() {
        let duplicate = |position| vec![int(7), int(position), bulk("failed"), int(1)];
        for items in [
            vec![],
            vec![int(6)],
            duplicate(0),
            duplicate(3),
            duplicate(-1),
            vec![int(7), int(1)],
            vec![int(7), bulk("x")],
            vec![int(7), int(1), bulk("failed")],
            vec![int(7), int(1), bulk(""), int(1)],
            vec![int(7), int(1), bulk("lost"), int(1)],
            vec![int(7), int(1), bulk("failed"), int(3)],
            vec![int(7), int(1), bulk("+failed"), int(1)],
            vec![int(7), int(1), bulk("!NO"), bulk("x")],
        ] {
            assert_eq!(answers(&Reply::Array(items), 7, 2), None);
        }
        for wrong in [int(7), Reply::Nil, bulk("7")] {
            assert_eq!(answers(&wrong, 7, 2), None);
        }
    }
}
