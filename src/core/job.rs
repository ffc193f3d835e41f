//! A job that is ready to be recorded and enqueued: its id and its data, as the bytes that Redis will hold.

use super::Text;

/// The bytes of one job, in one allocation: the id, the id as it stands inside a JSON string, the data JSON.
#[derive(Debug)]
pub struct Job {
    bytes: Box<[u8]>,
    id_end: usize,
    id_json_end: usize,
}

impl Job {
    pub fn id(&self) -> &[u8] {
        &self.bytes[..self.id_end]
    }

    /// The id as it is written inside a JSON string, or nothing where that is the id itself.
    pub fn id_json(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.id_end..self.id_json_end]).filter(|escaped| !escaped.is_empty())
    }

    /// Byte for byte what `JSON.stringify` makes of the data.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.id_json_end..]
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
    /// The job `<queue>:<part>:<part>…` with the data `{"<name>":"<value>",…}`.
    pub fn build<'a>(
        &mut self,
        queue: &str,
        id_parts: impl Iterator<Item = &'a Text> + Clone,
        data: impl Iterator<Item = (&'a str, &'a Text)>,
    ) -> Job {
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend_from_slice(queue.as_bytes());
        for part in id_parts.clone() {
            bytes.push(b':');
            bytes.extend_from_slice(part.as_str().as_bytes());
        }
        let id_end = bytes.len();
        bytes.extend_from_slice(queue.as_bytes());
        for part in id_parts {
            bytes.push(b':');
            part.write_json(bytes);
        }
        if bytes.len() == 2 * id_end {
            // Nothing needed an escape, since an escape is longer than what it stands for.
            bytes.truncate(id_end);
        }
        let id_json_end = bytes.len();
        for (position, (name, value)) in data.enumerate() {
            bytes.extend_from_slice(if position == 0 { b"{\"" } else { b",\"" });
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b"\":\"");
            value.write_json(bytes);
            bytes.push(b'"');
        }
        bytes.push(b'}');
        Job { bytes: bytes.as_slice().into(), id_end, id_json_end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(parts: &[&Text], data: &[(&str, &Text)]) -> Job {
        JobBuilder::default().build("q", parts.iter().copied(), data.iter().copied())
    }

    #[test]
    fn an_id_without_escapes_is_held_once() {
        let (a, b) = (Text::from("acme"), Text::from("T-1"));
        let job = build(&[&a, &b], &[("a", &a), ("b", &b)]);
        assert_eq!(job.id(), b"q:acme:T-1");
        assert_eq!(job.id_json(), None);
        assert_eq!(job.data(), br#"{"a":"acme","b":"T-1"}"#);
        assert_eq!(job.size(), job.id().len() + job.data().len());
    }

    #[test]
    fn an_id_with_a_quote_is_held_raw_and_escaped() {
        let a = Text::from("a\"b\n");
        let job = build(&[&a], &[("a", &a)]);
        assert_eq!(job.id(), b"q:a\"b\n");
        assert_eq!(job.id_json(), Some(&br#"q:a\"b\n"#[..]));
        assert_eq!(job.data(), br#"{"a":"a\"b\n"}"#);
    }

    #[test]
    fn empty_parts_keep_their_separators() {
        let empty = Text::default();
        assert_eq!(build(&[&empty, &empty], &[("a", &empty)]).id(), b"q::");
    }
}
