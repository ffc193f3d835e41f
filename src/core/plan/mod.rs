//! A pipeline as its definition has it: what it accepts, and the job it makes of it.

#[cfg(test)]
pub mod tests;

use super::id::{self, IdRule};
use super::issue::Step;
use super::job::{Form, JobBuilder};
use super::json::{Document, Kind as JsonKind, Value};
use super::schema::{Fault, Schema, type_of};
use super::{Error, Field, Issue, Job, Kind, Outcome, Text};

/// The most bytes of JSON that the data of a job may have, where the definition does not say.
pub const MAX_DATA: usize = 1024 * 1024;

/// What all jobs of a pipeline have in common.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    pub queue: String,
    /// A JSON Schema. None where what is handed in was validated already.
    pub schema: Option<String>,
    /// The fields of the data that make the id of its job. None where each comes with an id.
    pub id_fields: Vec<String>,
    pub encode_ids: bool,
    /// The field of the data that names its tenant.
    pub tenant: Option<String>,
    pub max_data: usize,
}

/// Who asks for a job, as far as the route said.
#[derive(Clone, Copy)]
pub enum Caller<'a> {
    /// The route checks callers itself, or has none.
    Unchecked,
    Tenant(&'a Text),
    /// A caller that belongs to no tenant, and so may enqueue for none.
    Nobody,
}

impl Caller<'_> {
    fn may_act_for(self, tenant: Option<&Text>) -> bool {
        match (self, tenant) {
            (Caller::Unchecked, _) => true,
            (Caller::Tenant(own), Some(tenant)) => {
                own.is_well_formed() && tenant.is_well_formed() && own.as_str() == tenant.as_str()
            }
            _ => false,
        }
    }
}

/// A definition, compiled. It turns what was read of an input into a job, or says why not.
pub struct Plan {
    schema: Option<Schema>,
    id: IdRule,
    tenant: Option<String>,
    max_data: usize,
    builder: JobBuilder,
    /// Where the input is read by fields: what is known of them.
    flat: Option<Flat>,
    /// For the fields of the id, and the tenant: what is read of a document.
    texts: Vec<Text>,
    tenant_text: Text,
}

/// What there is to know of an input that is read by fields.
struct Flat {
    /// How many are read.
    count: usize,
    /// Of each, what stands before its text: `"name":"`.
    openings: Vec<Vec<u8>>,
    /// Which of them make the id, and which names the tenant.
    id: Vec<usize>,
    tenant: Option<usize>,
}

impl Flat {
    /// Nothing where more has to be read.
    fn of(schema: Option<&Schema>, id: &IdRule, tenant: Option<&String>) -> Option<Flat> {
        let names = schema?.fields()?;
        let at = |name: &String| names.iter().position(|declared| declared == name);
        let places: Vec<_> = id.fields().iter().filter_map(at).collect();
        let whole = !places.is_empty() && places.len() == id.fields().len();
        let tenant_at = tenant.and_then(at);
        (whole && tenant_at.is_some() == tenant.is_some()).then(|| Flat {
            count: names.len(),
            openings: names.iter().map(|name| opening(name)).collect(),
            id: places,
            tenant: tenant_at,
        })
    }
}

impl Plan {
    pub fn compile(definition: &Definition) -> Result<Plan, Vec<Fault>> {
        let schema = definition.schema.as_deref().map(Schema::compile).transpose()?;
        let fields = definition.id_fields.clone();
        let texts = fields.iter().map(|_| Text::default()).collect();
        let id = IdRule::new(&definition.queue, fields, definition.encode_ids);
        let tenant = definition.tenant.clone();
        Ok(Plan {
            flat: Flat::of(schema.as_ref(), &id, tenant.as_ref()),
            schema,
            id,
            tenant,
            max_data: definition.max_data,
            builder: JobBuilder::default(),
            texts,
            tenant_text: Text::default(),
        })
    }

    /// The names of the properties that are read one by one, where that is all that needs to be read.
    pub fn fields(&self) -> Option<&[String]> {
        self.flat.as_ref()?;
        self.schema.as_ref()?.fields()
    }

    /// How many there are of them.
    pub fn field_count(&self) -> usize {
        self.flat.as_ref().map_or(0, |flat| flat.count)
    }

    pub fn max_data(&self) -> usize {
        self.max_data
    }

    fn too_large(&self) -> Error {
        Error::PayloadTooLarge { limit: self.max_data }
    }

    /// The job for these values of `fields`.
    pub fn accept_fields(&mut self, values: &[Field<'_>], caller: Caller<'_>) -> Result<Job, Error> {
        // Each UTF-16 unit is at least a byte of JSON: a huge text is refused before anything looks at it.
        let units = values.iter().map(|value| match value {
            Field::Text(text) => text.len(),
            Field::Other(_) => 0,
        });
        if units.sum::<usize>() > self.max_data {
            return Err(self.too_large());
        }
        let (Some(schema), Some(flat)) = (&self.schema, &self.flat) else {
            return Err(internal("the schema is not one of fields"));
        };
        let mut issues = schema.issues_of_fields(values);
        let mut parts = [Field::Other(Kind::Undefined); super::schema::MOST_FIELDS];
        let parts = &mut parts[..flat.id.len()];
        for (part, at) in parts.iter_mut().zip(&flat.id) {
            *part = values[*at];
        }
        issues.extend(self.id.issues(parts, |name| is_named(&issues, name)));
        if !issues.is_empty() {
            let names = schema.fields().unwrap_or_default();
            issues.sort_by_key(|issue| names.iter().position(|name| is_at(issue, name)));
            return Err(Error::InvalidInput { issues });
        }
        if !caller.may_act_for(flat.tenant.and_then(|at| text_of(values[at]))) {
            return Err(Error::TenantMismatch);
        }
        let id =
            |bytes: &mut Vec<u8>, form| self.id.write(parts.iter().copied().filter_map(text_of), bytes, form);
        let job = self.builder.build(id, |bytes| {
            bytes.push(b'{');
            for (opening, value) in flat.openings.iter().zip(values) {
                let Field::Text(text) = value else { continue };
                if bytes.last() != Some(&b'{') {
                    bytes.push(b',');
                }
                bytes.extend_from_slice(opening);
                text.write_json(bytes);
                bytes.push(b'"');
            }
            bytes.push(b'}');
        });
        if job.data().len() > self.max_data {
            return Err(self.too_large());
        }
        Ok(job)
    }

    /// The job for a document. `given` is its id, where the definition does not say what makes it: then the document was
    /// judged already, as that is what the id was made of.
    pub fn accept_document(
        &mut self,
        document: &Document,
        caller: Caller<'_>,
        given: Option<&Text>,
    ) -> Result<Job, Error> {
        if document.text().len() > self.max_data {
            return Err(self.too_large());
        }
        let kept = match (&self.schema, given) {
            (Some(schema), None) => {
                schema.judge(document).map_err(|issues| Error::InvalidInput { issues })?
            }
            _ => None,
        };
        // What the job does not have makes no part of its id, and is nobody's.
        let kept = kept.map(Document::parse).transpose().map_err(|fault| internal(&format!("{fault:?}")))?;
        let document = kept.as_ref().unwrap_or(document);
        let root = document.root();
        if given.is_none() && self.id.fields().is_empty() {
            return Err(internal("nothing makes the id"));
        }
        if !self.id.fields().is_empty() && root.kind() != JsonKind::Object {
            let message = format!("the input must be an object, but it is {}", type_of(root));
            return Err(Error::InvalidInput {
                issues: vec![Issue { path: Vec::new(), code: "invalid_type", message }],
            });
        }
        let mut parts = Vec::with_capacity(self.texts.len());
        for (name, text) in self.id.fields().iter().zip(&mut self.texts) {
            parts.push(read(root.get(name), text));
        }
        let mut issues = match given {
            Some(id) => id::fault(id).map(|fault| of_id(&fault)).into_iter().collect(),
            None => self.id.issues(&parts, |_| false),
        };
        if !issues.is_empty() {
            issues.truncate(super::schema::MOST_ISSUES);
            return Err(Error::InvalidInput { issues });
        }
        let tenant = self.tenant.as_deref().map(|name| read(root.get(name), &mut self.tenant_text));
        if !caller.may_act_for(tenant.and_then(text_of)) {
            return Err(Error::TenantMismatch);
        }
        let rule = &self.id;
        let id = |bytes: &mut Vec<u8>, form| match (given, form) {
            (Some(id), Form::Plain) => bytes.extend_from_slice(id.as_str().as_bytes()),
            (Some(id), Form::Json) => id.write_json(bytes),
            (None, _) => rule.write(parts.iter().copied().filter_map(text_of), bytes, form),
        };
        Ok(self.builder.build(id, |bytes| bytes.extend_from_slice(document.text().as_bytes())))
    }

    /// What of a document is declared, as JSON: nothing where that is all of it. Or what is wrong with it, or with the id that
    /// it would make.
    pub fn judge(&mut self, document: &Document) -> Result<Option<String>, Error> {
        if document.text().len() > self.max_data {
            return Err(self.too_large());
        }
        let Some(schema) = &self.schema else {
            return Ok(None);
        };
        let kept = schema.judge(document).map_err(|issues| Error::InvalidInput { issues })?;
        if !self.id.fields().is_empty() {
            let copy = kept.clone().map(Document::parse).transpose();
            let copy = copy.map_err(|fault| internal(&format!("{fault:?}")))?;
            let root = copy.as_ref().unwrap_or(document).root();
            let fields = self.id.fields().iter().zip(&mut self.texts);
            let parts: Vec<_> = fields.map(|(name, text)| read(root.get(name), text)).collect();
            let issues = self.id.issues(&parts, |_| false);
            if !issues.is_empty() {
                return Err(Error::InvalidInput { issues });
            }
        }
        Ok(kept)
    }
}

/// Said of an id that is so long that it was not even read.
pub fn id_too_long() -> Error {
    Error::InvalidInput { issues: vec![of_id(&format!("has over {} bytes", id::MAX_ID))] }
}

fn opening(name: &str) -> Vec<u8> {
    let mut bytes = vec![b'"'];
    Text::from(name).write_json(&mut bytes);
    bytes.extend_from_slice(b"\":\"");
    bytes
}

fn internal(detail: &str) -> Error {
    Error::Internal { outcome: Outcome::Refused, detail: detail.into() }
}

fn text_of(field: Field<'_>) -> Option<&Text> {
    match field {
        Field::Text(text) => Some(text),
        Field::Other(_) => None,
    }
}

fn is_at(issue: &Issue, name: &str) -> bool {
    matches!(issue.path.first(), Some(Step::Name(at)) if at == name)
}

fn is_named(issues: &[Issue], name: &str) -> bool {
    issues.iter().any(|issue| is_at(issue, name))
}

/// Said of an id that was made by a function of the program.
fn of_id(fault: &str) -> Issue {
    Issue { path: Vec::new(), code: "custom", message: format!("the job id made of the input {fault}") }
}

/// A value of a document as a field.
fn read<'a>(value: Option<Value<'_>>, text: &'a mut Text) -> Field<'a> {
    let Some(value) = value else {
        return Field::Other(Kind::Undefined);
    };
    Field::Other(match value.kind() {
        JsonKind::Plain | JsonKind::Escaped => {
            text.fill(value.utf16());
            return Field::Text(text);
        }
        JsonKind::Null => Kind::Null,
        JsonKind::True | JsonKind::False => Kind::Boolean,
        JsonKind::Number => Kind::Number,
        JsonKind::Array => Kind::Array,
        JsonKind::Object => Kind::Object,
    })
}
