//! Reads certificates and keys as people have them: from files and from environment variables. What cannot be read is
//! described in a sentence of ours, never in words of a parser, since those repeat what was parsed.

use std::borrow::Cow;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a PEM should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Certificate,
    Key,
}

/// Why a PEM cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Empty,
    /// The name of a file instead of what is in it.
    Path,
    Der,
    /// The PEM in base64 once more, as Kubernetes and some stores of secrets give it.
    Wrapped,
    NoMarker,
    Cut,
    Base64,
    EncryptedKey,
    KeyForCertificate,
    CertificateForKey,
    Request,
    PublicKey,
    NoCertificate,
    NoKey,
    UnusableCertificate,
    UnusableKey,
    /// The key is none of the certificate's.
    OtherKey,
}

impl Fault {
    /// What to do about it. `option` is the full name of the option that holds the PEM.
    pub fn sentence(self, option: &str) -> String {
        let rest = match self {
            Fault::Empty => "is empty: give the PEM, or leave the option out",
            Fault::Path => "is the path of a file: give what is in the file, as fs.readFileSync() returns it",
            Fault::Der => {
                "is DER: convert it to PEM, with `openssl x509 -inform DER` or `openssl pkey -inform DER`"
            }
            Fault::Wrapped => "is the base64 of a PEM: decode it first, with Buffer.from(text, 'base64')",
            Fault::NoMarker => {
                "has no line -----BEGIN ...-----: give the whole PEM, its first and last line too"
            }
            Fault::Cut => "is cut off: its line -----END ...----- is missing; give the whole PEM",
            Fault::Base64 => {
                "is damaged: what is between its lines BEGIN and END is not base64; copy the PEM anew"
            }
            Fault::EncryptedKey => {
                "is encrypted, which is not supported: decrypt it with `openssl pkey` and give the result"
            }
            Fault::KeyForCertificate => {
                "holds a private key where a certificate belongs: give a PEM with -----BEGIN CERTIFICATE-----"
            }
            Fault::CertificateForKey => {
                "holds a certificate where a private key belongs: give a PEM with -----BEGIN PRIVATE KEY-----"
            }
            Fault::Request => {
                "holds a certificate signing request: give what the authority made of it, or its key"
            }
            Fault::PublicKey => "holds a public key: give the certificate, or the private key",
            Fault::NoCertificate => "holds no certificate: give a PEM with -----BEGIN CERTIFICATE-----",
            Fault::NoKey => {
                "holds no private key of a known form: give a PEM with -----BEGIN PRIVATE KEY-----, as `openssl pkey` \
                 writes it"
            }
            Fault::UnusableCertificate => {
                "holds what cannot be read as a certificate: it is damaged; copy the PEM anew"
            }
            Fault::UnusableKey => {
                "holds a key that cannot be used: it is damaged, or none of RSA with 2048 to 4096 bits, P-256, P-384 \
                 and Ed25519"
            }
            Fault::OtherKey => {
                "does not belong to the first certificate of cert: give the key that the certificate was made for"
            }
        };
        format!("{option} {rest}")
    }
}

/// All certificates of a PEM, of which there must be one; whatever else is in it is passed over, as Node does.
pub fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = normal(text);
    let mut found = Vec::new();
    let mut other = None;
    for section in sections(&text)? {
        if matches!(section.label, "CERTIFICATE" | "X509 CERTIFICATE") {
            found.push(
                CertificateDer::from_pem_slice(&section.as_pem("CERTIFICATE")).map_err(|_| Fault::Base64)?,
            );
        } else {
            other = other.or(Some(section.instead_of(Wanted::Certificate)));
        }
    }
    if found.is_empty() { Err(other.unwrap_or(Fault::NoCertificate)) } else { Ok(found) }
}

/// All keys of a PEM that are not encrypted, of which there must be one.
pub fn keys(text: &str) -> Result<Vec<PrivateKeyDer<'static>>, Fault> {
    let text = normal(text);
    let mut found = Vec::new();
    let mut other = None;
    for section in sections(&text)? {
        let known = matches!(section.label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY");
        if known && !section.is_encrypted() {
            found.push(
                PrivateKeyDer::from_pem_slice(&section.as_pem(section.label)).map_err(|_| Fault::Base64)?,
            );
        } else {
            // Parameters of a curve come before their key, and are no answer to why there is none.
            let fault = section.instead_of(Wanted::Key);
            other = other.filter(|other| *other != Fault::NoKey).or(Some(fault));
        }
    }
    if found.is_empty() { Err(other.unwrap_or(Fault::NoKey)) } else { Ok(found) }
}

/// Without what environment variables, editors and shells do to a text: a byte order mark, quotes and blanks around it,
/// line ends written as a backslash and a letter.
fn normal(text: &str) -> Cow<'_, str> {
    // The second is the mark in UTF-8, read byte by byte.
    let text = text.trim_start_matches('\u{feff}').trim_start_matches("\u{ef}\u{bb}\u{bf}");
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    // Base64 has no backslash.
    match text.contains('\\') && text.contains(BEGIN) {
        true => text.replace("\\r", "\n").replace("\\n", "\n").into(),
        false => text.into(),
    }
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

struct Section<'a> {
    label: &'a str,
    body: &'a str,
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, Fault> {
    let mut sections = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after.split_once(DASHES).ok_or(Fault::Cut)?;
        let (body, after) = after.split_once(&format!("-----END {label}-----")).ok_or(Fault::Cut)?;
        if body.contains(DASHES) {
            return Err(Fault::Cut);
        }
        sections.push(Section { label, body });
        rest = after;
    }
    if sections.is_empty() { Err(without_sections(text)) } else { Ok(sections) }
}

/// What a text without any PEM is.
fn without_sections(text: &str) -> Fault {
    let one_line = !text.contains(['\n', '\r']);
    if text.is_empty() {
        Fault::Empty
    } else if text.starts_with('0') && text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        Fault::Der
    } else if text.starts_with("LS0tLS1CRUdJTi") {
        Fault::Wrapped
    } else if one_line && is_path(text) {
        Fault::Path
    } else {
        Fault::NoMarker
    }
}

/// Base64 may start with a slash, and is longer than that.
fn is_path(text: &str) -> bool {
    let ends = [".pem", ".crt", ".cer", ".cert", ".key", ".der", ".p12", ".pfx"];
    let starts = ["/", "./", "../", "~/", "file:", "\\\\"];
    let drive = text.as_bytes().get(1) == Some(&b':');
    ends.iter().any(|end| text.to_ascii_lowercase().ends_with(end))
        || (text.len() < 200 && (drive || starts.iter().any(|start| text.starts_with(start))))
}

impl Section<'_> {
    fn is_encrypted(&self) -> bool {
        self.label == "ENCRYPTED PRIVATE KEY"
            || (self.body.contains("Proc-Type:") && self.body.contains("ENCRYPTED"))
    }

    /// Headers dropped and one line, so that no parser meets anything but base64.
    fn as_pem(&self, label: &str) -> Vec<u8> {
        let lines = self.body.lines().filter(|line| !line.contains(':'));
        let base64: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n").into_bytes()
    }

    /// What is here instead of what was wanted.
    fn instead_of(&self, wanted: Wanted) -> Fault {
        match (wanted, self.label) {
            (_, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => Fault::Request,
            (_, "PUBLIC KEY" | "RSA PUBLIC KEY") => Fault::PublicKey,
            (Wanted::Certificate, label) if label.ends_with("PRIVATE KEY") => Fault::KeyForCertificate,
            (Wanted::Certificate, _) => Fault::NoCertificate,
            (Wanted::Key, label) if label.ends_with("CERTIFICATE") => Fault::CertificateForKey,
            (Wanted::Key, _) if self.is_encrypted() => Fault::EncryptedKey,
            (Wanted::Key, _) => Fault::NoKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----\n";

    #[test]
    fn a_key_is_read_however_its_lines_end_and_whatever_is_around_it() {
        let der = keys(KEY).unwrap();
        for text in [
            KEY.replace('\n', "\r\n"),
            KEY.replace('\n', "\r"),
            KEY.replace('\n', "\\n"),
            KEY.replace('\n', "\\r\\n"),
            KEY.replace("-\n", "- ").replace("B\n", "B "),
            format!("\u{feff}{KEY}"),
            format!("\u{ef}\u{bb}\u{bf}{KEY}"),
            format!(" \"{}\" ", KEY.replace('\n', "\\n")),
            format!("Bag Attributes\n    friendlyName: mine\n{KEY}"),
            format!("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n{KEY}"),
        ] {
            assert_eq!(keys(&text).as_ref(), Ok(&der), "{text}");
        }
    }

    #[test]
    fn each_kind_of_bad_text_is_told_apart() {
        let section = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (text, as_key, as_certificate) in [
            (String::new(), Fault::Empty, Fault::Empty),
            ("''".into(), Fault::Empty, Fault::Empty),
            ("MIIBVgIBADANBg==".into(), Fault::NoMarker, Fault::NoMarker),
            ("/etc/redis/client.key".into(), Fault::Path, Fault::Path),
            ("C:\\redis\\client".into(), Fault::Path, Fault::Path),
            ("ca.crt".into(), Fault::Path, Fault::Path),
            ("0\u{82}\u{1}V".into(), Fault::Der, Fault::Der),
            ("0w\u{2}\u{1}".into(), Fault::Der, Fault::Der),
            ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".into(), Fault::Wrapped, Fault::Wrapped),
            (KEY[..40].into(), Fault::Cut, Fault::Cut),
            (format!("{}{KEY}", &KEY[..40]), Fault::Cut, Fault::Cut),
            (KEY.replace("BBBB", "B!!B"), Fault::Base64, Fault::KeyForCertificate),
            (KEY.replace("AAAA", "Proc-Type: 4,ENCRYPTED\n"), Fault::EncryptedKey, Fault::KeyForCertificate),
            (section("ENCRYPTED PRIVATE KEY"), Fault::EncryptedKey, Fault::KeyForCertificate),
            (section("CERTIFICATE REQUEST"), Fault::Request, Fault::Request),
            (section("PUBLIC KEY"), Fault::PublicKey, Fault::PublicKey),
            (section("OPENSSH PRIVATE KEY"), Fault::NoKey, Fault::KeyForCertificate),
            (section("X509 CRL"), Fault::NoKey, Fault::NoCertificate),
        ] {
            assert_eq!(keys(&text), Err(as_key), "{text}");
            assert_eq!(certificates(&text), Err(as_certificate), "{text}");
        }
        assert_eq!(keys(&section("CERTIFICATE")), Err(Fault::CertificateForKey));
        assert_eq!(certificates(&section("CERTIFICATE").replace("AAAA", "A")), Err(Fault::Base64));
        assert_eq!(certificates(&format!("{KEY}{}", section("CERTIFICATE"))).unwrap().len(), 1);
    }
}
