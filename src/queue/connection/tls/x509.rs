//! As much of a certificate as webpki does not tell, or does not read because it is of version 1: when it is valid, its
//! key, its names.

use rustls::pki_types::{SubjectPublicKeyInfoDer, UnixTime};

/// A certificate. It is read, not verified.
#[derive(Debug)]
pub struct Certificate<'a> {
    pub version: u8,
    issuer: &'a [u8],
    subject: &'a [u8],
    not_before: u64,
    not_after: u64,
    key: &'a [u8],
    pub has_alt_names: bool,
    pub is_authority: bool,
}

/// Where the time of a check falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Current,
    NotYet,
    Expired,
}

const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALT_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

impl<'a> Certificate<'a> {
    /// Nothing when it is no certificate.
    pub fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut outer = Reader(der).expect(SEQUENCE)?;
        let mut fields = outer.expect(SEQUENCE)?;
        let version = match fields.take_if(VERSION) {
            Some(mut version) => version.expect(INTEGER)?.0.first()?.checked_add(1)?,
            None => 1,
        };
        fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.0;
        let mut validity = fields.expect(SEQUENCE)?;
        let subject = fields.expect(SEQUENCE)?.0;
        let key = fields.0;
        fields.expect(SEQUENCE)?;
        let key = &key[..key.len() - fields.0.len()];
        let (mut has_alt_names, mut is_authority) = (false, false);
        while let Some((tag, mut content)) = fields.next() {
            if tag != EXTENSIONS {
                continue;
            }
            let mut extensions = content.expect(SEQUENCE)?;
            while let Some(mut extension) = extensions.take_if(SEQUENCE) {
                let id = extension.expect(OBJECT_ID)?.0;
                let (_, value) = extension.last()?;
                has_alt_names |= id == ALT_NAMES;
                // The one Boolean in it says so, and false is left out.
                is_authority |= id == BASIC_CONSTRAINTS && value.starts_with(&[SEQUENCE]) && value.len() > 2;
            }
        }
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        Some(Certificate {
            version,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            has_alt_names,
            is_authority,
        })
    }

    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// In seconds since 1970.
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    pub fn validity(&self, now: UnixTime) -> Validity {
        match now.as_secs() {
            now if now < self.not_before => Validity::NotYet,
            now if now > self.not_after => Validity::Expired,
            _ => Validity::Current,
        }
    }

    pub fn key(&self) -> SubjectPublicKeyInfoDer<'a> {
        self.key.into()
    }

    /// The identifier of the key's algorithm, and the key itself.
    pub fn bare_key(&self) -> Option<(&'a [u8], &'a [u8])> {
        let mut key = Reader(self.key).expect(SEQUENCE)?;
        let algorithm = key.expect(SEQUENCE)?.0;
        let (_, bits) = key.next()?;
        Some((algorithm, bits.0.strip_prefix(&[0])?))
    }

    /// The CN of its subject, the last one, as Node takes it.
    pub fn common_name(&self) -> Option<&'a str> {
        let mut names = Reader(self.subject);
        let mut found = None;
        while let Some(mut set) = names.take_if(SET) {
            while let Some(mut pair) = set.take_if(SEQUENCE) {
                if pair.expect(OBJECT_ID)?.0 == COMMON_NAME {
                    found = std::str::from_utf8(pair.next()?.1.0).ok();
                }
            }
        }
        found
    }
}

/// What is left of some DER.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, Reader<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&short, rest) = rest.split_first()?;
        let (length, rest) = match short {
            _ if short < 0x80 => (usize::from(short), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            // Of no length, or of more than 16 MiB.
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Reader(content)))
    }

    fn expect(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    fn take_if(&mut self, tag: u8) -> Option<Reader<'a>> {
        if self.0.first() == Some(&tag) { self.expect(tag) } else { None }
    }

    fn last(&mut self) -> Option<(u8, &'a [u8])> {
        let mut last = None;
        while let Some((tag, content)) = self.next() {
            last = Some((tag, content.0));
        }
        last
    }

    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, as seconds since 1970; what was before counts as that.
    fn time(&mut self) -> Option<u64> {
        let (tag, content) = self.next()?;
        let text = std::str::from_utf8(content.0).ok()?.strip_suffix('Z')?;
        if !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = match tag {
            // RFC 5280: the years from 1950 to 2049.
            UTC_TIME => {
                let year: i64 = text.get(..2)?.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
            }
            GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2).and_then(|digits| digits.parse::<i64>().ok());
        let seconds = days(year, part(0)?, part(2)?) * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
        Some(seconds.max(0).unsigned_abs())
    }
}

/// Days since 1970 of a date, with years that start in March, so that a leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::super::tests::OLD;
    use super::*;

    #[test]
    fn a_certificate_tells_its_version_name_key_and_time() {
        let der = CertificateDer::from_pem_slice(OLD.as_bytes()).unwrap();
        let certificate = Certificate::read(&der).unwrap();
        assert_eq!((certificate.version, certificate.common_name()), (1, Some("redis.example")));
        assert!(certificate.is_self_issued() && !certificate.has_alt_names && !certificate.is_authority);
        let (kind, key) = certificate.bare_key().unwrap();
        assert_eq!((kind, key.len()), (&[6, 3, 0x2b, 0x65, 0x70][..], 32));
        let at = |seconds| certificate.validity(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(at(1_577_836_799), Validity::NotYet);
        assert_eq!((at(1_577_836_800), at(4_070_908_800)), (Validity::Current, Validity::Current));
        assert_eq!(at(4_070_908_801), Validity::Expired);
    }

    #[test]
    fn one_that_is_cut_or_changed_is_read_without_a_panic() {
        let der = CertificateDer::from_pem_slice(OLD.as_bytes()).unwrap();
        for length in 0..der.len() {
            assert!(Certificate::read(&der[..length]).is_none());
        }
        for at in 0..der.len() {
            for byte in [0x00, 0x02, 0x30, 0x7f, 0x80, 0x83, 0x84, 0xa0, 0xa3, 0xff] {
                let mut changed = der.to_vec();
                changed[at] = byte;
                if let Some(certificate) = Certificate::read(&changed) {
                    let _ = (certificate.common_name(), certificate.bare_key());
                }
            }
        }
    }

    #[test]
    fn times_are_seconds_since_1970() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000229120000Z", Some(951_825_600)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", Some(0)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (UTC_TIME, "7001010000Z", None),
            (UTC_TIME, "70010100000+Z", None),
            (INTEGER, "700101000000Z", None),
        ] {
            let der: Vec<u8> = [tag, text.len() as u8].into_iter().chain(text.bytes()).collect();
            assert_eq!(Reader(&der).time(), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for der in [&[][..], &[0x30], &[0x30, 0x84, 1, 1, 1, 1], &[0x30, 5, 0], &[0x30, 2, 0x30, 0]] {
            assert!(Certificate::read(der).is_none(), "{der:?}");
        }
    }
}
