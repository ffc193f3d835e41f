//! Any bytes as what a server sends, cut anywhere: the parser never panics, never takes more than is there, and reads the
//! same from pieces as from the whole. What it reads is judged as an answer to a batch.
#![no_main]

use enqueue_boundary::queue::connection::resp::{Garbage, Reply, parse, push_command};
use enqueue_boundary::queue::refusal::{judge, said};
use enqueue_boundary::queue::scripts::answer::answers;
use libfuzzer_sys::fuzz_target;

/// The batch that a reply is taken to answer: its number, and how many jobs it had.
const NUMBER: u64 = 7;
const BATCH: usize = 128;

/// The replies that were read, and what stopped the reading: bytes that are no reply, or the end.
type Stream = (Vec<Reply>, Result<(), Garbage>);

fuzz_target!(|bytes: &[u8]| {
    let whole = read_at_once(bytes);
    assert_eq!(read_in_pieces(bytes, |at| at + 1), whole);
    let step = bytes.first().map_or(1, |byte| 1 + usize::from(*byte) % 16);
    assert_eq!(read_in_pieces(bytes, |at| at + step), whole);

    for reply in &whole.0 {
        if let Reply::Error(message) = reply {
            judge(message, &said(message, "server"));
        }
        if let Some(answers) = answers(reply, NUMBER, BATCH) {
            assert!(answers.iter().all(|(at, _)| *at < BATCH));
        }
    }

    let words: Vec<_> = bytes.split(|byte| *byte == b' ').collect();
    let mut command = Vec::new();
    push_command(&words, &mut command);
    let bulks = words.iter().map(|word| Reply::Bulk(word.to_vec())).collect();
    assert_eq!(parse(&command), Ok(Some((Reply::Array(bulks), command.len()))));
});

fn read_at_once(bytes: &[u8]) -> Stream {
    let (mut replies, mut rest) = (Vec::new(), bytes);
    loop {
        match parse(rest) {
            Ok(Some((reply, used))) => {
                assert!(0 < used && used <= rest.len());
                // What follows a reply has no say in it.
                let alone = parse(&rest[..used]);
                assert!(matches!(alone, Ok(Some((same, length))) if same == reply && length == used));
                replies.push(reply);
                rest = &rest[used..];
            }
            Ok(None) => return (replies, Ok(())),
            Err(Garbage) => return (replies, Err(Garbage)),
        }
    }
}

/// As a link does: whatever has arrived is tried, and what is incomplete waits for more.
fn read_in_pieces(bytes: &[u8], next: impl Fn(usize) -> usize) -> Stream {
    let (mut replies, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        match parse(&bytes[start..end]) {
            Ok(Some((reply, used))) => {
                assert!(0 < used && used <= end - start);
                replies.push(reply);
                start += used;
            }
            Ok(None) if end == bytes.len() => return (replies, Ok(())),
            Ok(None) => end = next(end).min(bytes.len()),
            Err(Garbage) => return (replies, Err(Garbage)),
        }
    }
}
