//! Tickets, as `lib/tickets.js` defines them, and other pipelines.

use super::*;

const TICKETS: &str = r#"{
  "type": "object",
  "properties": {
    "tenantId": { "type": "string", "pattern": "^[^:]*$" },
    "ticketId": { "type": "string", "pattern": "^[^:]*$" },
    "summary": { "type": "string", "minLength": 1 }
  },
  "required": ["tenantId", "ticketId", "summary"]
}"#;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub fn tickets() -> Plan {
    let definition = Definition {
        queue: "ticket-triage".into(),
        schema: Some(TICKETS.into()),
        id_fields: names(&["tenantId", "ticketId"]),
        tenant: Some("tenantId".into()),
        max_data: MAX_DATA,
        ..Definition::default()
    };
    Plan::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn accept(tenant: &str, ticket: &str, summary: &str) -> Result<Job, Error> {
    let texts = [tenant, ticket, summary].map(Text::from);
    tickets().accept_fields(&texts.each_ref().map(Field::Text), Caller::Unchecked)
}

fn issues(values: [Field<'_>; 3]) -> Vec<(String, &'static str)> {
    match tickets().accept_fields(&values, Caller::Unchecked) {
        Err(Error::InvalidInput { issues }) => {
            issues.into_iter().map(|issue| (issue.pointer(), issue.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_valid_ticket_becomes_its_job() {
    let job = accept("acme", "T-1", "It \"hurts\"").unwrap();
    assert_eq!(job.id(), b"ticket-triage:acme:T-1");
    assert_eq!(job.data(), br#"{"tenantId":"acme","ticketId":"T-1","summary":"It \"hurts\""}"#);
}

#[test]
fn empty_ids_are_accepted_as_zod_accepts_them() {
    assert_eq!(accept("", "", "x").unwrap().id(), b"ticket-triage::");
}

#[test]
fn an_id_is_bounded_in_bytes_and_the_longest_of_its_fields_is_named() {
    let room = 512 - "ticket-triage::".len();
    for (tenant, ticket) in [("t".repeat(room - 1), "k".into()), ("é".repeat(4), "k".repeat(room - 8))] {
        assert_eq!(accept(&tenant, &ticket, "x").unwrap().id().len(), 512);
    }
    for (tenant, ticket, longest) in
        [("t".repeat(room), "k".to_owned(), "/tenantId"), ("é".repeat(5), "k".repeat(room - 9), "/ticketId")]
    {
        let texts = [&*tenant, &*ticket, "x"].map(Text::from);
        let values = texts.each_ref().map(Field::Text);
        assert_eq!(issues(values), [(longest.to_owned(), "too_big")]);
    }
}

#[test]
fn all_issues_are_reported_in_the_order_of_the_schema() {
    let empty = Text::default();
    let colon = Text::from("a:b");
    assert_eq!(
        issues([Field::Text(&colon), Field::Other(Kind::Undefined), Field::Text(&empty)]),
        [
            ("/tenantId".to_owned(), "invalid_format"),
            ("/ticketId".to_owned(), "invalid_type"),
            ("/summary".to_owned(), "too_small"),
        ]
    );
    for kind in [
        Kind::Null,
        Kind::Boolean,
        Kind::Number,
        Kind::BigInt,
        Kind::Symbol,
        Kind::Function,
        Kind::Array,
        Kind::Object,
    ] {
        assert_eq!(issues([Field::Other(kind); 3]).len(), 3, "{kind:?}");
    }
}

#[test]
fn the_message_names_the_field_and_what_it_is() {
    let text = Text::from("x");
    let values = [Field::Text(&text), Field::Other(Kind::Array), Field::Text(&text)];
    let Err(error) = tickets().accept_fields(&values, Caller::Unchecked) else {
        panic!("accepted");
    };
    assert_eq!(error.message(), "ticketId must be a string, but it is an array");
}

#[test]
fn a_lone_surrogate_is_refused_in_an_id_and_kept_in_the_summary() {
    let lone = Text::from_iter([0xd800]);
    let fine = Text::from("x");
    assert_eq!(
        issues([Field::Text(&fine), Field::Text(&lone), Field::Text(&fine)]),
        [("/ticketId".to_owned(), "invalid_format")]
    );
    let empty = Text::default();
    assert_eq!(
        issues([Field::Text(&fine), Field::Text(&lone), Field::Text(&empty)]),
        [("/ticketId".to_owned(), "invalid_format"), ("/summary".to_owned(), "too_small")]
    );
    let values = [Field::Text(&fine), Field::Text(&fine), Field::Text(&lone)];
    let job = tickets().accept_fields(&values, Caller::Unchecked).unwrap();
    assert!(job.data().ends_with(br#""summary":"\ud800"}"#));
}

#[test]
fn the_limit_counts_bytes_of_json_and_allows_equality() {
    let frame = r#"{"tenantId":"t","ticketId":"k","summary":""}"#.len();
    for (unit, bytes) in [("x", 1), ("\n", 2), ("é", 2), ("\u{1}", 6)] {
        let fits = (MAX_DATA - frame) / bytes;
        let padding = "x".repeat((MAX_DATA - frame) % bytes);
        let exact = unit.repeat(fits) + &padding;
        assert_eq!(accept("t", "k", &exact).unwrap().data().len(), MAX_DATA);
        let over = accept("t", "k", &(exact + "x"));
        assert!(matches!(over, Err(Error::PayloadTooLarge { .. })), "{unit:?}");
    }
}

#[test]
fn a_caller_of_another_tenant_is_refused_after_the_input_is_found_valid() {
    let texts = ["acme", "1", "x"].map(Text::from);
    let values = texts.each_ref().map(Field::Text);
    let mut ticket = tickets();
    let mut accept =
        |values: &[Field<'_>; 3], caller: &Text| ticket.accept_fields(values, Caller::Tenant(caller));
    assert!(accept(&values, &Text::from("acme")).is_ok());
    for other in ["globex", "Acme", "ACME", " acme", "acme ", "acm", "acme\0", "\u{430}cme"] {
        let mismatch = accept(&values, &Text::from(other));
        assert!(matches!(mismatch, Err(Error::TenantMismatch)), "{other:?}");
    }
    let nobody = tickets().accept_fields(&values, Caller::Nobody);
    assert!(matches!(nobody, Err(Error::TenantMismatch)));
    let invalid = accept(&[values[0], values[1], Field::Other(Kind::Null)], &Text::from("globex"));
    assert!(matches!(invalid, Err(Error::InvalidInput { .. })));
    // U+FFFD is what a lone surrogate would be repaired to: they must not pass for one another.
    let texts = ["\u{fffd}", "1", "x"].map(Text::from);
    let lone = Text::from_iter([0xd800]);
    assert!(matches!(accept(&texts.each_ref().map(Field::Text), &lone), Err(Error::TenantMismatch)));
}

/// An order has an id of three fields, of which one is a number's neighbour, and is no flat object.
fn orders(encode_ids: bool) -> Plan {
    let schema = r#"{"type":"object","properties":{"org":{"type":"string"},"no":{"type":"string"},"kind":{"type":"string"},
        "lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}},"required":["org","no"]}"#;
    let definition = Definition {
        queue: "orders".into(),
        schema: Some(schema.into()),
        id_fields: names(&["org", "no", "kind"]),
        encode_ids,
        tenant: Some("org".into()),
        max_data: 1000,
    };
    Plan::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn document(text: &str) -> Document {
    Document::parse(text.to_owned()).unwrap()
}

#[test]
fn a_document_becomes_its_job_without_what_is_undeclared() {
    let mut plan = orders(false);
    assert!(plan.fields().is_none());
    let input = document(r#"{"org":"a\u0063me","no":"1","kind":"x\"","lines":[{"sku":"s","q":1}],"z":2}"#);
    let job = plan.accept_document(&input, Caller::Tenant(&Text::from("acme")), None).unwrap();
    assert_eq!(job.id(), b"orders:acme:1,x\"");
    assert_eq!(job.id_json(), Some(&br#"orders:acme:1,x\""#[..]));
    assert_eq!(job.data(), br#"{"org":"a\u0063me","no":"1","kind":"x\"","lines":[{"sku":"s"}]}"#);
    let other = plan.accept_document(&input, Caller::Tenant(&Text::from("globex")), None);
    assert!(matches!(other, Err(Error::TenantMismatch)));
}

#[test]
fn what_no_id_can_be_made_of_is_named() {
    let found =
        |plan: &mut Plan, text: &str| match plan.accept_document(&document(text), Caller::Unchecked, None) {
            Err(Error::InvalidInput { issues }) => {
                issues.iter().map(|it| it.message.clone()).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
    let mut plan = orders(false);
    assert_eq!(found(&mut plan, r#"{"org":"a","no":"1"}"#), ["kind is required"]);
    assert_eq!(
        found(&mut plan, r#"{"org":"a:b","no":"1,2","kind":"x"}"#),
        [
            "org must not contain ':', which separates the parts of a job id",
            "no must not contain ',', which separates the parts of a job id"
        ]
    );
    assert_eq!(found(&mut plan, "[]"), ["the input must be an object, but it is an array"]);
    let mut encoding = orders(true);
    let job = encoding.accept_document(
        &document(r#"{"org":"a:b","no":"1,2","kind":"x"}"#),
        Caller::Unchecked,
        None,
    );
    assert_eq!(job.unwrap().id(), b"orders:a%3Ab:1%2C2,x");
    assert_eq!(found(&mut encoding, r#"{"org":"a","no":"\ud800","kind":"x"}"#).len(), 1);
    let long = format!(r#"{{"org":"a","no":"1","kind":"{}"}}"#, "x".repeat(1000));
    assert!(matches!(
        plan.accept_document(&document(&long), Caller::Unchecked, None),
        Err(Error::PayloadTooLarge { limit: 1000 })
    ));
}

#[test]
fn an_id_may_be_given_where_nothing_else_is_judged() {
    let definition = Definition { queue: "q".into(), max_data: MAX_DATA, ..Definition::default() };
    let mut plan = Plan::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"));
    let data = document(r#"[1,"a"]"#);
    let job = plan.accept_document(&data, Caller::Unchecked, Some(&Text::from("it\"s"))).unwrap();
    assert_eq!((job.id(), job.id_json()), (&b"it\"s"[..], Some(&b"it\\\"s"[..])));
    assert_eq!(job.data(), br#"[1,"a"]"#);
    for id in ["", "7", "a:b", "wait"] {
        let refused = plan.accept_document(&data, Caller::Unchecked, Some(&Text::from(id)));
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{id}");
    }
    // A caller who is to be checked against a tenant that is not there is let nowhere.
    let caller = Text::from("acme");
    let checked = plan.accept_document(&data, Caller::Tenant(&caller), Some(&Text::from("x")));
    assert!(matches!(checked, Err(Error::TenantMismatch)));
}

#[test]
fn fields_that_are_not_there_are_left_out() {
    let schema =
        r#"{"type":"object","properties":{"a":{"type":"string"},"\"b":{"type":"string"}},"required":["a"]}"#;
    let definition = Definition {
        queue: "q".into(),
        schema: Some(schema.into()),
        id_fields: names(&["a"]),
        max_data: MAX_DATA,
        ..Definition::default()
    };
    let mut plan = Plan::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(plan.fields().unwrap().len(), 2);
    let a = Text::from("x");
    let job =
        plan.accept_fields(&[Field::Text(&a), Field::Other(Kind::Undefined)], Caller::Unchecked).unwrap();
    assert_eq!((job.id(), job.data()), (&b"q-x"[..], &br#"{"a":"x"}"#[..]));
    let job = plan.accept_fields(&[Field::Text(&a); 2], Caller::Unchecked).unwrap();
    assert_eq!(job.data(), br#"{"a":"x","\"b":"x"}"#);
}
