//! Jobs that were made elsewhere, with BullMQ's own `Job`: name, id, options and data come as they are to be stored. What the
//! script cannot add just as BullMQ would is told apart here.

use std::collections::HashMap;
use std::sync::Arc;

use super::job::{Form, JobBuilder};
use super::options::JobOptions;
use super::text::escape;
use super::{Job, Text, id};

/// Names with options that are remembered.
const MOST: usize = 64;

/// What comes with a job.
pub struct Parts<'a> {
    pub name: &'a Text,
    /// JSON, without the id.
    pub options: &'a str,
    /// None where Redis is to give it a number.
    pub id: Option<&'a Text>,
    /// JSON.
    pub data: &'a [u8],
}

#[derive(Default)]
pub struct Maker {
    builder: JobBuilder,
    known: Known,
}

impl Maker {
    /// Nothing where BullMQ alone can add it: its options are not of the types that they should be, a text is ill-formed, or
    /// its id is a number or that of a key of the queue.
    pub fn make(&mut self, Parts { name, options, id, data }: Parts<'_>) -> Option<Job> {
        if !name.is_well_formed() || !id.is_none_or(|id| id.is_well_formed() && fits(id.as_str())) {
            return None;
        }
        let options = self.known.get(name.as_str(), options, id.is_some())?;
        Some(self.build(id.map_or("", Text::as_str), data, options))
    }

    /// A job with the name and the options of the last that had an id, or none, as it does: "" is none. Its id is well-formed.
    /// Where it comes with an id for its deduplication, that is another one.
    pub fn make_like_last(&mut self, id: &str, data: &[u8], unique: Option<&str>) -> Option<Job> {
        if !id.is_empty() && !fits(id) {
            return None;
        }
        let mut options = self.known.last(!id.is_empty())?;
        if let Some(unique) = unique {
            options = Arc::new(options.with_unique_id(unique)?);
        }
        Some(self.build(id, data, options))
    }

    fn build(&mut self, id: &str, data: &[u8], options: Arc<JobOptions>) -> Job {
        let write = |bytes: &mut Vec<u8>, form| match form {
            Form::Plain => bytes.extend_from_slice(id.as_bytes()),
            Form::Json => escape(id.as_bytes(), bytes),
        };
        let mut job = self.builder.build(write, |bytes| bytes.extend_from_slice(data));
        job.set_options(Some(options));
        job
    }
}

/// Whether a job may have this id.
fn fits(id: &str) -> bool {
    !id.is_empty() && !id::is_number(id) && !id::is_reserved(id)
}

/// What may be remembered, in bytes.
const LONGEST: usize = 4096;

/// Options that were read: most jobs have those of the one before.
#[derive(Default)]
struct Known {
    last: [Option<Entry>; 2],
    others: HashMap<String, Arc<JobOptions>>,
}

struct Entry {
    json: String,
    options: Arc<JobOptions>,
}

impl Known {
    fn last(&self, has_id: bool) -> Option<Arc<JobOptions>> {
        self.last[usize::from(has_id)].as_ref().map(|entry| Arc::clone(&entry.options))
    }

    fn get(&mut self, name: &str, json: &str, has_id: bool) -> Option<Arc<JobOptions>> {
        let last = &mut self.last[usize::from(has_id)];
        let is_it = |entry: &&Entry| entry.json == json && entry.options.name.as_deref() == Some(name);
        if let Some(entry) = last.as_ref().filter(is_it) {
            return Some(Arc::clone(&entry.options));
        }
        let key = format!("{}{name}\0{json}", if has_id { 'i' } else { 'n' });
        let options = match self.others.get(&key) {
            Some(options) => Arc::clone(options),
            None => {
                let options = Arc::new(JobOptions::of_named(name, json, has_id).ok()?);
                if self.others.len() == MOST {
                    self.others.clear();
                }
                // What has an id of its own comes once, and long ones are not worth the room.
                if options.deduplication.is_none() && options.parent.is_none() && key.len() <= LONGEST {
                    self.others.insert(key, Arc::clone(&options));
                }
                options
            }
        };
        *last = Some(Entry { json: json.to_owned(), options: Arc::clone(&options) });
        Some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(maker: &mut Maker, name: &str, id: Option<&str>, options: &str) -> Option<Job> {
        let (name, id) = (Text::from(name), id.map(Text::from));
        maker.make(Parts { name: &name, options, id: id.as_ref(), data: b"{}" })
    }

    #[test]
    fn a_job_has_what_it_came_with() {
        let maker = &mut Maker::default();
        let job = make(maker, "n", Some("a\"b"), r#"{"attempts":3}"#).unwrap();
        assert_eq!((job.id(), job.id_json()), (&b"a\"b"[..], Some(&b"a\\\"b"[..])));
        let options = job.options().unwrap();
        assert_eq!((&*options.front, options.name.as_deref()), (r#"{"attempts":3,"jobId":""#, Some("n")));
        let job = make(maker, "m", None, r#"{"attempts":3}"#).unwrap();
        assert!(!job.has_id());
        let options = job.options().unwrap();
        assert_eq!((&*options.front, options.name.as_deref()), (r#"{"attempts":3}"#, Some("m")));
        assert_eq!(job.data(), b"{}");
    }

    #[test]
    fn jobs_that_come_with_the_same_share_it() {
        let maker = &mut Maker::default();
        let mut options =
            |name, id, json| make(maker, name, id, json).unwrap().shared_options().cloned().unwrap();
        let [one, other] = [r#"{"delay":5}"#, r#"{"lifo":true}"#];
        let first = options("n", None, one);
        assert!(Arc::ptr_eq(&first, &options("n", None, one)));
        assert!(!Arc::ptr_eq(&first, &options("m", None, one)));
        assert!(!Arc::ptr_eq(&first, &options("n", Some("x"), one)));
        assert!(!Arc::ptr_eq(&first, &options("n", None, other)));
        assert!(Arc::ptr_eq(&first, &options("n", None, one)));
        let named = options("x", Some("a"), one);
        for (name, id) in [("ix", None), ("x", None), ("nx", Some("a"))] {
            assert!(!Arc::ptr_eq(&named, &options(name, id, one)), "{name}");
        }
    }

    #[test]
    fn one_that_comes_without_them_has_those_of_the_last_like_it() {
        let maker = &mut Maker::default();
        let again = |maker: &mut Maker, id: &str| {
            let job = maker.make_like_last(id, b"{}", None)?;
            assert_eq!((job.id(), job.data()), (id.as_bytes(), &b"{}"[..]));
            Some(job.options()?.front.clone())
        };
        assert_eq!(again(maker, ""), None);
        make(maker, "n", None, r#"{"delay":5}"#).unwrap();
        assert_eq!(again(maker, "x"), None);
        make(maker, "n", Some("x"), r#"{"lifo":true}"#).unwrap();
        assert_eq!(again(maker, "").as_deref(), Some(r#"{"delay":5}"#));
        assert_eq!(again(maker, "y").as_deref(), Some(r#"{"lifo":true,"jobId":""#));
        assert_eq!(again(maker, "meta"), None);
        assert!(maker.make_like_last("y", b"{}", Some("z")).is_none());
        make(maker, "n", Some("x"), r#"{"de":{"id":"a"}}"#).unwrap();
        let job = maker.make_like_last("y", b"{}", Some("z")).unwrap();
        let unique = job.options().unwrap().deduplication.as_ref().unwrap();
        assert_eq!((&*job.options().unwrap().front, &*unique.id), (r#"{"de":{"id":"z"},"jobId":""#, "z"));
    }

    #[test]
    fn no_more_is_remembered_than_a_few() {
        let mut known = Known::default();
        for delay in 0..1000 {
            known.get("n", &format!("{{\"delay\":{delay}}}"), false).unwrap();
            known.get("n", &format!("{{\"de\":{{\"id\":\"{delay}\"}}}}"), false).unwrap();
        }
        assert!(known.others.len() <= MOST);
    }

    #[test]
    fn what_only_bullmq_can_add_is_not_made() {
        let maker = &mut Maker::default();
        for options in [
            r#"{"delay":-5}"#,
            r#"{"delay":1.5}"#,
            r#"{"delay":"50"}"#,
            r#"{"priority":"1"}"#,
            r#"{"priority":-1}"#,
            r#"{"lifo":1}"#,
            r#"{"de":{"id":5}}"#,
            r#"{"de":{"id":"\ud800"}}"#,
            r#"{"de":{"id":"x","ttl":0.5}}"#,
            r#"{"parent":{"id":"x"}}"#,
            r#"{"timestamp":1.5}"#,
            "[]",
        ] {
            assert!(make(maker, "n", None, options).is_none(), "{options}");
        }
        for id in ["wait", "de", "de:x:y", "7", ""] {
            assert!(make(maker, "n", Some(id), "{}").is_none(), "{id}");
        }
        let lone = Text::from_iter([0xd800]);
        let fine = Text::from("x");
        for (name, id) in [(&lone, None), (&fine, Some(&lone))] {
            assert!(maker.make(Parts { name, options: "{}", id, data: b"" }).is_none());
        }
        assert!(make(maker, "", Some("a:b:c"), "{}").is_some());
    }
}
