//! What is asked without a boundary: whether an input is valid, and what the schema, the codes and a certificate are.

use std::cell::RefCell;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::issues;
use super::read::{self, Reader};
use crate::core::Error;
use crate::core::schema::Schema;
use crate::core::ticket::{self, TicketTriage};
use crate::queue::connection::tls;

thread_local! {
    /// For validation alone, which needs no boundary.
    static CHECK: RefCell<Option<(Reader, TicketTriage)>> = const { RefCell::new(None) };
}

/// The number of what is wrong with what was read of an input; nothing when it is valid.
#[napi(catch_unwind)]
pub fn check(
    env: &Env,
    tenant_id: Unknown<'_>,
    ticket_id: Unknown<'_>,
    summary: Unknown<'_>,
) -> Result<Option<f64>> {
    CHECK.with_borrow_mut(|check| {
        let (reader, triage) = match check {
            Some(check) => check,
            None => check.insert((Reader::default(), new_triage()?)),
        };
        let read = reader.read(env, [tenant_id, ticket_id, summary], ().into_unknown(env)?)?;
        let accepted = read.and_then(|(fields, caller)| triage.accept(&fields, caller));
        Ok(accepted.err().map(|error| issues::number(error.into_issues())))
    })
}

/// The number of what is wrong with an input that is no object.
#[napi(catch_unwind)]
pub fn not_an_object(input: Unknown<'_>) -> Result<f64> {
    let kind = read::kind(&input)?;
    Ok(issues::number(vec![Schema::not_an_object(kind)]))
}

/// What has this number, which was the last one given, as JSON.
#[napi(catch_unwind, js_name = "issues")]
pub fn issues_by_number(number: f64) -> Result<String> {
    issues::to_json(number)
}

/// The codes that `begin` may refuse a call with, by number. Numbers past theirs are those of issues.
#[napi(catch_unwind)]
pub fn codes() -> Vec<&'static str> {
    Error::CODES.to_vec()
}

/// The JSON Schema of the input, as JSON.
#[napi(catch_unwind)]
pub fn input_json_schema() -> String {
    ticket::JSON_SCHEMA.to_owned()
}

/// What is wrong with a PEM of authorities, called `name`, in a sentence.
#[napi(catch_unwind)]
pub fn fault_of_authorities(pem: String, name: String) -> Option<String> {
    tls::fault_of_authorities(&pem, &name)
}

pub(super) fn new_triage() -> Result<TicketTriage> {
    TicketTriage::new().map_err(|error| napi::Error::from_reason(error.message()))
}
