//! An error on its way out: what is to be said of it beyond what `lib/codes.js` says of its code.

use napi_derive::napi;

use crate::core::Error;

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
