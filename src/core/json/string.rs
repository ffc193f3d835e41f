//! Strings of a document, with their escapes resolved where there are any.

use std::borrow::Cow;

use super::{Kind, Value};

impl<'a> Value<'a> {
    /// The text of a string, with U+FFFD for each lone surrogate. Empty for what is no string.
    pub fn text(self) -> Cow<'a, str> {
        let raw = self.between_quotes().unwrap_or_default();
        if self.kind() != Kind::Escaped {
            return Cow::Borrowed(raw);
        }
        let decoded = char::decode_utf16(units(raw)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        Cow::Owned(decoded.collect())
    }

    /// Whether it is this string. None of them has a lone surrogate.
    pub fn is_text(self, text: &str) -> bool {
        match self.kind() {
            Kind::Plain => self.between_quotes() == Some(text),
            Kind::Escaped => units(self.between_quotes().unwrap_or_default()).eq(text.encode_utf16()),
            _ => false,
        }
    }

    /// Whether a string has no lone surrogate.
    pub fn is_well_formed(self) -> bool {
        self.kind() != Kind::Escaped
            || char::decode_utf16(units(self.between_quotes().unwrap_or_default())).all(|unit| unit.is_ok())
    }

    /// The UTF-16 units of a string.
    pub fn utf16(self) -> impl Iterator<Item = u16> + 'a {
        self.units()
    }

    pub(super) fn units(self) -> Units<'a> {
        units(self.between_quotes().unwrap_or_default())
    }
}

/// The UTF-16 units of what stands between the quotes of a string.
fn units(raw: &str) -> Units<'_> {
    Units { rest: raw.chars(), low: None }
}

#[derive(Clone)]
pub(super) struct Units<'a> {
    rest: std::str::Chars<'a>,
    /// The second half of a pair whose first was just given.
    low: Option<u16>,
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            return Some(low);
        }
        let character = match self.rest.next()? {
            '\\' => match self.rest.next()? {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits = self.rest.by_ref().take(4);
                    return Some(
                        digits
                            .filter_map(|digit| digit.to_digit(16))
                            .fold(0, |unit, digit| unit << 4 | digit as u16),
                    );
                }
                itself => itself,
            },
            plain => plain,
        };
        let mut pair = [0; 2];
        let encoded = character.encode_utf16(&mut pair);
        self.low = encoded.get(1).copied();
        Some(encoded[0])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;

    #[test]
    fn escapes_stand_for_what_json_says() {
        let text = r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀""#;
        let document = Document::parse(text.into()).unwrap();
        let expected = "a\"\\/\u{8}\u{c}\n\r\té😀é😀";
        assert_eq!(document.root().text(), expected);
        assert_eq!(serde_json::from_str::<String>(text).unwrap(), expected);
        assert!(document.root().is_text(expected));
        assert!(!document.root().is_text("a"));
        assert!(document.root().is_well_formed());
    }

    #[test]
    fn a_lone_surrogate_is_a_character_of_its_own() {
        let document = Document::parse(r#""a\ud83dx\ude00""#.into()).unwrap();
        assert_eq!(document.root().text(), "a\u{fffd}x\u{fffd}");
        assert!(!document.root().is_well_formed());
        assert!(!document.root().is_text("a\u{fffd}x\u{fffd}"));
    }
}
