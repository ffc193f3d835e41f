//! Names and addresses of hosts and mailboxes.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

pub(super) fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// RFC 1123: labels of letters, digits and hyphens. A label in Punycode is not decoded.
pub(super) fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && (label.get(2..4) != Some("--")
                || label.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("xn--")))
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// RFC 5321, section 4.1.2; with `unicode` also what RFC 6531 adds to it.
pub(super) fn is_email(text: &str, unicode: bool) -> bool {
    let Some(at) = text.rfind('@') else { return false };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let may = |byte: u8| byte < 0x80 || unicode;
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| {
                byte.is_ascii_alphanumeric()
                    || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
                    || (byte >= 0x80 && may(byte))
            })
    };
    let local = match local.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').is_some_and(|inner| is_quoted(inner, unicode)),
        None => local.split('.').all(atom),
    };
    let domain = match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.strip_prefix("IPv6:").map_or_else(|| is_ipv4(address), is_ipv6),
        None if unicode => {
            !domain.is_empty()
                && domain.split('.').all(|label| !label.is_empty() && !label.contains([' ', '@']))
        }
        None => is_hostname(domain),
    };
    local && domain
}

fn is_quoted(text: &str, unicode: bool) -> bool {
    let mut escaped = false;
    for character in text.chars() {
        let printable =
            character == ' ' || character.is_ascii_graphic() || (unicode && !character.is_ascii());
        if !printable || (!escaped && character == '"') {
            return false;
        }
        escaped = !escaped && character == '\\';
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for text in ["a", "www.example.com", "xn--4gbwdl.xn--wgbh1c", "a-b.c3", "1.2", &"a".repeat(63)] {
            assert!(is_hostname(text), "{text}");
        }
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "-a",
            "a-",
            "a_b",
            "a b",
            "é",
            "ab--cd",
            &"a".repeat(64),
            "a.".repeat(130).trim_end_matches('.'),
        ] {
            assert!(!is_hostname(text), "{text}");
        }
        for text in ["192.168.0.1", "0.0.0.0"] {
            assert!(is_ipv4(text), "{text}");
        }
        for text in ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4/8", "१.2.3.4"] {
            assert!(!is_ipv4(text), "{text}");
        }
        for text in ["::", "::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"] {
            assert!(is_ipv6(text), "{text}");
        }
        for text in ["12345::", "1::2::3", "fe80::a%eth1", "::1/64", "1:2"] {
            assert!(!is_ipv6(text), "{text}");
        }
    }

    #[test]
    fn mailboxes() {
        for text in [
            "joe.bloggs@example.com",
            "te~st@example.com",
            "\"joe bloggs\"@example.com",
            "\"a\\\"b@c\"@d",
            "x@[127.0.0.1]",
            "x@[IPv6:::1]",
        ] {
            assert!(is_email(text, false), "{text}");
        }
        for text in [
            "2962",
            "@x",
            ".a@x",
            "a.@x",
            "a..b@x",
            "a b@x",
            "a@",
            "a@x y",
            "\"a\"b\"@x",
            "\"a\\\"@x",
            "é@x",
            "x@[127.0.0.300]",
            "a@b@c",
        ] {
            assert!(!is_email(text, false), "{text}");
        }
        assert!(is_email("실례@실례.테스트", true));
        assert!(!is_email("2962", true));
    }
}
