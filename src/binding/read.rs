//! JavaScript values on their way in. Reads what each one is and, of a string, its text; decides nothing.

use napi::bindgen_prelude::*;

use super::raw;
use crate::core::json::{Document, Fault, MAX_DEPTH};
use crate::core::made::Parts;
use crate::core::plan::{Caller, id_too_long};
use crate::core::schema::MOST_FIELDS;
use crate::core::{Detail, Error, Field, Issue, Kind, Outcome, Text};

/// Longer ids are not copied, in UTF-16 units: none may have so many.
const LONGEST_ID: usize = 4096;

/// The most that a part of a job may have that is made elsewhere, in UTF-16 units or bytes.
const MOST_MADE: usize = 64 * 1024 * 1024;

/// The values of a call's fields, and its caller's tenant.
pub type Values<'a> = [Unknown<'a>; MOST_FIELDS];

/// What was read of an input and of its caller, or that it is too long to be read.
type Reading<'a> = std::result::Result<([Field<'a>; MOST_FIELDS], Caller<'a>), Error>;

/// The same of a document, and the id where one was given.
type ReadingDocument<'a> = std::result::Result<(&'a Document, Caller<'a>, Option<&'a Text>), Error>;

/// The buffers that values are read into, kept between calls.
#[derive(Default)]
pub struct Reader {
    fields: [Text; MOST_FIELDS],
    caller: Text,
    document: Document,
    id: Text,
    id_utf8: String,
    unique: String,
    name: Text,
    options: String,
    data: String,
}

impl Reader {
    /// Reads the first `count` values, and the caller's tenant: `undefined` when none is to be checked. Texts of over `limit`
    /// are not copied: each unit is a byte of JSON at least, so that no job may have them.
    pub fn read(
        &mut self,
        env: &Env,
        values: Values<'_>,
        count: usize,
        caller: Unknown<'_>,
        limit: usize,
    ) -> Result<Reading<'_>> {
        let mut fields = [Field::Other(Kind::Undefined); MOST_FIELDS];
        for ((value, text), field) in values.into_iter().zip(&mut self.fields).zip(&mut fields).take(count) {
            match read(env, value, text, limit)? {
                Some(read) => *field = read,
                None => return Ok(Err(Error::PayloadTooLarge { limit })),
            }
        }
        Ok(Ok((fields, read_caller(env, caller, &mut self.caller, limit)?)))
    }

    /// Reads the JSON of an input, the caller's tenant, and the id where one is given.
    pub fn read_document(
        &mut self,
        env: &Env,
        json: Unknown<'_>,
        caller: Unknown<'_>,
        id: Unknown<'_>,
        limit: usize,
    ) -> Result<ReadingDocument<'_>> {
        let read_json = self.document.read(|text| match raw::read_utf8(env, &json, limit, text) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Unread::TooLong),
            Err(error) => Err(Unread::Napi(error)),
        });
        if let Err(error) = read_json {
            return match error {
                Unread::Napi(error) => Err(error),
                Unread::TooLong => Ok(Err(Error::PayloadTooLarge { limit })),
                Unread::Fault(fault) => Ok(Err(no_document(fault))),
            };
        }
        let given = match read(env, id, &mut self.id, LONGEST_ID)? {
            Some(Field::Text(id)) => Some(id),
            Some(Field::Other(_)) => None,
            None => return Ok(Err(id_too_long())),
        };
        Ok(Ok((&self.document, read_caller(env, caller, &mut self.caller, limit)?, given)))
    }
}

/// A job that is made, as far as it can be read.
type ReadingMade<'a> = Option<Parts<'a>>;

/// The id, the data and the id for the deduplication of one that is otherwise like the last.
type LikeLast<'a> = (&'a str, &'a [u8], Option<&'a str>);

impl Reader {
    /// Reads a job that is made; nothing where one of its texts is none, or longer than any may be.
    pub fn read_made(
        &mut self,
        env: &Env,
        id: Unknown<'_>,
        name: Unknown<'_>,
        options: Unknown<'_>,
        data: Unknown<'_>,
    ) -> Result<ReadingMade<'_>> {
        if !raw::read_utf8(env, &options, MOST_MADE, &mut self.options)?
            || !raw::read_utf8(env, &data, MOST_MADE, &mut self.data)?
        {
            return Ok(None);
        }
        let (Some(Field::Text(id)), Some(Field::Text(name))) =
            (read(env, id, &mut self.id, MOST_MADE)?, read(env, name, &mut self.name, MOST_MADE)?)
        else {
            return Ok(None);
        };
        let id = Some(id).filter(|id| !id.is_empty());
        Ok(Some(Parts { name, options: &self.options, id, data: self.data.as_bytes() }))
    }

    /// Reads the id and the data of one, and the id for its deduplication, if any; nothing where one is no text, or longer
    /// than any may be, or where an id may be ill-formed.
    pub fn read_made_like_last(
        &mut self,
        env: &Env,
        id: Unknown<'_>,
        data: Unknown<'_>,
        unique: Option<Unknown<'_>>,
    ) -> Result<Option<LikeLast<'_>>> {
        let read_id = |value: &Unknown<'_>, text: &mut String| {
            let whole = raw::read_utf8(env, value, MOST_MADE, text)?;
            Ok::<_, napi::Error>(whole && !text.contains(char::REPLACEMENT_CHARACTER))
        };
        if !read_id(&id, &mut self.id_utf8)? || !raw::read_utf8(env, &data, MOST_MADE, &mut self.data)? {
            return Ok(None);
        }
        let unique = match unique {
            Some(value) if !read_id(&value, &mut self.unique)? => return Ok(None),
            other => other.map(|_| &*self.unique),
        };
        Ok(Some((&self.id_utf8, self.data.as_bytes(), unique)))
    }
}

enum Unread {
    Napi(napi::Error),
    TooLong,
    Fault(Fault),
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Unread::Fault(fault)
    }
}

/// It is what `JSON.stringify` made, so that only its depth can be at fault.
fn no_document(fault: Fault) -> Error {
    match fault {
        Fault::TooDeep => {
            let message = format!("the input has more than {MAX_DEPTH} levels");
            Error::InvalidInput { issues: vec![Issue { path: Vec::new(), code: "too_big", message }] }
        }
        fault => Error::Internal { outcome: Outcome::Refused, detail: Detail::from(format!("{fault:?}")) },
    }
}

fn read_caller<'a>(env: &Env, caller: Unknown<'_>, text: &'a mut Text, limit: usize) -> Result<Caller<'a>> {
    Ok(match read(env, caller, text, limit)? {
        Some(Field::Other(Kind::Undefined)) => Caller::Unchecked,
        Some(Field::Text(tenant)) => Caller::Tenant(tenant),
        Some(Field::Other(_)) | None => Caller::Nobody,
    })
}

/// Nothing when it is a text over the limit.
fn read<'a>(env: &Env, value: Unknown<'_>, text: &'a mut Text, limit: usize) -> Result<Option<Field<'a>>> {
    if let Some(kind) = kind(&value)? {
        return Ok(Some(Field::Other(kind)));
    }
    let mut whole = true;
    text.read(|units| {
        whole = raw::read_utf16(env, &value, limit, units)?;
        Ok::<_, napi::Error>(())
    })?;
    Ok(whole.then_some(Field::Text(text)))
}

/// What a value is, or nothing when it is a string.
pub fn kind(value: &Unknown<'_>) -> Result<Option<Kind>> {
    Ok(Some(match value.get_type()? {
        ValueType::String => return Ok(None),
        ValueType::Undefined => Kind::Undefined,
        ValueType::Null => Kind::Null,
        ValueType::Boolean => Kind::Boolean,
        ValueType::Number => Kind::Number,
        ValueType::BigInt => Kind::BigInt,
        ValueType::Symbol => Kind::Symbol,
        ValueType::Function => Kind::Function,
        _ if value.is_array()? => Kind::Array,
        _ => Kind::Object,
    }))
}
