//! A pipeline's definition, compiled: shared by the boundary that has its calls and by the schema that it shows to others.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::issues;
use super::read::Reader;
use crate::core::options::JobOptions;
use crate::core::plan;
use crate::core::{Error, Outcome};
use crate::queue::{Destination, Reuse};

/// What a user defined, as `lib/definition/` has checked and named it.
#[napi(object, object_to_js = false)]
pub struct Definition {
    pub queue_name: String,
    pub job_name: String,
    /// The options of all its jobs: a JSON object, without an id.
    pub job_options: String,
    /// A JSON Schema, unless what is handed in was validated already.
    pub schema: Option<String>,
    /// None where each call brings its id along.
    pub id_fields: Vec<String>,
    pub encode_ids: bool,
    pub tenant: Option<String>,
    pub max_data_bytes: u32,
    /// Which jobs that ended make room for a new one of their id: 0 none, 1 those that failed, 2 all.
    pub id_reuse: u8,
    /// How many events the queue is to keep: a whole number below 2^53. None where that is left to its meta.
    pub max_events: Option<f64>,
}

/// Something wrong with a schema.
#[napi(object, object_from_js = false)]
pub struct SchemaFault {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    pub message: String,
}

#[napi]
pub struct Plan {
    pub(super) plan: Rc<RefCell<plan::Plan>>,
    pub(super) reader: Rc<RefCell<Reader>>,
    queue: String,
    job_name: String,
    pub(super) options: Arc<JobOptions>,
    pub(super) reuse: Reuse,
    max_events: Option<u64>,
}

/// Everything wrong with a JSON Schema.
#[napi(catch_unwind)]
pub fn faults_of_schema(schema: String) -> Vec<SchemaFault> {
    let faults = crate::core::schema::Schema::compile(&schema).err().unwrap_or_default();
    faults.into_iter().map(|fault| SchemaFault { pointer: fault.pointer, message: fault.message }).collect()
}

#[napi]
impl Plan {
    /// Its schema has no faults.
    #[napi(constructor, catch_unwind)]
    pub fn new(definition: Definition) -> Result<Self> {
        let Definition {
            queue_name,
            job_name,
            job_options,
            schema,
            id_fields,
            encode_ids,
            tenant,
            max_data_bytes,
            id_reuse,
            max_events,
        } = definition;
        let plan = plan::Plan::compile(&plan::Definition {
            queue: queue_name.clone(),
            schema,
            id_fields,
            encode_ids,
            tenant,
            max_data: max_data_bytes as usize,
        });
        let plan = plan.map_err(|faults| napi::Error::from_reason(format!("{faults:?}")))?;
        let options =
            JobOptions::read(&job_options).map_err(|error| napi::Error::from_reason(error.to_string()))?;
        Ok(Plan {
            plan: Rc::new(RefCell::new(plan)),
            reader: Rc::default(),
            queue: queue_name,
            job_name,
            options: Arc::new(options),
            reuse: match id_reuse {
                1 => Reuse::AfterFailed,
                2 => Reuse::AfterFinished,
                _ => Reuse::Never,
            },
            max_events: max_events.map(|most| most as u64),
        })
    }

    /// The names of the properties that a call hands over one by one; nothing where it hands over JSON.
    #[napi(catch_unwind)]
    pub fn fields(&self) -> Option<Vec<String>> {
        self.plan.borrow().fields().map(<[String]>::to_vec)
    }

    /// The number of what is wrong with what was read of an input; nothing when it is valid.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments, reason = "as `Boundary::begin`")]
    pub fn check(
        &self,
        env: &Env,
        a: Unknown<'_>,
        b: Unknown<'_>,
        c: Unknown<'_>,
        d: Unknown<'_>,
        e: Unknown<'_>,
        f: Unknown<'_>,
        g: Unknown<'_>,
        h: Unknown<'_>,
    ) -> Result<Option<f64>> {
        let plan = &mut *self.plan.borrow_mut();
        let reader = &mut *self.reader.borrow_mut();
        let count = plan.field_count();
        let nobody = ().into_unknown(env)?;
        let read = reader.read(env, [a, b, c, d, e, f, g, h], count, nobody, plan.max_data())?;
        let accepted = read.and_then(|(fields, caller)| plan.accept_fields(&fields[..count], caller));
        Ok(accepted.err().map(|error| issues::number(error.into_issues())))
    }

    /// What of an input is declared, as JSON, or nothing where that is all of it, or the number of what is wrong with it: for
    /// a call that of a code, where it is not its issues.
    #[napi(catch_unwind)]
    pub fn judge(&self, env: &Env, json: Unknown<'_>, for_call: bool) -> Result<Option<Either<String, f64>>> {
        let plan = &mut *self.plan.borrow_mut();
        let reader = &mut *self.reader.borrow_mut();
        let (nobody, none) = (().into_unknown(env)?, ().into_unknown(env)?);
        let read = reader.read_document(env, json, nobody, none, plan.max_data())?;
        Ok(match read.and_then(|(document, _, _)| plan.judge(document)) {
            Ok(kept) => kept.map(Either::A),
            Err(error @ Error::PayloadTooLarge { .. }) if for_call => Some(Either::B(error.number().into())),
            Err(error) => Some(Either::B(issues::number(error.into_issues()))),
        })
    }
}

impl Plan {
    /// The options of its jobs, where those are not plain.
    pub(super) fn special(&self) -> Option<Arc<JobOptions>> {
        let plain = self.options.is_plain() && self.options.timestamp.is_none();
        (!plain).then(|| Arc::clone(&self.options))
    }

    /// Where its jobs go, behind this prefix.
    pub(super) fn destination(&self, prefix: &str) -> Destination {
        let [prefix, queue] = [prefix, &self.queue].map(str::to_owned);
        let (job_name, options) = (self.job_name.clone(), self.options.front.clone());
        Destination { prefix, queue, job_name, options, reuse: self.reuse, max_events: self.max_events }
    }
}

/// A defect of the boundary, before anything was sent.
pub(super) fn internal(detail: impl std::fmt::Display) -> Error {
    Error::Internal { outcome: Outcome::Refused, detail: detail.to_string().into() }
}
