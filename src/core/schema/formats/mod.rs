//! The formats that strings are held to. One that is not named here is a note to readers, as JSON Schema has it.

mod net;
mod time;
mod uri;

use super::pattern::Pattern;

/// The longest text, in bytes, that can be a regular expression.
const LONGEST_REGEX: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Date,
    DateTime,
    Time,
    Duration,
    Email,
    IdnEmail,
    Hostname,
    Ipv4,
    Ipv6,
    Uri,
    UriReference,
    Iri,
    IriReference,
    UriTemplate,
    Uuid,
    JsonPointer,
    RelativeJsonPointer,
    Regex,
}

pub(super) const NAMES: [(&str, Format); 18] = [
    ("date", Format::Date),
    ("date-time", Format::DateTime),
    ("time", Format::Time),
    ("duration", Format::Duration),
    ("email", Format::Email),
    ("idn-email", Format::IdnEmail),
    ("hostname", Format::Hostname),
    ("ipv4", Format::Ipv4),
    ("ipv6", Format::Ipv6),
    ("uri", Format::Uri),
    ("uri-reference", Format::UriReference),
    ("iri", Format::Iri),
    ("iri-reference", Format::IriReference),
    ("uri-template", Format::UriTemplate),
    ("uuid", Format::Uuid),
    ("json-pointer", Format::JsonPointer),
    ("relative-json-pointer", Format::RelativeJsonPointer),
    ("regex", Format::Regex),
];

impl Format {
    pub fn named(name: &str) -> Option<Format> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    pub fn matches(self, text: &str) -> bool {
        match self {
            Format::Date => time::is_date(text),
            Format::DateTime => time::is_date_time(text),
            Format::Time => time::is_time(text),
            Format::Duration => time::is_duration(text),
            Format::Email => net::is_email(text, false),
            Format::IdnEmail => net::is_email(text, true),
            Format::Hostname => net::is_hostname(text),
            Format::Ipv4 => net::is_ipv4(text),
            Format::Ipv6 => net::is_ipv6(text),
            Format::Uri => uri::is_reference(text, uri::Ascii, true),
            Format::UriReference => uri::is_reference(text, uri::Ascii, false),
            Format::Iri => uri::is_reference(text, uri::Unicode, true),
            Format::IriReference => uri::is_reference(text, uri::Unicode, false),
            Format::UriTemplate => uri::is_template(text),
            Format::Uuid => is_uuid(text),
            Format::JsonPointer => is_pointer(text),
            Format::RelativeJsonPointer => is_relative_pointer(text),
            // What compiles them was not made for hostile ones: it calls itself for each `|`.
            Format::Regex => text.len() <= LONGEST_REGEX && Pattern::compile(text).is_ok(),
        }
    }
}

/// RFC 9562: hexadecimal digits in groups, whatever they say of a version.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// RFC 6901.
fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

fn is_relative_pointer(text: &str) -> bool {
    let digits = text.len() - text.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    digits > 0 && (digits == 1 || !number.starts_with('0')) && (rest == "#" || is_pointer(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_one_name() {
        for (name, format) in NAMES {
            assert_eq!(Format::named(name), Some(format));
            assert_eq!(format.name(), name);
        }
        assert_eq!(Format::named("phone"), None);
    }

    #[test]
    fn pointers_and_uuids() {
        for (format, right, wrong) in [
            (
                Format::Uuid,
                &["2eb8aa08-aa98-11ea-b4aa-73b441d16380"][..],
                &["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", ""][..],
            ),
            (Format::JsonPointer, &["", "/", "/a/b~0c~1d", "/é"], &["a", "/~", "/~2", "#/a"]),
            (
                Format::RelativeJsonPointer,
                &["0", "1/a", "12#", "0/"],
                &["", "01", "-1", "1a", "/a", "0##", "1/~2"],
            ),
            (Format::Regex, &["a+", "(?<x>.)"], &["(", "\\a"]),
        ] {
            right.iter().for_each(|text| assert!(format.matches(text), "{format:?} {text}"));
            wrong.iter().for_each(|text| assert!(!format.matches(text), "{format:?} {text}"));
        }
    }

    #[test]
    fn a_regular_expression_that_is_not_ours_is_short() {
        assert!(Format::Regex.matches(&"a|".repeat(500)));
        assert!(!Format::Regex.matches(&"a|".repeat(300_000)));
    }
}
