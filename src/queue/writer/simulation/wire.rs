//! Commands as they come over a modelled connection: cut into frames, and read as calls of the script.

use std::ops::Range;

use crate::queue::scripts::QUEUE_KEYS;

/// Cuts what comes in, however it comes, into whole commands.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How far is read, and how many strings of the command are still to come.
    at: usize,
    left: Option<usize>,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next command, once it is there to the last byte.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.left == Some(0) {
                let rest = self.bytes.split_off(self.at);
                (self.at, self.left) = (0, None);
                return Some(std::mem::replace(&mut self.bytes, rest));
            }
            let (kind, number, end) = header(&self.bytes, self.at)?;
            match kind {
                b'*' => (self.at, self.left) = (end, Some(number)),
                _ if end + number + 2 > self.bytes.len() => return None,
                _ => (self.at, self.left) = (end + number + 2, self.left.map(|left| left - 1)),
            }
        }
    }
}

fn header(bytes: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let line = bytes[at..].iter().position(|byte| *byte == b'\n')?;
    let digits = std::str::from_utf8(&bytes[at + 1..at + line - 1]).expect("a length is digits");
    Some((bytes[at], digits.parse().expect("a length is a number"), at + line + 1))
}

/// The strings of a whole command.
pub fn words(frame: &[u8]) -> Vec<&[u8]> {
    let (_, count, mut at) = header(frame, 0).expect("a frame is whole");
    let mut word = || {
        let (_, length, start) = header(frame, at)?;
        at = start + length + 2;
        Some(&frame[start..start + length])
    };
    (0..count).map(|_| word().expect("a frame is whole")).collect()
}

/// A call of the script, as its header describes it.
pub struct Call<'a> {
    pub whole: bool,
    pub base: &'a [u8],
    pub number: u64,
    /// Whether it says that an id stands twice.
    pub repeats: bool,
    /// The id of each job, and the number that stands in its data.
    pub jobs: Vec<(&'a [u8], usize)>,
    pub bytes: usize,
}

impl<'a> Call<'a> {
    pub fn read(frame: &'a [u8]) -> Option<Call<'a>> {
        let words = words(frame);
        let whole = match words[0] {
            b"EVAL" => true,
            b"EVALSHA" => false,
            _ => return None,
        };
        let keys = number(words[2]) as usize;
        let base = words[3].strip_suffix(b"wait").expect("the first key is the wait list");
        let ids = &words[3 + QUEUE_KEYS.len()..3 + keys];
        let values = &words[3 + keys..];
        let width = 1 + usize::from(values[6].is_empty()) + usize::from(values[7] == b"1");
        let data = values[8..].iter().step_by(width);
        let jobs = ids.iter().zip(data).map(|(id, data)| (&id[base.len()..], number(&data[digits(data)])));
        let jobs: Vec<_> = jobs.map(|(id, number)| (id, number as usize)).collect();
        assert_eq!(jobs.len(), keys - QUEUE_KEYS.len(), "each key has its job");
        let bytes = values[8..].iter().map(|value| value.len()).sum();
        Some(Call { whole, base, number: number(values[4]), repeats: values[5] == b"1", jobs, bytes })
    }
}

/// Where the number stands in `{"n":"17",…`.
fn digits(data: &[u8]) -> Range<usize> {
    let start = br#"{"n":""#.len();
    let end = data[start..].iter().position(|byte| *byte == b'"').expect("a number has an end");
    start..start + end
}

fn number(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).expect("these are digits")
}
