//! What the options of a job ask of the boundary, read out of the JSON that BullMQ's workers read too.

use serde::Deserialize;

/// The options of a job, or of all jobs of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOptions {
    /// As BullMQ stores them, up to and including the opening quote of the id: `{…,"jobId":"`.
    pub front: String,
    /// In ms, 0 for none.
    pub delay: u64,
    /// 0 for none.
    pub priority: u64,
    /// Whether it is the next to be run.
    pub lifo: bool,
    /// In ms since 1970, where it is not when it is enqueued.
    pub timestamp: Option<u64>,
    pub deduplication: Option<Deduplication>,
    pub parent: Option<Parent>,
    /// The most bytes that its data may have.
    pub size_limit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deduplication {
    pub id: String,
    /// In ms, 0 for no end.
    #[serde(default)]
    pub ttl: u64,
    #[serde(default)]
    pub extend: bool,
    #[serde(default)]
    pub replace: bool,
    #[serde(default)]
    pub keep_last_if_active: bool,
    #[serde(default)]
    pub reschedule: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    pub id: String,
    /// What its queue's keys begin with, but for the last colon.
    pub queue: String,
    /// What its child has of it.
    pub json: String,
}

/// The names that BullMQ stores them under.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(default)]
    delay: u64,
    #[serde(default)]
    priority: u64,
    #[serde(default)]
    lifo: bool,
    #[serde(default)]
    timestamp: u64,
    #[serde(default)]
    size_limit: u64,
    de: Option<Deduplication>,
    parent: Option<StoredParent>,
    #[serde(default)]
    fpof: bool,
    #[serde(default)]
    rdof: bool,
    #[serde(default)]
    idof: bool,
    #[serde(default)]
    cpof: bool,
}

#[derive(Deserialize)]
struct StoredParent {
    id: String,
    queue: String,
}

impl JobOptions {
    /// Reads a JSON object of options without an id.
    pub fn read(json: &str) -> Result<JobOptions, serde_json::Error> {
        let stored: Stored = serde_json::from_str(json)?;
        let flags =
            [("fpof", stored.fpof), ("rdof", stored.rdof), ("idof", stored.idof), ("cpof", stored.cpof)];
        let parent = stored.parent.map(|StoredParent { id, queue }| {
            let mut json = format!(r#"{{"id":{},"queueKey":{}"#, quoted(&id), quoted(&queue));
            for (name, _) in flags.iter().filter(|(_, set)| *set) {
                json.push_str(&format!(r#","{name}":true"#));
            }
            json.push('}');
            Parent { id, queue, json }
        });
        Ok(JobOptions {
            front: front_of(json),
            delay: stored.delay,
            priority: stored.priority,
            lifo: stored.lifo,
            timestamp: Some(stored.timestamp).filter(|at| *at > 0),
            deduplication: stored.de,
            parent,
            size_limit: Some(stored.size_limit)
                .filter(|limit| *limit > 0)
                .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        })
    }

    /// Whether jobs of these options go to the end of the wait list, whatever else is in the queue.
    pub fn is_plain(&self) -> bool {
        self.delay == 0
            && self.priority == 0
            && !self.lifo
            && self.deduplication.is_none()
            && self.parent.is_none()
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn front_of(options: &str) -> String {
    let members = options.trim_start_matches('{').trim_end_matches('}');
    if members.is_empty() {
        r#"{"jobId":""#.into()
    } else {
        format!(r#"{},"jobId":""#, &options[..options.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_go_on_with_the_id() {
        for (options, front) in [
            ("{}", r#"{"jobId":""#),
            (r#"{"attempts":3}"#, r#"{"attempts":3,"jobId":""#),
            (r#"{"backoff":{"type":"fixed"}}"#, r#"{"backoff":{"type":"fixed"},"jobId":""#),
        ] {
            let read = JobOptions::read(options).unwrap();
            assert_eq!(read.front, front);
            assert!(read.is_plain());
        }
    }

    #[test]
    fn what_is_asked_of_the_boundary_is_read() {
        let read = |json: &str| JobOptions::read(json).unwrap();
        assert_eq!(read(r#"{"delay":5,"attempts":3}"#).delay, 5);
        assert_eq!(read(r#"{"priority":7}"#).priority, 7);
        assert!(read(r#"{"lifo":true}"#).lifo);
        assert_eq!(read(r#"{"timestamp":0}"#).timestamp, None);
        assert_eq!(read(r#"{"timestamp":9}"#).timestamp, Some(9));
        assert_eq!(read(r#"{"sizeLimit":9}"#).size_limit, Some(9));
        let unique = read(r#"{"de":{"id":"x","ttl":9,"keepLastIfActive":true}}"#).deduplication.unwrap();
        assert_eq!(
            (&*unique.id, unique.ttl, unique.keep_last_if_active, unique.extend),
            ("x", 9, true, false)
        );
        let parent =
            read(r#"{"parent":{"id":"a\"b","queue":"bull:q"},"fpof":true,"idof":false}"#).parent.unwrap();
        assert_eq!(parent.json, r#"{"id":"a\"b","queueKey":"bull:q","fpof":true}"#);
        for special in [r#"{"delay":1}"#, r#"{"priority":1}"#, r#"{"lifo":true}"#, r#"{"de":{"id":"x"}}"#] {
            assert!(!read(special).is_plain(), "{special}");
        }
        assert!(JobOptions::read(r#"{"delay":"x"}"#).is_err());
    }
}
