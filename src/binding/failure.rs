//! An error on its way out: the fields that `EnqueueError` is made of.

use napi_derive::napi;

use crate::core::{Error, Issue};

/// What `lib/error.js` makes an `EnqueueError` of.
#[napi(object, object_from_js = false)]
pub struct Failure {
    pub code: String,
    pub title: String,
    pub message: String,
    pub status: u32,
    pub retryable: bool,
    pub outcome: String,
    pub issues: Option<Vec<InputIssue>>,
    pub retry_after_ms: Option<u32>,
    /// For logs: becomes the `cause`.
    pub detail: Option<String>,
    /// The code of that.
    pub detail_code: Option<String>,
}

/// One thing wrong with an input.
#[napi(object, object_from_js = false)]
pub struct InputIssue {
    pub path: Vec<String>,
    pub pointer: String,
    pub code: String,
    pub message: String,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let issues = error.issues();
        Failure {
            code: error.code().into(),
            title: error.title().into(),
            message: error.message(),
            status: error.status().into(),
            retryable: error.retryable(),
            outcome: error.outcome().name().into(),
            issues: (!issues.is_empty()).then(|| issues.iter().map(InputIssue::from).collect()),
            retry_after_ms: error.retry_after_ms(),
            detail: error.detail().map(|detail| detail.text.clone()),
            detail_code: error.detail().and_then(|detail| detail.code.as_deref()).map(str::to_owned),
        }
    }
}

impl From<&Issue> for InputIssue {
    fn from(issue: &Issue) -> Self {
        InputIssue {
            path: issue.path.clone(),
            pointer: issue.pointer(),
            code: issue.code.into(),
            message: issue.message.clone(),
        }
    }
}
