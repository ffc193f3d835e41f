//! Any three values of a ticket and any caller, through validation to the job: the decision, the id and the data are
//! compared with slow rules that share no code with the crate.
#![no_main]

use std::cell::RefCell;

use enqueue_boundary::core::issue::Step;
use enqueue_boundary::core::plan::{Caller, Definition, MAX_DATA, Plan};
use enqueue_boundary::core::{Error, Field, Kind, Text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const QUEUE: &str = "ticket-triage";
const FIELDS: [&str; 3] = ["tenantId", "ticketId", "summary"];
const SCHEMA: &str = r#"{
  "type": "object",
  "properties": {
    "tenantId": { "type": "string", "pattern": "^[^:]*$" },
    "ticketId": { "type": "string", "pattern": "^[^:]*$" },
    "summary": { "type": "string", "minLength": 1 }
  },
  "required": ["tenantId", "ticketId", "summary"]
}"#;

fn tickets() -> Plan {
    let definition = Definition {
        queue: QUEUE.into(),
        schema: Some(SCHEMA.into()),
        id_fields: FIELDS[..2].iter().map(|name| (*name).to_owned()).collect(),
        tenant: Some(FIELDS[0].into()),
        max_data: MAX_DATA,
        ..Definition::default()
    };
    Plan::compile(&definition).ok().expect("the schema compiles")
}

const KINDS: [Kind; 9] = [
    Kind::Undefined,
    Kind::Null,
    Kind::Boolean,
    Kind::Number,
    Kind::BigInt,
    Kind::Symbol,
    Kind::Function,
    Kind::Array,
    Kind::Object,
];

/// What a field of the input is: UTF-16 units, or the place of a kind in `KINDS`.
enum Given {
    Units(Vec<u16>),
    Kind(usize),
}

thread_local! {
    // Kept between runs, as the addon keeps them between calls: what one ticket leaves behind must not show in the next.
    static KEPT: RefCell<(Plan, [Text; 4])> = RefCell::new((tickets(), Default::default()));
}

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let [tenant, ticket, summary, caller] = [(); 4].map(|()| take(&mut rest));
    KEPT.with_borrow_mut(|(triage, texts)| check(triage, texts, [&tenant, &ticket, &summary], &caller));
});

/// The next field: a head byte, which says what it is and how long, and its units. ASCII takes one byte a unit, so that
/// small mutations reach it; any unit at all takes two.
fn take(rest: &mut &[u8]) -> Given {
    let Some((&head, tail)) = rest.split_first() else {
        return Given::Units(Vec::new());
    };
    *rest = tail;
    let length = usize::from(head & 0x3f);
    match head >> 6 {
        0 => Given::Kind(length % KINDS.len()),
        1 => Given::Units(split(rest, length).iter().map(|byte| u16::from(*byte)).collect()),
        2 => Given::Units(split(rest, length * 16).iter().map(|byte| u16::from(*byte)).collect()),
        _ => {
            let pairs = split(rest, length * 2).chunks(2);
            Given::Units(pairs.map(|pair| u16::from_le_bytes([pair[0], *pair.last().unwrap()])).collect())
        }
    }
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (front, back) = rest.split_at(length.min(rest.len()));
    *rest = back;
    front
}

fn check(triage: &mut Plan, texts: &mut [Text; 4], given: [&Given; 3], caller: &Given) {
    for (text, given) in texts.iter_mut().zip(given.into_iter().chain([caller])) {
        let Given::Units(units) = given else { continue };
        let filled = text.read(|into| {
            into.extend_from_slice(units);
            Ok::<_, ()>(())
        });
        assert!(filled.is_ok() && text.len() == units.len());
    }
    let [tenant, ticket, summary, own] = &*texts;
    let field = |given: &Given, text| match given {
        Given::Units(_) => Field::Text(text),
        Given::Kind(at) => Field::Other(KINDS[*at]),
    };
    let values = [field(given[0], tenant), field(given[1], ticket), field(given[2], summary)];
    let called = match caller {
        Given::Units(_) => Caller::Tenant(own),
        Given::Kind(0) => Caller::Unchecked,
        Given::Kind(_) => Caller::Nobody,
    };

    let mut wrong: Vec<_> = (0..3).filter(|at| !is_fine(*at, given[*at])).collect();
    if let (false, Some(longest)) = (wrong.iter().any(|at| *at < 2), longest_of_too_long(given)) {
        wrong.insert(0, longest);
    }
    let accepted = triage.accept_fields(&values, called);
    if !wrong.is_empty() {
        let Err(error @ Error::InvalidInput { .. }) = accepted else { panic!("{accepted:?}") };
        let mut named: Vec<_> =
            error.issues().iter().map(|issue| FIELDS.iter().position(|name| issue.path == [Step::Name((*name).to_owned())])).collect();
        named.dedup();
        assert_eq!(named, wrong.iter().map(|at| Some(*at)).collect::<Vec<_>>());
        assert!(error.message().len() < 1000, "a message repeats nothing of the input");
        return;
    }
    let [Given::Units(tenant), Given::Units(ticket), Given::Units(summary)] = given else { unreachable!() };
    let allowed = match caller {
        Given::Units(own) => own == tenant,
        Given::Kind(at) => *at == 0,
    };
    if !allowed {
        assert!(matches!(accepted, Err(Error::TenantMismatch)), "{accepted:?}");
        return;
    }
    let job = accepted.expect("a valid ticket of the caller's own");

    let (tenant_json, ticket_json) = (json(tenant), json(ticket));
    let data =
        format!(r#"{{"tenantId":"{tenant_json}","ticketId":"{ticket_json}","summary":"{}"}}"#, json(summary));
    assert_eq!(String::from_utf8_lossy(job.data()), data);
    let escaped = format!("{QUEUE}:{tenant_json}:{ticket_json}");
    let id = std::str::from_utf8(job.id()).expect("an id is UTF-8");
    assert_eq!(job.id_json().unwrap_or(job.id()), escaped.as_bytes());
    assert_eq!(job.id_json().is_some(), id != escaped);

    let parts: Vec<_> = id.split(':').collect();
    let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    assert_eq!((parts.len(), parts[0]), (3, QUEUE));
    assert_eq!((units(parts[1]), units(parts[2])), (tenant.clone(), ticket.clone()));

    // serde_json reads everything but a lone surrogate, which only a summary can have.
    if let Ok(text) = String::from_utf16(summary) {
        let data: Value = serde_json::from_slice(job.data()).expect("data is JSON");
        assert_eq!(data["summary"], text);
        assert_eq!(data["tenantId"], parts[1]);
        assert_eq!(data["ticketId"], parts[2]);
    }
}

/// The rules in the fewest words: ids are well-formed and have no colon, a summary is not empty.
fn is_fine(at: usize, given: &Given) -> bool {
    match given {
        Given::Units(units) if at == 2 => !units.is_empty(),
        Given::Units(units) => String::from_utf16(units).is_ok_and(|id| !id.contains(':')),
        Given::Kind(_) => false,
    }
}

/// The longer part of an id that has over 512 bytes.
fn longest_of_too_long(given: [&Given; 3]) -> Option<usize> {
    let [Given::Units(tenant), Given::Units(ticket), _] = given else { return None };
    let [tenant, ticket] = [tenant, ticket].map(|units| String::from_utf16_lossy(units).len());
    (QUEUE.len() + tenant + ticket + 2 > 512).then_some(usize::from(ticket >= tenant))
}

/// What stands between the quotes of `JSON.stringify`, one unit after another.
fn json(units: &[u16]) -> String {
    let mut out = String::new();
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok('"') => out += "\\\"",
            Ok('\\') => out += "\\\\",
            Ok('\u{8}') => out += "\\b",
            Ok('\t') => out += "\\t",
            Ok('\n') => out += "\\n",
            Ok('\u{c}') => out += "\\f",
            Ok('\r') => out += "\\r",
            Ok(control) if control < ' ' => out += &format!("\\u{:04x}", u32::from(control)),
            Ok(char) => out.push(char),
            Err(lone) => out += &format!("\\u{:04x}", lone.unpaired_surrogate()),
        }
    }
    out
}
