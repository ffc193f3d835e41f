//! What is asked without a pipeline: what is wrong with an input, what the codes are, and whether a certificate is one.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::issues;
use super::read;
use crate::core::Error;
use crate::core::schema::{Schema, nearest as nearest_of};
use crate::queue::connection::tls;

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

/// What is wrong with a PEM of authorities, called `name`, in a sentence.
#[napi(catch_unwind)]
pub fn fault_of_authorities(pem: String, name: String) -> Option<String> {
    tls::fault_of_authorities(&pem, &name)
}

/// The one of these that a name may be a slip of, if there is one.
#[napi(catch_unwind)]
pub fn nearest(name: String, known: Vec<String>) -> Option<String> {
    nearest_of(&name, known.iter().map(String::as_str)).map(str::to_owned)
}
