//! Jobs that were made elsewhere, with BullMQ's own `Job`: name, id, options and data come as they are to be stored. What the
//! script cannot add just as BullMQ would is told apart here.

use std::collections::HashMap;
use std::sync::Arc;

use super::job::{Form, JobBuilder};
use super::options::JobOptions;
use super::{Job, Text, id};

/// Names with options that are remembered.
const MOST: usize = 64;

/// What comes with a job.
pub struct Parts<'a> {
    /// What it is called, and its options, as JSON without the id. None where they are those of the last job that had an id, or
    /// had none, as it does.
    pub form: Option<(&'a Text, &'a str)>,
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
    pub fn make(&mut self, Parts { form, id, data }: Parts<'_>) -> Option<Job> {
        let fits = |id: &Text| {
            let text = id.as_str();
            id.is_well_formed() && !id.is_empty() && !id::is_number(text) && !id::is_reserved(text)
        };
        if !form.is_none_or(|(name, _)| name.is_well_formed()) || !id.is_none_or(fits) {
            return None;
        }
        let options = match form {
            Some((name, options)) => self.known.get(name.as_str(), options, id.is_some())?,
            None => self.known.last(id.is_some())?,
        };
        let write = |bytes: &mut Vec<u8>, form| match (id, form) {
            (Some(id), Form::Plain) => bytes.extend_from_slice(id.as_str().as_bytes()),
            (Some(id), Form::Json) => id.write_json(bytes),
            (None, _) => {}
        };
        let mut job = self.builder.build(write, |bytes| bytes.extend_from_slice(data));
        job.set_options(Some(options));
        Some(job)
    }
}

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
        let key = format!("{}{name}\0{json}", if has_id { "i" } else { "" });
        let options = match self.others.get(&key) {
            Some(options) => Arc::clone(options),
            None => {
                let options = Arc::new(JobOptions::of_named(name, json, has_id).ok()?);
                if self.others.len() == MOST {
                    self.others.clear();
                }
                // What has an id of its own comes once.
                if options.deduplication.is_none() && options.parent.is_none() {
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
        maker.make(Parts { form: Some((&name, options)), id: id.as_ref(), data: b"{}" })
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
        let mut options = |name, id, json| make(maker, name, id, json).unwrap().shared_options().unwrap();
        let [one, other] = [r#"{"delay":5}"#, r#"{"lifo":true}"#];
        let first = options("n", None, one);
        assert!(Arc::ptr_eq(&first, &options("n", None, one)));
        assert!(!Arc::ptr_eq(&first, &options("m", None, one)));
        assert!(!Arc::ptr_eq(&first, &options("n", Some("x"), one)));
        assert!(!Arc::ptr_eq(&first, &options("n", None, other)));
        assert!(Arc::ptr_eq(&first, &options("n", None, one)));
    }

    #[test]
    fn one_that_comes_without_them_has_those_of_the_last_like_it() {
        let maker = &mut Maker::default();
        let again = |maker: &mut Maker, id: Option<&str>| {
            let id = id.map(Text::from);
            let job = maker.make(Parts { form: None, id: id.as_ref(), data: b"{}" })?;
            Some(job.options()?.front.clone())
        };
        assert_eq!(again(maker, None), None);
        make(maker, "n", None, r#"{"delay":5}"#).unwrap();
        assert_eq!(again(maker, Some("x")), None);
        make(maker, "n", Some("x"), r#"{"lifo":true}"#).unwrap();
        assert_eq!(again(maker, None).as_deref(), Some(r#"{"delay":5}"#));
        assert_eq!(again(maker, Some("y")).as_deref(), Some(r#"{"lifo":true,"jobId":""#));
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
            assert!(maker.make(Parts { form: Some((name, "{}")), id, data: b"" }).is_none());
        }
        assert!(make(maker, "", Some("a:b:c"), "{}").is_some());
    }
}
