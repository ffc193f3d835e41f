//! JavaScript values on their way in. Reads what each one is and, of a string, its text; decides nothing.

use napi::bindgen_prelude::*;

use super::raw;
use crate::core::ticket::{self, Caller};
use crate::core::{Error, Field, Kind, Text};

/// Longer texts are not copied: each unit is a byte of JSON at least, so that no job may have them.
const LIMIT: usize = ticket::MAX_DATA;

/// What was read of an input and of its caller, or that it is too long to be read.
type Reading<'a> = std::result::Result<([Field<'a>; 3], Caller<'a>), Error>;

/// The buffers that values are read into, kept between calls.
#[derive(Default)]
pub struct Reader {
    fields: [Text; 3],
    caller: Text,
}

impl Reader {
    /// Reads the declared properties, and the caller's tenant: `undefined` when none is to be checked.
    pub fn read(&mut self, env: &Env, values: [Unknown<'_>; 3], caller: Unknown<'_>) -> Result<Reading<'_>> {
        let mut fields = [Field::Other(Kind::Undefined); 3];
        for ((value, text), field) in values.into_iter().zip(&mut self.fields).zip(&mut fields) {
            match read(env, value, text)? {
                Some(read) => *field = read,
                None => return Ok(Err(Error::PayloadTooLarge { limit: ticket::MAX_DATA })),
            }
        }
        let caller = match read(env, caller, &mut self.caller)? {
            Some(Field::Other(Kind::Undefined)) => Caller::Unchecked,
            Some(Field::Text(tenant)) => Caller::Tenant(tenant),
            Some(Field::Other(_)) | None => Caller::Nobody,
        };
        Ok(Ok((fields, caller)))
    }
}

/// Nothing when it is a text over the limit.
fn read<'a>(env: &Env, value: Unknown<'_>, text: &'a mut Text) -> Result<Option<Field<'a>>> {
    if let Some(kind) = kind(&value)? {
        return Ok(Some(Field::Other(kind)));
    }
    let mut whole = true;
    text.read(|units| {
        whole = raw::read_utf16(env, &value, LIMIT, units)?;
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
