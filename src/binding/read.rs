//! JavaScript values on their way in. Reads what each one is and, of a string, its text; decides nothing.

use napi::bindgen_prelude::*;

use super::raw;
use crate::core::ticket::{self, Caller};
use crate::core::{Field, Kind, Text};

/// Longer texts are cut here, one unit past what any job may have: they are refused for their length alone.
const LIMIT: usize = ticket::MAX_DATA + 1;

/// The buffers that values are read into, kept between calls.
#[derive(Default)]
pub struct Reader {
    fields: [Text; 3],
    caller: Text,
}

impl Reader {
    /// Reads the declared properties, and the caller's tenant: `undefined` when none is to be checked.
    pub fn read(
        &mut self,
        env: &Env,
        values: [Unknown<'_>; 3],
        caller: Unknown<'_>,
    ) -> Result<([Field<'_>; 3], Caller<'_>)> {
        let mut fields = [Field::Other(Kind::Undefined); 3];
        for ((value, text), field) in values.into_iter().zip(&mut self.fields).zip(&mut fields) {
            *field = read(env, value, text)?;
        }
        let caller = match read(env, caller, &mut self.caller)? {
            Field::Other(Kind::Undefined) => Caller::Unchecked,
            Field::Text(tenant) => Caller::Tenant(tenant),
            Field::Other(_) => Caller::Nobody,
        };
        Ok((fields, caller))
    }
}

fn read<'a>(env: &Env, value: Unknown<'_>, text: &'a mut Text) -> Result<Field<'a>> {
    if let Some(kind) = kind(&value)? {
        return Ok(Field::Other(kind));
    }
    text.read(|units| raw::read_utf16(env, &value, LIMIT, units))?;
    Ok(Field::Text(text))
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
