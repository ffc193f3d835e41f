//! An error on its way out: what is to be said of it beyond what `lib/codes.js` says of its code.

use napi_derive::napi;
use serde::Serialize;

use crate::core::{Error, Issue};

/// What `lib/error.js` makes an `EnqueueError` of, for errors that have more to say than their code.
#[napi(object, object_from_js = false)]
pub struct Failure {
    pub code: String,
    pub message: Option<String>,
    /// Where it is not the same for all errors of the code.
    pub outcome: Option<String>,
    /// For logs: becomes the `cause`.
    pub detail: Option<String>,
    /// The code of that.
    pub detail_code: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Failure {
            code: error.code().into(),
            message: error.own_message(),
            outcome: error.own_outcome().map(|outcome| outcome.name().into()),
            detail: error.detail().map(|detail| detail.text.clone()),
            detail_code: error.detail().and_then(|detail| detail.code.as_deref()).map(str::to_owned),
        }
    }
}

/// One thing wrong with an input, as `index.d.ts` has it.
#[derive(Serialize)]
struct InputIssue<'a> {
    path: &'a [String],
    pointer: String,
    code: &'a str,
    message: &'a str,
}

/// What is wrong with an input, as JSON: JavaScript makes objects of it ten times faster than Node-API would.
pub fn to_json(issues: &[Issue]) -> napi::Result<String> {
    let issues: Vec<_> = issues
        .iter()
        .map(|issue| InputIssue {
            path: &issue.path,
            pointer: issue.pointer(),
            code: issue.code,
            message: &issue.message,
        })
        .collect();
    serde_json::to_string(&issues).map_err(|error| napi::Error::from_reason(error.to_string()))
}
