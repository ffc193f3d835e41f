//! Ticket triage: the one pipeline there is so far. What it accepts, and the job it makes of it.

use super::issue::Step;
use super::job::JobBuilder;
use super::schema::Schema;
use super::{Error, Field, Issue, Job, Outcome, Text};

pub const QUEUE: &str = "ticket-triage";
pub const JOB_NAME: &str = "triage";

/// The declared properties, in the order in which they are read and stored.
pub const FIELDS: [&str; 3] = ["tenantId", "ticketId", "summary"];
/// How many of them, from the front, make up the id. The first is the tenant.
const ID_FIELDS: usize = 2;

/// The most bytes of JSON that the data of a job may have.
pub const MAX_DATA: usize = 1024 * 1024;

/// The most bytes that the id of a job may have. It stands in Redis six times: as a key, in the options, in a list, in two
/// events and, once finished, in a set.
pub const MAX_ID: usize = 512;

/// The job's options as BullMQ stores them, up to and including the opening quote of the id.
pub const OPTIONS: &str = concat!(
    r#"{"attempts":3,"backoff":{"type":"exponential","delay":5000},"#,
    r#""removeOnComplete":{"age":86400,"count":1000},"removeOnFail":{"age":604800},"jobId":""#
);

/// The JSON Schema of the input, as it is exported and as it is compiled.
pub const JSON_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Ticket to triage",
  "type": "object",
  "properties": {
    "tenantId": { "type": "string", "pattern": "^[^:]*$" },
    "ticketId": { "type": "string", "pattern": "^[^:]*$" },
    "summary": { "type": "string", "minLength": 1 }
  },
  "required": ["tenantId", "ticketId", "summary"]
}"#;

/// Who asks for a job, as far as the route said.
#[derive(Clone, Copy)]
pub enum Caller<'a> {
    /// The route checks callers itself, or has none.
    Unchecked,
    Tenant(&'a Text),
    /// A caller that belongs to no tenant, and so may enqueue for none.
    Nobody,
}

impl Caller<'_> {
    fn may_act_for(self, tenant: &Text) -> bool {
        match self {
            Caller::Unchecked => true,
            Caller::Tenant(own) => own.is_well_formed() && own.as_str() == tenant.as_str(),
            Caller::Nobody => false,
        }
    }
}

/// Turns what was read of an input into a job, or says why not.
pub struct TicketTriage {
    schema: Schema,
    builder: JobBuilder,
}

impl TicketTriage {
    pub fn new() -> Result<Self, Error> {
        let schema = Schema::compile(JSON_SCHEMA).map_err(|faults| Error::Internal {
            outcome: Outcome::Refused,
            detail: format!("the schema cannot be used: {faults:?}").into(),
        })?;
        Ok(TicketTriage { schema, builder: JobBuilder::default() })
    }

    /// The job for these values.
    pub fn accept(&mut self, values: &[Field<'_>; 3], caller: Caller<'_>) -> Result<Job, Error> {
        // Each UTF-16 unit is at least a byte of JSON: a huge text is refused before anything looks at it.
        let units = values.iter().map(|value| match value {
            Field::Text(text) => text.len(),
            Field::Other(_) => 0,
        });
        if units.sum::<usize>() > MAX_DATA {
            return Err(Error::PayloadTooLarge { limit: MAX_DATA });
        }
        let issues = self.issues(values);
        if !issues.is_empty() {
            return Err(Error::InvalidInput { issues });
        }
        let [Field::Text(tenant), Field::Text(ticket), Field::Text(summary)] = *values else {
            let detail = "the schema let a value through that is not a string".into();
            return Err(Error::Internal { outcome: Outcome::Refused, detail });
        };
        if !caller.may_act_for(tenant) {
            return Err(Error::TenantMismatch);
        }
        let job = self.builder.build(
            QUEUE,
            [tenant, ticket].into_iter(),
            FIELDS.into_iter().zip([tenant, ticket, summary]),
        );
        if job.data().len() > MAX_DATA {
            return Err(Error::PayloadTooLarge { limit: MAX_DATA });
        }
        Ok(job)
    }

    /// Everything wrong with these values: what the schema says, and ids that no key can hold.
    fn issues(&self, values: &[Field<'_>; 3]) -> Vec<Issue> {
        let mut issues = self.schema.issues_of_fields(values);
        for (name, value) in FIELDS.iter().zip(values).take(ID_FIELDS) {
            if let Field::Text(text) = value
                && !text.is_well_formed()
            {
                // Two such ids would become one key, and a worker could never finish their job.
                let message = format!("{name} must be well-formed Unicode, but it has a lone surrogate");
                issues.push(Issue::at(name, "invalid_format", message));
            }
        }
        issues.extend(id_too_long(values));
        issues.sort_by_key(|issue| {
            FIELDS.iter().position(|name| matches!(issue.path.first(), Some(Step::Name(at)) if at == name))
        });
        issues
    }
}

/// Said of the longest of the fields that make up the id.
fn id_too_long(values: &[Field<'_>; 3]) -> Option<Issue> {
    let parts = FIELDS.iter().zip(values).take(ID_FIELDS).filter_map(|(name, value)| match value {
        Field::Text(text) => Some((*name, text.as_str().len())),
        Field::Other(_) => None,
    });
    let id = QUEUE.len() + parts.clone().map(|(_, bytes)| 1 + bytes).sum::<usize>();
    let (name, bytes) = parts.max_by_key(|(_, bytes)| *bytes).filter(|_| id > MAX_ID)?;
    let message = format!(
        "{name} has {bytes} bytes, which makes an id of {id} bytes for the job: at most {MAX_ID} will do"
    );
    Some(Issue::at(name, "too_big", message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Kind;
    use super::*;

    fn accept(tenant: &str, ticket: &str, summary: &str) -> Result<Job, Error> {
        let texts = [tenant, ticket, summary].map(Text::from);
        TicketTriage::new()?.accept(&texts.each_ref().map(Field::Text), Caller::Unchecked)
    }

    fn issues(values: [Field<'_>; 3]) -> Vec<(String, &'static str)> {
        match TicketTriage::new().unwrap().accept(&values, Caller::Unchecked) {
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
        for (tenant, ticket, longest) in [
            ("t".repeat(room), "k".to_owned(), "/tenantId"),
            ("é".repeat(5), "k".repeat(room - 9), "/ticketId"),
        ] {
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
        let Err(error) = TicketTriage::new().unwrap().accept(&values, Caller::Unchecked) else {
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
        let job = TicketTriage::new().unwrap().accept(&values, Caller::Unchecked).unwrap();
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
        let mut ticket = TicketTriage::new().unwrap();
        let mut accept =
            |values: &[Field<'_>; 3], caller: &Text| ticket.accept(values, Caller::Tenant(caller));
        assert!(accept(&values, &Text::from("acme")).is_ok());
        for other in ["globex", "Acme", "ACME", " acme", "acme ", "acm", "acme\0", "\u{430}cme"] {
            let mismatch = accept(&values, &Text::from(other));
            assert!(matches!(mismatch, Err(Error::TenantMismatch)), "{other:?}");
        }
        let nobody = TicketTriage::new().unwrap().accept(&values, Caller::Nobody);
        assert!(matches!(nobody, Err(Error::TenantMismatch)));
        let invalid = accept(&[values[0], values[1], Field::Other(Kind::Null)], &Text::from("globex"));
        assert!(matches!(invalid, Err(Error::InvalidInput { .. })));
        // U+FFFD is what a lone surrogate would be repaired to: they must not pass for one another.
        let texts = ["\u{fffd}", "1", "x"].map(Text::from);
        let lone = Text::from_iter([0xd800]);
        assert!(matches!(accept(&texts.each_ref().map(Field::Text), &lone), Err(Error::TenantMismatch)));
    }

    #[test]
    fn the_options_are_the_front_of_json() {
        let whole: Value = serde_json::from_str(&format!("{OPTIONS}x\"}}")).unwrap();
        assert_eq!(
            whole,
            json!({
                "attempts": 3,
                "backoff": { "type": "exponential", "delay": 5000 },
                "removeOnComplete": { "age": 86400, "count": 1000 },
                "removeOnFail": { "age": 604800 },
                "jobId": "x",
            })
        );
    }
}
