//! URIs as RFC 3986 has them, IRIs as RFC 3987, and templates as RFC 6570.

use super::net::is_ipv6;

/// Which characters beside those of ASCII there may be.
pub(super) trait Charset: Copy {
    fn has(self, character: char) -> bool;
}

#[derive(Clone, Copy)]
pub(super) struct Ascii;
#[derive(Clone, Copy)]
pub(super) struct Unicode;

impl Charset for Ascii {
    fn has(self, _: char) -> bool {
        false
    }
}

impl Charset for Unicode {
    fn has(self, character: char) -> bool {
        let code = character as u32;
        // But for noncharacters and what is private.
        code >= 0xa0
            && !(0xe000..=0xf8ff).contains(&code)
            && code & 0xfffe != 0xfffe
            && !(0xfdd0..=0xfdef).contains(&code)
    }
}

const UNRESERVED: &str = "-._~";
const SUB_DELIMS: &str = "!$&'()*+,;=";

/// Whether all of it is unreserved, percent-encoded, or one of these.
fn consists(text: &str, charset: impl Charset, others: &str) -> bool {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let fine = match character {
            '%' => (0..2).all(|_| rest.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ if character.is_ascii() => {
                character.is_ascii_alphanumeric()
                    || UNRESERVED.contains(character)
                    || SUB_DELIMS.contains(character)
                    || others.contains(character)
            }
            _ => charset.has(character),
        };
        if !fine {
            return false;
        }
    }
    true
}

pub(super) fn is_reference(text: &str, charset: impl Charset, absolute: bool) -> bool {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let scheme = rest.find([':', '/']).filter(|at| rest.as_bytes()[*at] == b':');
    let rest = match scheme {
        Some(at) => {
            let scheme = &rest[..at];
            let fine = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            if !fine {
                return false;
            }
            &rest[at + 1..]
        }
        None if absolute => return false,
        None => rest,
    };
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            if !is_authority(&rest[..end], charset) {
                return false;
            }
            &rest[end..]
        }
        None => rest,
    };
    consists(path, charset, ":@/") && consists(query, charset, ":@/?") && consists(fragment, charset, ":@/?")
}

fn is_authority(text: &str, charset: impl Charset) -> bool {
    let (user, rest) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if !is_ipv6(address) && !is_future_address(address) {
                return false;
            }
            match port.strip_prefix(':') {
                Some(port) => ("", port),
                None if port.is_empty() => ("", ""),
                None => return false,
            }
        }
        None => rest.rsplit_once(':').unwrap_or((rest, "")),
    };
    consists(user, charset, ":")
        && consists(host, charset, "")
        && port.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_future_address(text: &str) -> bool {
    let Some((version, address)) = text.strip_prefix(['v', 'V']).and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let fine = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || UNRESERVED.contains(byte as char)
            || SUB_DELIMS.contains(byte as char)
            || byte == b':'
    };
    !version.is_empty()
        && version.bytes().all(|digit| digit.is_ascii_hexdigit())
        && !address.is_empty()
        && address.bytes().all(fine)
}

pub(super) fn is_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let literal = &rest[..at];
        let Some((expression, after)) = rest[at..].strip_prefix('{').and_then(|rest| rest.split_once('}'))
        else {
            return false;
        };
        if !is_literal(literal) || !is_expression(expression) {
            return false;
        }
        rest = after;
    }
    is_literal(rest)
}

fn is_literal(text: &str) -> bool {
    let forbidden = |character: char| character.is_control() || " \"<>\\^`{|}".contains(character);
    let encoded = text.split('%').skip(1);
    !text.contains(forbidden)
        && encoded
            .into_iter()
            .all(|rest| rest.len() > 1 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

fn is_expression(text: &str) -> bool {
    let text =
        text.strip_prefix(['+', '#', '.', '/', ';', '?', '&', '=', ',', '!', '@', '|']).unwrap_or(text);
    text.split(',').all(|variable| {
        let name = match variable.strip_suffix('*') {
            Some(name) => name,
            None => match variable.split_once(':') {
                Some((name, length)) => {
                    let digits = length.bytes().all(|digit| digit.is_ascii_digit());
                    if !digits || !(1..=4).contains(&length.len()) || length.starts_with('0') {
                        return false;
                    }
                    name
                }
                None => variable,
            },
        };
        !name.is_empty()
            && name.split('.').all(|part| {
                !part.is_empty()
                    && consists(part, Ascii, "")
                    && !part.contains(['-', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ';', '='])
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for text in [
            "http://foo.bar/?baz=qux#quux",
            "http://foo.com/blah_(wikipedia)_blah#cite-1",
            "http://foo.bar/?q=Test%20URL-encoded%20stuff",
            "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com",
            "http://223.255.255.254",
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "tel:+1-816-555-1212",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "http://[v1.a:b]:80",
        ] {
            assert!(is_reference(text, Ascii, true), "{text}");
        }
        for text in [
            "//foo.bar/?baz",
            "/abc",
            "\\\\WINDOWS\\fileshare",
            "abc",
            "http:// shouldfail.com",
            ":// should fail",
            "bar,baz:foo",
            "https://[@example.org/test.txt",
            "https://example.org/foobar\\.txt",
            "https://example.org/a<b",
            "https://example.org/%zz",
            "http://2001:0db8::7334",
            "http://ƒøø.ßår/",
            "http://a:b:c",
            "",
        ] {
            assert!(!is_reference(text, Ascii, true), "{text}");
        }
        for text in ["/abc", "abc", "", "#fragment", "//foo.bar", "a?b", "../x"] {
            assert!(is_reference(text, Ascii, false), "{text}");
        }
        assert!(!is_reference("#frag\\ment", Ascii, false));
        assert!(is_reference("http://ƒøø.ßår/?∂éœ=πîx#πîüx", Unicode, true));
        assert!(!is_reference("âππ", Unicode, true));
        assert!(is_reference("âππ", Unicode, false));
    }

    #[test]
    fn templates() {
        for text in ["http://example.com/dictionary/{term:1}/{term}", "{+a,b*}", "{?x,y.z:3}", "", "a%20b"] {
            assert!(is_template(text), "{text}");
        }
        for text in ["{term:1}/{term", "{}", "a}b", "{a b}", "{a:0}", "{a,}", "a b", "%zz", "{{a}}"] {
            assert!(!is_template(text), "{text}");
        }
    }
}
