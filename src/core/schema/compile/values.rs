//! Plain values in keywords: each is what the keyword asks for, or a fault.

use super::{Compiler, Keyword};
use crate::core::json::Kind;
use crate::core::schema::formats::{self, Format};
use crate::core::schema::keywords;
use crate::core::schema::pattern::Pattern;
use crate::core::schema::rules::Types;

impl<'a> Compiler<'a> {
    pub(super) fn dialect(&mut self, keyword: &Keyword<'a, '_>) {
        let Some(dialect) = self.text(keyword) else { return };
        if dialect.trim_end_matches('#') != "https://json-schema.org/draft/2020-12/schema" {
            self.fault(keyword.pointer, "must be https://json-schema.org/draft/2020-12/schema, or left out");
        }
    }

    pub(super) fn types(&mut self, keyword: &Keyword<'a, '_>) -> Option<Types> {
        let names = match keyword.value.kind() {
            Kind::Array => self.texts(keyword),
            _ => vec![self.text(keyword)?],
        };
        let mut types = Types(0);
        for name in names {
            match Types::named(&name) {
                Some(known) => types.0 |= known.0,
                None => {
                    let known: Vec<_> = Types::NAMES.iter().map(|(name, _)| *name).collect();
                    self.fault(keyword.pointer, format!("must be of {}, not {name}", known.join(", ")));
                }
            }
        }
        Some(types)
    }

    pub(super) fn text(&mut self, keyword: &Keyword<'a, '_>) -> Option<String> {
        if keyword.value.between_quotes().is_none() {
            self.fault(keyword.pointer, "must be a string");
            return None;
        }
        Some(keyword.value.text().into_owned())
    }

    pub(super) fn texts(&mut self, keyword: &Keyword<'a, '_>) -> Vec<String> {
        let whole = keyword.value.kind() == Kind::Array
            && keyword.value.items().all(|item| item.between_quotes().is_some());
        if !whole {
            self.fault(keyword.pointer, "must be an array of strings");
        }
        keyword.value.items().map(|item| item.text().into_owned()).collect()
    }

    pub(super) fn number(&mut self, keyword: &Keyword<'a, '_>) -> Option<f64> {
        let number = keyword.value.as_number();
        if number.is_none() {
            self.fault(keyword.pointer, "must be a number");
        }
        number
    }

    pub(super) fn count(&mut self, keyword: &Keyword<'a, '_>) -> Option<usize> {
        let count = keyword.value.as_number().filter(|count| *count >= 0.0 && count.fract() == 0.0);
        if count.is_none() {
            self.fault(keyword.pointer, "must be a whole number, 0 or more");
        }
        count.map(|count| count as usize)
    }

    pub(super) fn pattern(&mut self, source: &str, pointer: &str) -> Option<Pattern> {
        let compiled = Pattern::compile(source);
        if let Err(why) = &compiled {
            self.fault(pointer, format!("is no regular expression of JavaScript with the flag u: {why}"));
        }
        compiled.ok()
    }

    pub(super) fn format(&mut self, keyword: &Keyword<'a, '_>) -> Option<Format> {
        let name = self.text(keyword)?;
        let format = Format::named(&name);
        if format.is_none()
            && let Some(nearest) = keywords::nearest(&name, formats::NAMES.iter().map(|(known, _)| *known))
        {
            self.fault(keyword.pointer, format!("is no format of JSON Schema; is {nearest} meant?"));
        }
        format
    }
}
