//! Any text as JSON, as a schema, and as a value held to it: the reader agrees with serde_json, nothing panics, what is kept of
//! a value is valid too, and keeping it again changes nothing.
#![no_main]

use enqueue_boundary::core::json::{Document, MAX_DEPTH};
use enqueue_boundary::core::schema::Schema;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|parts: (&str, &str)| {
    let (schema, text) = parts;
    let document = Document::parse(text.to_owned());
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        assert!(document.is_ok() || depth(&value) > MAX_DEPTH, "serde_json takes it");
    } else if document.is_ok() {
        // It refuses numbers that no double holds, lone surrogates, and what is deeper than it likes.
        let odd = text.contains("\\u") || text.len() > 250 || text.contains(['e', 'E']) || text.matches(['[', '{']).count() > 100;
        assert!(odd, "serde_json refuses it");
    }
    let (Ok(document), Ok(schema)) = (document, Schema::compile(schema)) else { return };
    if let Ok(Some(kept)) = schema.judge(&document) {
        let kept = Document::parse(kept).ok().expect("what is kept is JSON");
        // Leaving members out can make an object too small, or lack what `not` asked for: then it is refused, and no more.
        if let Ok(again) = schema.judge(&kept) {
            assert!(again.is_none_or(|again| again.len() < kept.text().len()));
        }
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
