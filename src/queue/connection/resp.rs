//! RESP2, as much of it as goes over our link: commands out, replies in.

/// A reply of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Text(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Reply>),
}

/// The bytes are not RESP, so nothing that follows on this connection can be trusted.
#[derive(Debug, PartialEq, Eq)]
pub struct Garbage;

/// A reply longer than this is none that we asked for: the longest has the data or the ids of jobs that are there, 128 of them.
const MAX_LENGTH: i64 = 1 << 24;
/// Nor is a line of it, such as an error of a script, or the number of its parts.
const MAX_LINE: i64 = 1 << 16;
const MAX_DEPTH: usize = 4;

/// The first whole reply in `bytes` and how many bytes it takes, or nothing while it is incomplete.
pub fn parse(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Garbage> {
    parse_at(bytes, 0, MAX_DEPTH)
}

/// Finds the end of a reply that arrives in pieces, without looking at any byte twice.
#[derive(Default)]
pub struct Scanner {
    /// How far the values go that are whole, and how far was looked for the end of the line after them.
    whole: usize,
    looked: usize,
    /// Values that are still to come, behind the one that is always awaited.
    more: usize,
}

impl Scanner {
    /// `bytes` are those that came before, and more. Once this gives the length of the whole reply, it begins anew.
    pub fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Garbage> {
        loop {
            if bytes.get(self.whole).is_some_and(|kind| !b"+-:$*".contains(kind)) {
                return Err(Garbage);
            }
            let rest = bytes.get(self.looked..).unwrap_or_default();
            let Some(line) = rest.iter().position(|byte| *byte == b'\n').map(|at| self.looked + at) else {
                self.looked = self.looked.max(bytes.len());
                return if bytes.len() - self.whole > MAX_LINE as usize { Err(Garbage) } else { Ok(None) };
            };
            self.looked = line;
            let text = bytes.get(self.whole..line.saturating_sub(1)).ok_or(Garbage)?;
            let (kind, text) = text.split_first().ok_or(Garbage)?;
            let mut end = line + 1;
            match kind {
                b'$' => {
                    let length = integer(text)?;
                    if length > MAX_LENGTH {
                        return Err(Garbage);
                    }
                    if length >= 0 {
                        end += length as usize + 2;
                        if end > bytes.len() {
                            return Ok(None);
                        }
                    }
                }
                b'*' => {
                    let count = integer(text)?;
                    if count > MAX_LINE {
                        return Err(Garbage);
                    }
                    self.more += count.max(0) as usize;
                }
                b'+' | b'-' | b':' => {}
                _ => return Err(Garbage),
            }
            (self.whole, self.looked) = (end, end);
            if end > MAX_LENGTH as usize + 2 {
                return Err(Garbage);
            }
            match self.more.checked_sub(1) {
                Some(more) => self.more = more,
                None => {
                    *self = Scanner::default();
                    return Ok(Some(end));
                }
            }
        }
    }
}

fn parse_at(bytes: &[u8], start: usize, depth: usize) -> Result<Option<(Reply, usize)>, Garbage> {
    let Some(kind) = bytes.get(start) else {
        return Ok(None);
    };
    if !b"+-:$*".contains(kind) {
        return Err(Garbage);
    }
    let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\r') else {
        let endless = bytes.len() - start > MAX_LINE as usize;
        return if endless { Err(Garbage) } else { Ok(None) };
    };
    let line = &bytes[start + 1..start + length];
    let mut end = start + length + 2;
    match bytes.get(end - 1) {
        None => return Ok(None),
        Some(b'\n') => {}
        Some(_) => return Err(Garbage),
    }
    let reply = match kind {
        b'+' => Reply::Text(String::from_utf8_lossy(line).into_owned()),
        b'-' => Reply::Error(String::from_utf8_lossy(line).into_owned()),
        b':' => Reply::Integer(integer(line)?),
        b'$' => {
            let length = integer(line)?;
            if !(-1..=MAX_LENGTH).contains(&length) {
                return Err(Garbage);
            }
            if length < 0 {
                Reply::Nil
            } else {
                let content = end..end + length as usize;
                end = content.end + 2;
                match bytes.get(content.end..end) {
                    None => return Ok(None),
                    Some(b"\r\n") => Reply::Bulk(bytes[content].to_vec()),
                    Some(_) => return Err(Garbage),
                }
            }
        }
        _ => {
            let count = integer(line)?;
            if !(-1..=MAX_LINE).contains(&count) || depth == 0 {
                return Err(Garbage);
            }
            let mut items = Vec::new();
            for _ in 0..count {
                let Some((item, after)) = parse_at(bytes, end, depth - 1)? else {
                    return Ok(None);
                };
                items.push(item);
                end = after;
            }
            if count < 0 { Reply::Nil } else { Reply::Array(items) }
        }
    };
    Ok(Some((reply, end)))
}

fn integer(line: &[u8]) -> Result<i64, Garbage> {
    std::str::from_utf8(line).ok().and_then(|digits| digits.parse().ok()).ok_or(Garbage)
}

/// Starts a command of `count` strings.
pub fn push_array(count: usize, out: &mut Vec<u8>) {
    push_header(b'*', count, out);
}

/// Appends one string of a command.
pub fn push_bulk(bytes: &[u8], out: &mut Vec<u8>) {
    push_bulk_of(&[bytes], out);
}

/// Appends one string of a command, given in parts.
pub fn push_bulk_of(parts: &[&[u8]], out: &mut Vec<u8>) {
    push_header(b'$', parts.iter().map(|part| part.len()).sum(), out);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

/// A whole command.
pub fn push_command(words: &[&[u8]], out: &mut Vec<u8>) {
    push_array(words.len(), out);
    for word in words {
        push_bulk(word, out);
    }
}

fn push_header(kind: u8, number: usize, out: &mut Vec<u8>) {
    out.push(kind);
    let mut digits = Decimal::default();
    out.extend_from_slice(digits.write(number as u64));
    out.extend_from_slice(b"\r\n");
}

/// Decimal digits without an allocation.
#[derive(Default)]
pub struct Decimal([u8; 20]);

impl Decimal {
    pub fn write(&mut self, mut number: u64) -> &[u8] {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return &self.0[at..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: &[u8] =
        b"+OK\r\n-NOSCRIPT no\r\n:-7\r\n$3\r\na\rb\r\n$-1\r\n*2\r\n:1\r\n*1\r\n:2\r\n*0\r\n";

    fn all(mut bytes: &[u8]) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some((reply, used)) = parse(bytes).unwrap() {
            replies.push(reply);
            bytes = &bytes[used..];
        }
        assert!(bytes.is_empty());
        replies
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        use Reply::*;
        let expected = vec![
            Text("OK".into()),
            Error("NOSCRIPT no".into()),
            Integer(-7),
            Bulk(b"a\rb".to_vec()),
            Nil,
            Array(vec![Integer(1), Array(vec![Integer(2)])]),
            Array(vec![]),
        ];
        assert_eq!(all(REPLIES), expected);
    }

    #[test]
    fn a_reply_cut_at_any_byte_is_incomplete_and_never_misread() {
        let mut start = 0;
        while start < REPLIES.len() {
            let (_, used) = parse(&REPLIES[start..]).unwrap().unwrap();
            for cut in 0..used {
                assert_eq!(parse(&REPLIES[start..start + cut]), Ok(None), "{start}+{cut}");
            }
            start += used;
        }
    }

    #[test]
    fn the_end_of_a_reply_is_found_however_it_arrives() {
        for step in 1..=REPLIES.len() {
            let (mut scanner, mut start, mut replies) = (Scanner::default(), 0, Vec::new());
            let ends = (step..).step_by(step).take_while(|end| *end < REPLIES.len() + step);
            for end in ends.map(|end| end.min(REPLIES.len())) {
                while let Some(length) = scanner.end(&REPLIES[start..end]).unwrap() {
                    let (reply, used) = parse(&REPLIES[start..start + length]).unwrap().unwrap();
                    assert_eq!(used, length);
                    replies.push(reply);
                    start += length;
                }
            }
            assert_eq!(replies, all(REPLIES));
        }
    }

    #[test]
    fn a_reply_without_an_end_is_garbage_before_it_takes_much_room() {
        let most = MAX_LENGTH as usize;
        let string = [&b"$500\r\n"[..], &[b'x'; 500], b"\r\n"].concat();
        for (front, more) in
            [(&b"+"[..], &b"x"[..]), (b"*2\r\n", b"x"), (b"*60000\r\n", &string), (b"", b"*1\r\n")]
        {
            let mut bytes = front.to_vec();
            let mut scanner = Scanner::default();
            while let Ok(whole) = scanner.end(&bytes) {
                assert_eq!(whole, None);
                assert!(bytes.len() <= most + 16 && (front != b"+" || bytes.len() <= MAX_LINE as usize + 16));
                bytes.extend_from_slice(more);
            }
        }
        assert_eq!(Scanner::default().end(b"$16777217\r\n"), Err(Garbage));
    }

    #[test]
    fn what_is_not_resp_is_garbage() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b":12x\r\n",
            b"+OK\rX",
            b"$3\r\nabcd\r\n",
            b"$99999999999\r\n",
            b"*99999999999\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            assert_eq!(parse(bytes), Err(Garbage), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        push_command(&[b"SELECT", b"10"], &mut out);
        assert_eq!(out, b"*2\r\n$6\r\nSELECT\r\n$2\r\n10\r\n");
        assert_eq!(Decimal::default().write(u64::MAX), u64::MAX.to_string().as_bytes());
        assert_eq!(Decimal::default().write(0), b"0");
    }
}
