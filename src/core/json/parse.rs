//! From JSON text to its nodes, as RFC 8259 has it. Nothing is called for each level, so that no nesting is too deep for the
//! stack of whoever calls.

use super::{Kind, Node};

/// How deep values may be in one another. Whoever walks a document calls itself for each level.
pub const MAX_DEPTH: usize = 200;
/// Places are counted in 32 bits.
const MAX_BYTES: usize = u32::MAX as usize;

/// Why a text is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no JSON from this byte on.
    Syntax(usize),
    /// Its values are in one another more than `MAX_DEPTH` deep.
    TooDeep,
    TooLong,
}

pub(super) fn fill(text: &str, nodes: &mut Vec<Node>) -> Result<(), Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::TooLong);
    }
    let mut parser = Parser { text: text.as_bytes(), at: 0, nodes };
    parser.run()?;
    parser.skip_space();
    if parser.at == text.len() { Ok(()) } else { Err(Fault::Syntax(parser.at)) }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        // The arrays and objects that are open, by their places.
        let mut open: Vec<usize> = Vec::new();
        loop {
            let place = self.nodes.len();
            self.skip_space();
            if self.start()? {
                if open.len() == MAX_DEPTH {
                    return Err(Fault::TooDeep);
                }
                open.push(place);
                self.skip_space();
                if self.byte() != self.closing(place) {
                    self.nodes[place].size = 1;
                    self.name(place)?;
                    continue;
                }
            }
            // A value has ended; what it ends with it ends too.
            loop {
                let Some(&holder) = open.last() else {
                    return Ok(());
                };
                self.skip_space();
                if self.byte() == Some(b',') && self.nodes[holder].size > 0 {
                    self.at += 1;
                    self.nodes[holder].size += 1;
                    self.skip_space();
                    self.name(holder)?;
                    break;
                }
                if self.byte() != self.closing(holder) {
                    return Err(Fault::Syntax(self.at));
                }
                self.at += 1;
                open.pop();
                self.end(holder);
            }
        }
    }

    /// The byte that ends the array or object.
    fn closing(&self, place: usize) -> Option<u8> {
        Some(if self.nodes[place].kind == Kind::Array { b']' } else { b'}' })
    }

    fn end(&mut self, place: usize) {
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[place];
        node.end = self.at as u32;
        node.next = next;
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    /// Takes a whole value, or the start of an array or object, which it says.
    fn start(&mut self) -> Result<bool, Fault> {
        match self.byte() {
            Some(b'"') => self.string()?,
            Some(b'[') => {
                self.push(Kind::Array, self.at, self.at + 1);
                return Ok(true);
            }
            Some(b'{') => {
                self.push(Kind::Object, self.at, self.at + 1);
                return Ok(true);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Kind::True)?,
            Some(b'f') => self.word("false", Kind::False)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return Err(Fault::Syntax(self.at)),
        }
        Ok(false)
    }

    /// In an object, takes the name of the next member.
    fn name(&mut self, holder: usize) -> Result<(), Fault> {
        if self.nodes[holder].kind == Kind::Array {
            return Ok(());
        }
        if self.byte() != Some(b'"') {
            return Err(Fault::Syntax(self.at));
        }
        self.string()?;
        self.skip_space();
        if self.byte() != Some(b':') {
            return Err(Fault::Syntax(self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { kind, start: start as u32, end: end as u32, next, size: 0 });
        self.at = end;
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), Fault> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault::Syntax(self.at));
        }
        self.push(kind, self.at, self.at + word.len());
        Ok(())
    }

    fn digits(&mut self, mut at: usize) -> Result<usize, Fault> {
        let from = at;
        while self.text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == from { Err(Fault::Syntax(at)) } else { Ok(at) }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let mut at = start + usize::from(self.text[start] == b'-');
        at = if self.text.get(at) == Some(&b'0') { at + 1 } else { self.digits(at)? };
        if self.text.get(at) == Some(&b'.') {
            at = self.digits(at + 1)?;
        }
        if matches!(self.text.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(self.text.get(at), Some(b'+' | b'-')));
            at = self.digits(at)?;
        }
        self.push(Kind::Number, start, at);
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let mut at = start + 1;
        let mut kind = Kind::Plain;
        loop {
            at += plain_prefix(&self.text[at..]);
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::Escaped;
                    at += match self.text.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') if is_hex(self.text.get(at + 2..at + 6)) => 6,
                        _ => return Err(Fault::Syntax(at)),
                    };
                }
                _ => return Err(Fault::Syntax(at)),
            }
        }
        self.push(kind, start, at + 1);
        Ok(())
    }
}

fn is_hex(digits: Option<&[u8]>) -> bool {
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// How many bytes from the start are neither a quote, nor a backslash, nor a control. Sixteen at a time without an early exit,
/// which the compiler vectorises.
fn plain_prefix(text: &[u8]) -> usize {
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let mut plain = 0;
    for chunk in text.chunks_exact(16) {
        if chunk.iter().fold(false, |any, byte| any | special(*byte)) {
            break;
        }
        plain += 16;
    }
    plain + text[plain..].iter().position(|byte| special(*byte)).unwrap_or(text.len() - plain)
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        Document::parse(text.to_owned()).err()
    }

    #[test]
    fn it_takes_what_serde_json_takes_and_refuses_what_that_refuses() {
        let pieces =
            ["{", "}", "[", "]", ",", ":", "\"a\"", "1", "-0.5", "null", " ", "tru", "\"\\u12\"", "01"];
        // All texts of up to five pieces.
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..5 {
            let to = texts.len();
            for at in from..to {
                for piece in pieces {
                    texts.push(format!("{}{piece}", texts[at]));
                }
            }
            from = to;
        }
        for text in texts {
            let expected = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(fault(&text).is_none(), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_nearly_json_are_refused_where_they_go_wrong() {
        for (text, at) in [
            ("", 0),
            ("[1,]", 3),
            ("{\"a\":1,}", 7),
            ("[1 2]", 3),
            ("{\"a\"}", 4),
            ("1.", 2),
            ("1e", 2),
            ("-", 1),
            ("\"\\x\"", 1),
            ("\"\n\"", 1),
            ("\"a", 2),
            ("nul", 0),
            ("[1}", 2),
            ("1 1", 2),
        ] {
            assert_eq!(fault(text), Some(Fault::Syntax(at)), "{text}");
        }
    }

    #[test]
    fn values_may_be_so_deep_in_one_another_and_no_deeper() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(fault(&nested(MAX_DEPTH)), None);
        assert_eq!(fault(&nested(MAX_DEPTH + 1)), Some(Fault::TooDeep));
        assert_eq!(fault(&"[".repeat(1_000_000)), Some(Fault::TooDeep));
    }

    #[test]
    fn the_nodes_lead_through_the_document() {
        let document = Document::parse(r#" {"a" : [1, {"b":[]}, "x\n"] ,"c":{}, "d":null} "#.into()).unwrap();
        let members: Vec<_> =
            document.root().members().map(|(name, value)| (name.raw(), value.raw())).collect();
        let expected = [(r#""a""#, r#"[1, {"b":[]}, "x\n"]"#), (r#""c""#, "{}"), (r#""d""#, "null")];
        assert_eq!(members, expected);
        let items: Vec<_> =
            document.root().get("a").unwrap().items().map(|item| (item.kind(), item.size())).collect();
        assert_eq!(items, [(Kind::Number, 0), (Kind::Object, 1), (Kind::Escaped, 0)]);
        assert!(document.root().get("b").is_none());
    }
}
