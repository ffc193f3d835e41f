//! Every way in which a call can end badly, and what each says of the one case at hand. What a code stands for, its HTTP
//! status and the like, is in `lib/codes.js`.

use super::{Detail, Issue};

/// What happened to the job of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The boundary or the server said no. Nothing was written to Redis.
    Refused,
    /// The job was never sent. Nothing was written to Redis.
    NotSent,
    /// The job was sent and no answer came: it may or may not be in Redis. Trying again is safe, since the id is stable.
    Unknown,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Refused => "refused",
            Outcome::NotSent => "not-sent",
            Outcome::Unknown => "unknown",
        }
    }
}

/// Why a call failed. `detail`s are for logs: they never reach `message()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The input does not match the schema.
    InvalidInput { issues: Vec<Issue> },
    /// The job's data is longer than the limit, in bytes of JSON.
    PayloadTooLarge { limit: usize },
    /// The caller's tenant is not the job's.
    TenantMismatch,
    /// The schema's own validation did not settle within the deadline.
    ValidateTimeout { timeout_ms: u32 },
    /// The `authorize` callback did not say `true`.
    Forbidden,
    /// The `authorize` callback did not settle within the deadline.
    AuthorizeTimeout { timeout_ms: u32 },
    /// `storage.createPending` did not settle within the deadline.
    StorageTimeout { timeout_ms: u32 },
    /// More calls in flight than the boundary holds.
    Overloaded,
    /// Redis could not be reached within the deadline, or cannot take jobs now.
    QueueUnavailable { outcome: Outcome, detail: Detail },
    /// The job was sent, and no answer came within the deadline.
    OutcomeUnknown { detail: Detail },
    /// Redis, or the way to it, is set up so that no call can succeed.
    Misconfigured { message: &'static str, detail: Detail },
    /// The parent that the job's options name is not there.
    MissingParent { detail: Detail },
    /// The job is there, as a child of another parent.
    ParentConflict { detail: Detail },
    /// What the tenant may still enqueue could not be found out within the deadline.
    QuotaUnavailable { detail: Detail },
    /// A defect in the boundary.
    Internal { outcome: Outcome, detail: Detail },
}

impl Error {
    /// All codes, by the numbers that stand for them on the way to JavaScript.
    pub const CODES: [&str; 15] = [
        "INVALID_INPUT",
        "PAYLOAD_TOO_LARGE",
        "TENANT_MISMATCH",
        "FORBIDDEN",
        "AUTHORIZE_TIMEOUT",
        "STORAGE_TIMEOUT",
        "OVERLOADED",
        "QUEUE_UNAVAILABLE",
        "OUTCOME_UNKNOWN",
        "MISCONFIGURED",
        "INTERNAL",
        "VALIDATE_TIMEOUT",
        "MISSING_PARENT",
        "PARENT_CONFLICT",
        "QUOTA_UNAVAILABLE",
    ];

    /// The stable code.
    pub fn code(&self) -> &'static str {
        Self::CODES[self.number() as usize]
    }

    /// Its place in `CODES`.
    pub fn number(&self) -> u32 {
        match self {
            Error::InvalidInput { .. } => 0,
            Error::PayloadTooLarge { .. } => 1,
            Error::TenantMismatch => 2,
            Error::Forbidden => 3,
            Error::AuthorizeTimeout { .. } => 4,
            Error::StorageTimeout { .. } => 5,
            Error::Overloaded => 6,
            Error::QueueUnavailable { .. } => 7,
            Error::OutcomeUnknown { .. } => 8,
            Error::Misconfigured { .. } => 9,
            Error::Internal { .. } => 10,
            Error::ValidateTimeout { .. } => 11,
            Error::MissingParent { .. } => 12,
            Error::ParentConflict { .. } => 13,
            Error::QuotaUnavailable { .. } => 14,
        }
    }

    /// One or a few sentences. For a 4xx, fit for the client.
    pub fn message(&self) -> String {
        match self {
            Error::InvalidInput { issues } => {
                let messages: Vec<_> = issues.iter().map(|issue| &*issue.message).collect();
                messages.join("; ")
            }
            Error::PayloadTooLarge { limit } => {
                format!("the data is longer than {limit} bytes of JSON")
            }
            Error::TenantMismatch => "the job belongs to another tenant than the caller".into(),
            Error::Forbidden => "the caller may not enqueue this job".into(),
            Error::ValidateTimeout { timeout_ms } => {
                format!("the schema did not settle within {timeout_ms} ms; nothing was recorded or enqueued")
            }
            Error::AuthorizeTimeout { timeout_ms } => {
                format!("authorize did not settle within {timeout_ms} ms; nothing was recorded or enqueued")
            }
            Error::StorageTimeout { timeout_ms } => {
                format!("storage.createPending did not settle within {timeout_ms} ms; nothing was enqueued")
            }
            Error::Overloaded => "too many calls are in flight; nothing was recorded or enqueued".into(),
            Error::QueueUnavailable { .. } => "the queue cannot take the job now; it was not enqueued".into(),
            Error::OutcomeUnknown { .. } => {
                "the job was sent to the queue and no answer came; trying again is safe".into()
            }
            Error::Misconfigured { message, .. } => (*message).into(),
            Error::MissingParent { .. } => {
                "the parent of the job is not there; the job was not enqueued".into()
            }
            Error::ParentConflict { .. } => {
                "a job of this id is there already, as a child of another parent; nothing was enqueued".into()
            }
            Error::QuotaUnavailable { .. } => {
                "the quota of the tenant cannot be told now; nothing was recorded or enqueued".into()
            }
            Error::Internal { .. } => "the boundary failed".into(),
        }
    }

    /// What an operator needs beside the message: the server's own words, an address, a system error.
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Error::QueueUnavailable { detail, .. }
            | Error::OutcomeUnknown { detail }
            | Error::MissingParent { detail }
            | Error::ParentConflict { detail }
            | Error::QuotaUnavailable { detail }
            | Error::Misconfigured { detail, .. }
            | Error::Internal { detail, .. } => Some(detail).filter(|detail| !detail.text.is_empty()),
            _ => None,
        }
    }

    /// The message, unless it is the one sentence that `lib/codes.js` has for the code.
    pub fn own_message(&self) -> Option<String> {
        match self {
            Error::InvalidInput { .. }
            | Error::PayloadTooLarge { .. }
            | Error::AuthorizeTimeout { .. }
            | Error::StorageTimeout { .. }
            | Error::Misconfigured { .. } => Some(self.message()),
            _ => None,
        }
    }

    /// The outcome, unless it is the one that `lib/codes.js` has for the code.
    pub fn own_outcome(&self) -> Option<Outcome> {
        match self {
            Error::QueueUnavailable { outcome, .. } | Error::Internal { outcome, .. } => Some(*outcome),
            _ => None,
        }
    }

    pub fn outcome(&self) -> Outcome {
        match self {
            Error::QueueUnavailable { outcome, .. } | Error::Internal { outcome, .. } => *outcome,
            Error::OutcomeUnknown { .. } => Outcome::Unknown,
            _ => Outcome::Refused,
        }
    }

    /// What is wrong with the input, whatever the error: a size limit is one thing wrong with all of it.
    pub fn into_issues(self) -> Vec<Issue> {
        match self {
            Error::InvalidInput { issues } => issues,
            other => vec![Issue { path: Vec::new(), code: "too_big", message: other.message() }],
        }
    }

    pub fn issues(&self) -> &[Issue] {
        match self {
            Error::InvalidInput { issues } => issues,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_said_stays_out_of_the_message() {
        let detail = Detail::new("WRONGTYPE", "WRONGTYPE Operation against a key");
        let error = Error::QueueUnavailable { outcome: Outcome::Refused, detail: detail.clone() };
        assert!(!error.message().contains("WRONGTYPE"));
        assert_eq!(error.detail(), Some(&detail));
    }

    #[test]
    fn only_an_unanswered_send_is_unknown() {
        let unknown = Error::OutcomeUnknown { detail: Detail::default() };
        assert_eq!(unknown.outcome(), Outcome::Unknown);
        assert_eq!(unknown.detail(), None);
        let timeout = Error::StorageTimeout { timeout_ms: 5000 };
        assert_eq!(timeout.outcome(), Outcome::Refused);
    }
}
