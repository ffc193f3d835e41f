//! What the options of a job ask of the boundary, read out of the JSON that BullMQ's workers read too.

use std::ops::Range;

use serde::Deserialize;
use serde::de::Error;

use super::text::escape;

/// The options of a job, or of all jobs of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOptions {
    /// As BullMQ stores them, up to and including the opening quote of the id: `{…,"jobId":"`. All of them where they do not
    /// speak of an id.
    pub front: String,
    /// What its jobs are called, where that is not as their pipeline says.
    pub name: Option<String>,
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
    /// Where its id stands in `front` of the options that it is of, between the quotes.
    #[serde(skip)]
    at: Range<usize>,
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
    /// Reads a JSON object of options without an id, of jobs that have one.
    pub fn read(json: &str) -> Result<JobOptions, serde_json::Error> {
        JobOptions::with_front(json, front_of(json))
    }

    /// Reads those of jobs that are called so, with or without an id.
    pub fn of_named(name: &str, json: &str, has_id: bool) -> Result<JobOptions, serde_json::Error> {
        let front = if has_id { front_of(json) } else { json.to_owned() };
        let name = Some(name.to_owned());
        Ok(JobOptions { name, ..JobOptions::with_front(json, front)? })
    }

    fn with_front(json: &str, front: String) -> Result<JobOptions, serde_json::Error> {
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
        let mut deduplication = stored.de;
        if let Some(unique) = &mut deduplication {
            let at = id_in(&front);
            unique.at = at.ok_or_else(|| serde_json::Error::custom("`de` does not begin with its id"))?;
        }
        Ok(JobOptions {
            front,
            name: None,
            delay: stored.delay,
            priority: stored.priority,
            lifo: stored.lifo,
            timestamp: Some(stored.timestamp).filter(|at| *at > 0),
            deduplication,
            parent,
            size_limit: Some(stored.size_limit)
                .filter(|limit| *limit > 0)
                .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        })
    }

    /// What `front` has before the id of its deduplication, that id as JSON without its quotes, and what is behind it.
    pub fn around(&self, unique: &Deduplication) -> [&str; 3] {
        let Range { start, end } = unique.at.clone();
        [&self.front[..start], &self.front[start..end], &self.front[end..]]
    }

    /// The same with another id of the deduplication, which there has to be.
    pub fn with_unique_id(&self, id: &str) -> Option<JobOptions> {
        let unique = self.deduplication.as_ref()?;
        let [before, _, behind] = self.around(unique);
        let mut front = Vec::with_capacity(self.front.len() + id.len());
        front.extend_from_slice(before.as_bytes());
        escape(id.as_bytes(), &mut front);
        let at = before.len()..front.len();
        front.extend_from_slice(behind.as_bytes());
        let deduplication = Some(Deduplication { id: id.to_owned(), at, ..*unique });
        let front = String::from_utf8(front).ok()?;
        Some(JobOptions {
            front,
            deduplication,
            name: self.name.clone(),
            parent: self.parent.clone(),
            ..*self
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

    /// Whether a job with these is removed in the moment in which it has ended.
    pub fn vanishes(&self) -> bool {
        // A text in it has no quote that is not escaped.
        const SO: [&str; 8] = [
            r#""removeOnComplete":true"#,
            r#""removeOnComplete":0,"#,
            r#""removeOnComplete":0}"#,
            r#""removeOnComplete":{"count":0"#,
            r#""removeOnFail":true"#,
            r#""removeOnFail":0,"#,
            r#""removeOnFail":0}"#,
            r#""removeOnFail":{"count":0"#,
        ];
        SO.iter().any(|so| self.front.contains(so))
    }
}

/// Where the id of a deduplication stands. No text in there has these characters: its quotes are escaped.
fn id_in(front: &str) -> Option<Range<usize>> {
    const OPENING: &str = r#""de":{"id":""#;
    let start = front.find(OPENING)? + OPENING.len();
    let mut escaped = false;
    let length = front[start..].bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    Some(start..start + length?)
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
        for (json, id, [before, text, behind]) in [
            (r#"{"de":{"id":"x"}}"#, "x", [r#"{"de":{"id":""#, "x", r#""},"jobId":""#]),
            (
                r#"{"kl":1,"de":{"id":"\"\\","ttl":5}}"#,
                "\"\\",
                [r#"{"kl":1,"de":{"id":""#, r#"\"\\"#, r#"","ttl":5},"jobId":""#],
            ),
        ] {
            let options = read(json);
            let unique = options.deduplication.as_ref().unwrap();
            assert_eq!((&*unique.id, options.around(unique)), (id, [before, text, behind]));
        }
        for id in ["x", "a\"\\b", ""] {
            let json = |id: &str| {
                format!(r#"{{"kl":1,"de":{{"id":{},"ttl":5,"extend":true}},"delay":3}}"#, quoted(id))
            };
            assert_eq!(read(&json("y\"")).with_unique_id(id), Some(read(&json(id))));
        }
        assert_eq!(read("{}").with_unique_id("x"), None);
        assert!(JobOptions::read(r#"{"de":{"ttl":5,"id":"x"}}"#).is_err());
        for special in [r#"{"delay":1}"#, r#"{"priority":1}"#, r#"{"lifo":true}"#, r#"{"de":{"id":"x"}}"#] {
            assert!(!read(special).is_plain(), "{special}");
        }
        assert!(JobOptions::read(r#"{"delay":"x"}"#).is_err());
    }

    #[test]
    fn a_job_vanishes_where_it_is_not_kept_once_it_has_ended() {
        for (options, expected) in [
            (r#"{"removeOnComplete":true}"#, true),
            (r#"{"removeOnFail":true,"attempts":1}"#, true),
            (r#"{"removeOnComplete":0}"#, true),
            (r#"{"removeOnComplete":{"count":0}}"#, true),
            (r#"{"removeOnComplete":{"age":86400,"count":1000},"removeOnFail":{"age":5}}"#, false),
            (r#"{"removeOnComplete":false,"removeOnFail":100}"#, false),
            (r#"{"de":{"id":"\"removeOnComplete\":true"}}"#, false),
        ] {
            assert_eq!(JobOptions::read(options).unwrap().vanishes(), expected, "{options}");
        }
    }
}
