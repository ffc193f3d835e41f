//! A JavaScript string on its way into a job: UTF-16 in, UTF-8 and JSON out, nothing lost and nothing repaired.

/// A string as JavaScript holds it. The buffers are kept between calls, so that reading a ticket allocates nothing.
#[derive(Default)]
pub struct Text {
    units: Vec<u16>,
    utf8: String,
    well_formed: bool,
}

impl Text {
    /// Takes the text that `fill` writes, as UTF-16 units, into the buffer it is handed.
    pub fn read<E>(&mut self, fill: impl FnOnce(&mut Vec<u16>) -> Result<(), E>) -> Result<(), E> {
        self.units.clear();
        fill(&mut self.units)?;
        self.decode();
        Ok(())
    }

    /// Takes these UTF-16 units.
    pub fn fill(&mut self, units: impl Iterator<Item = u16>) {
        self.units.clear();
        self.units.extend(units);
        self.decode();
    }

    /// The text as UTF-8, with U+FFFD for each lone surrogate. Lossless only where `is_well_formed` says so.
    pub fn as_str(&self) -> &str {
        &self.utf8
    }

    /// Whether the text has no lone surrogate, that is, whether it exists in UTF-8 at all.
    pub fn is_well_formed(&self) -> bool {
        self.well_formed
    }

    /// How many UTF-16 units the text has: what JavaScript calls its length.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Appends what stands between the quotes of `JSON.stringify(text)`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        if self.well_formed {
            escape(self.utf8.as_bytes(), out);
            return;
        }
        let mut utf8 = [0; 4];
        for decoded in char::decode_utf16(self.units.iter().copied()) {
            match decoded {
                Ok(char) => escape(char.encode_utf8(&mut utf8).as_bytes(), out),
                Err(lone) => push_unicode_escape(lone.unpaired_surrogate(), out),
            }
        }
    }

    fn decode(&mut self) {
        self.utf8.clear();
        self.well_formed = true;
        // Ids and most English text are ASCII. Without an early exit, finding that out and narrowing vectorise.
        if self.units.iter().fold(0, |bits, unit| bits | unit) < 0x80 {
            let mut bytes = std::mem::take(&mut self.utf8).into_bytes();
            bytes.extend(self.units.iter().map(|unit| *unit as u8));
            if let Ok(ascii) = String::from_utf8(bytes) {
                self.utf8 = ascii;
            }
            return;
        }
        for decoded in char::decode_utf16(self.units.iter().copied()) {
            self.well_formed &= decoded.is_ok();
            self.utf8.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::from_iter(text.encode_utf16())
    }
}

impl FromIterator<u16> for Text {
    fn from_iter<I: IntoIterator<Item = u16>>(units: I) -> Self {
        let mut text = Text { units: units.into_iter().collect(), ..Text::default() };
        text.decode();
        text
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Escapes UTF-8 as `JSON.stringify` does: only quotes, backslashes and controls, nothing else.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let clean = clean_prefix(rest);
        out.extend_from_slice(&rest[..clean]);
        rest = &rest[clean..];
        let Some((&byte, tail)) = rest.split_first() else {
            return;
        };
        push_escaped(byte, out);
        rest = tail;
    }
}

/// How many leading bytes need no escape. Sixteen at a time without an early exit, which the compiler vectorises.
fn clean_prefix(text: &[u8]) -> usize {
    let mut clean = 0;
    for chunk in text.chunks_exact(16) {
        if chunk.iter().fold(false, |dirty, byte| dirty | needs_escape(*byte)) {
            break;
        }
        clean += 16;
    }
    clean + text[clean..].iter().position(|byte| needs_escape(*byte)).unwrap_or(text.len() - clean)
}

fn push_escaped(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => return push_unicode_escape(byte.into(), out),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn push_unicode_escape(unit: u16, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from(unit >> shift & 0xf)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &Text) -> String {
        let mut out = Vec::new();
        text.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ascii_stays_as_it_is() {
        let text = Text::from("The printer on floor 3 prints only blank pages / 50% of the time");
        assert_eq!(json(&text), text.as_str());
        assert!(text.is_well_formed());
    }

    #[test]
    fn quotes_backslashes_and_controls_are_escaped_as_json_stringify_does() {
        let text = Text::from("\"\\\u{8}\t\n\u{c}\r\0\u{1f}\u{7f}\u{2028}");
        assert_eq!(json(&text), "\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}\u{2028}");
    }

    #[test]
    fn an_escape_is_found_wherever_it_stands_in_a_long_text() {
        for at in 0..70 {
            let mut plain = "x".repeat(70);
            plain.replace_range(at..=at, "\n");
            assert_eq!(json(&Text::from(&*plain)), plain.replace('\n', "\\n"));
        }
    }

    #[test]
    fn lone_surrogates_are_kept_as_escapes_and_make_the_text_ill_formed() {
        let text = Text::from_iter([0x61, 0xd83d, 0x62, 0xdc4d, 0xd83d, 0xdc4d]);
        assert!(!text.is_well_formed());
        assert_eq!(json(&text), "a\\ud83db\\udc4d👍");
        assert_eq!(text.as_str(), "a\u{fffd}b\u{fffd}👍");
        assert_eq!(text.len(), 6);
    }

    #[test]
    fn the_replacement_character_itself_is_well_formed() {
        assert!(Text::from("\u{fffd}").is_well_formed());
    }

    #[test]
    fn a_buffer_is_used_again_without_a_trace_of_the_last_text() {
        let mut text = Text::from("日本語 a long one");
        text.read(|units| {
            units.extend("ok".encode_utf16());
            Ok::<_, ()>(())
        })
        .unwrap();
        assert_eq!((text.as_str(), text.len()), ("ok", 2));
    }
}
