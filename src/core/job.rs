//! A job that is ready to be recorded and enqueued: its id and its data, as the bytes that Redis will hold.

use std::sync::Arc;

use super::options::JobOptions;

/// The bytes of one job, in one allocation: the id, the id as it stands inside a JSON string, the data JSON.
#[derive(Debug)]
pub struct Job {
    bytes: Box<[u8]>,
    options: Option<Arc<JobOptions>>,
    // Of memory for each job in flight these take half of what they would as `usize`.
    id_end: u32,
    id_json_end: u32,
}

/// How an id is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Plain,
    /// As it stands inside a JSON string.
    Json,
}

impl Job {
    pub fn id(&self) -> &[u8] {
        &self.bytes[..self.id_end as usize]
    }

    /// Whether it has an id. One that has none is given a number by Redis, and is another job each time that it is sent.
    pub fn has_id(&self) -> bool {
        self.id_end > 0
    }

    /// The id as it is written inside a JSON string, or nothing where that is the id itself.
    pub fn id_json(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.id_end as usize..self.id_json_end as usize])
            .filter(|escaped| !escaped.is_empty())
    }

    /// Byte for byte what `JSON.stringify` makes of the data.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.id_json_end as usize..]
    }

    /// Its options, where they are not those that plain jobs of its pipeline have in common.
    pub fn options(&self) -> Option<&JobOptions> {
        self.options.as_deref()
    }

    /// The same, as jobs share it.
    pub fn shared_options(&self) -> Option<&Arc<JobOptions>> {
        self.options.as_ref()
    }

    pub fn set_options(&mut self, options: Option<Arc<JobOptions>>) {
        self.options = options;
    }

    /// How much memory the job holds.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Puts jobs together in a buffer that is kept between them.
#[derive(Default)]
pub struct JobBuilder {
    bytes: Vec<u8>,
}

impl JobBuilder {
    pub fn build(&mut self, id: impl Fn(&mut Vec<u8>, Form), data: impl FnOnce(&mut Vec<u8>)) -> Job {
        let bytes = &mut self.bytes;
        bytes.clear();
        id(bytes, Form::Plain);
        let id_end = bytes.len();
        id(bytes, Form::Json);
        if bytes.len() == 2 * id_end {
            // Nothing needed an escape, since an escape is longer than what it stands for.
            bytes.truncate(id_end);
        }
        let id_json_end = bytes.len() as u32;
        data(bytes);
        Job { bytes: bytes.as_slice().into(), options: None, id_end: id_end as u32, id_json_end }
    }
}

#[cfg(test)]
impl Job {
    /// The job `<queue>:<part>…` with the data `{"<name>":"<value>",…}`.
    pub fn sample(queue: &str, parts: &[&super::Text], data: &[(&str, &super::Text)]) -> Job {
        let id = |bytes: &mut Vec<u8>, form| {
            bytes.extend_from_slice(queue.as_bytes());
            for part in parts {
                bytes.push(b':');
                match form {
                    Form::Plain => bytes.extend_from_slice(part.as_str().as_bytes()),
                    Form::Json => part.write_json(bytes),
                }
            }
        };
        JobBuilder::default().build(id, |bytes| {
            for (position, (name, value)) in data.iter().enumerate() {
                bytes.extend_from_slice(if position == 0 { b"{\"" } else { b",\"" });
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(b"\":\"");
                value.write_json(bytes);
                bytes.push(b'"');
            }
            bytes.push(b'}');
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Text;

    fn build(id: &str, data: &str) -> Job {
        let id = Text::from(id);
        JobBuilder::default().build(
            |bytes, form| match form {
                Form::Plain => bytes.extend_from_slice(id.as_str().as_bytes()),
                Form::Json => id.write_json(bytes),
            },
            |bytes| bytes.extend_from_slice(data.as_bytes()),
        )
    }

    #[test]
    fn an_id_without_escapes_is_held_once() {
        let job = build("q:acme:T-1", "{}");
        assert_eq!(job.id(), b"q:acme:T-1");
        assert_eq!(job.id_json(), None);
        assert_eq!(job.data(), b"{}");
        assert_eq!(job.size(), job.id().len() + job.data().len());
    }

    #[test]
    fn an_id_with_a_quote_is_held_raw_and_escaped() {
        let job = build("q:a\"b\n", "{}");
        assert_eq!(job.id(), b"q:a\"b\n");
        assert_eq!(job.id_json(), Some(&br#"q:a\"b\n"#[..]));
        assert_eq!(job.data(), b"{}");
    }
}
