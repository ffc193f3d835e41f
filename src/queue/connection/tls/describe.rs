//! What each failure of TLS is called, by the codes that Node gives it, and what to do about it. Words of other crates
//! stay out of it: they name types of theirs and may repeat what they were given.

use std::fmt;
use std::io;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::super::trouble;

/// Why there is no connection, or why it broke. An error, so that rustls hands it on from `verify`.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: &'static str,
    pub sentence: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.sentence, self.code)
    }
}

impl std::error::Error for Failure {}

/// The code and the sentence of an error of TLS; nothing for one of the socket under it.
pub fn describe(error: &io::Error) -> Option<(&'static str, String)> {
    let inner = error.get_ref()?;
    let failure = match inner.downcast_ref::<Failure>() {
        Some(failure) => failure.clone(),
        None => failure(inner.downcast_ref::<Error>()?),
    };
    Some((failure.code, failure.sentence))
}

/// The same error in our words.
pub fn in_our_words(error: io::Error) -> io::Error {
    match describe(&error) {
        Some((code, sentence)) => trouble::say(code, sentence),
        None => error,
    }
}

const NAME_A_CA: &str = "give its authority as tls.ca or in NODE_EXTRA_CA_CERTS";

impl Failure {
    pub fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        Failure { code, sentence: sentence.into() }
    }

    pub fn self_signed() -> Self {
        Failure::new(
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "the server's certificate is self-signed and not one of those trusted: give it as tls.ca or in \
             NODE_EXTRA_CA_CERTS",
        )
    }

    pub fn unknown_root() -> Self {
        Failure::new(
            "SELF_SIGNED_CERT_IN_CHAIN",
            format!("the server's certificate is of an authority that is not trusted: {NAME_A_CA}"),
        )
    }

    pub fn unknown_issuer(alone: bool) -> Self {
        let code =
            if alone { "UNABLE_TO_VERIFY_LEAF_SIGNATURE" } else { "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" };
        Failure::new(
            code,
            format!(
                "nothing leads from the server's certificate to an authority that is trusted: {NAME_A_CA}, and have the \
                 server send the certificates in between"
            ),
        )
    }

    pub fn of_an_authority() -> Self {
        Failure::new(
            "INVALID_PURPOSE",
            "the server's certificate is one of an authority (CA:TRUE): have one issued for the server, or give it as \
             tls.ca",
        )
    }

    /// webpki and browsers look for the name nowhere else.
    pub fn without_names(expected: &ServerName<'_>) -> Self {
        Failure::new(
            "ERR_TLS_CERT_ALTNAME_INVALID",
            format!(
                "the server's certificate has no subjectAltName, so that it is no certificate of {}: issue it anew with \
                 one (a name in its CN counts only for a certificate that is given as tls.ca itself)",
                expected.to_str()
            ),
        )
    }

    fn of_another_host(expected: &ServerName<'_>, presented: &[String]) -> Self {
        let names: Vec<_> = presented.iter().take(10).map(|name| bare(name)).collect();
        Failure::new(
            "ERR_TLS_CERT_ALTNAME_INVALID",
            format!(
                "the server's certificate is not one of {}, it is of {}: connect by a name that it has, or say which in \
                 tls.servername",
                expected.to_str(),
                names.join(", ")
            ),
        )
    }

    fn expired() -> Self {
        Failure::new(
            "CERT_HAS_EXPIRED",
            "the server's certificate, or one that it leads to, has expired: renew it (or set the clock of this machine)",
        )
    }

    fn not_yet_valid() -> Self {
        Failure::new(
            "CERT_NOT_YET_VALID",
            "the server's certificate, or one that it leads to, is not valid yet: look at the clock of this machine",
        )
    }

    pub fn closed() -> Self {
        Failure::new(
            "ECONNRESET",
            "the server closed the connection before TLS stood: it may not speak TLS on this port, or want another \
             certificate of ours (tls.cert and tls.key)",
        )
    }
}

/// Without what webpki puts around it: `DnsName("redis.example")`, `IpAddress(10.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::InvalidCertificate(error) => certificate_failure(error),
        Error::AlertReceived(alert) => alert_failure(*alert),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => Failure::new(
            "ERR_SSL_WRONG_VERSION_NUMBER",
            "the server does not speak TLS: connect to its TLS port, or without tls (redis:// and not rediss://)",
        ),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => Failure::new(
            "ERR_SSL_UNSUPPORTED_PROTOCOL",
            "the server has no version of TLS that we take: 1.2 and 1.3, within tls.minVersion and tls.maxVersion",
        ),
        Error::PeerIncompatible(_) => Failure::new(
            "ERR_SSL_NO_CIPHERS_AVAILABLE",
            "the server and we have no cipher, curve or kind of signature in common",
        ),
        _ => Failure::new("ERR_SSL_PROTOCOL_ERROR", "the server broke the rules of TLS"),
    }
}

pub fn certificate_failure(error: &CertificateError) -> Failure {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Failure::expired(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Failure::not_yet_valid()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            Failure::of_another_host(expected, presented)
        }
        CertificateError::UnknownIssuer => Failure::unknown_issuer(false),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Failure::new(
            "INVALID_PURPOSE",
            "the server's certificate is not meant for a server: issue it anew with extendedKeyUsage serverAuth",
        ),
        CertificateError::BadSignature => Failure::new(
            "CERT_SIGNATURE_FAILURE",
            "a signature on the server's certificate, or its own, is not by the key that it should be by: its authority may be \
             another one than that of tls.ca with the same name, or a key may be smaller than RSA with 2048 bits",
        ),
        CertificateError::BadEncoding => Failure::new(
            "ERR_SSL_BAD_CERTIFICATE",
            "the server's certificate cannot be read, or is not as RFC 5280 has it: issue it anew",
        ),
        CertificateError::Other(other) => match other.0.downcast_ref::<Failure>() {
            Some(failure) => failure.clone(),
            None => untrusted(),
        },
        _ => untrusted(),
    }
}

fn untrusted() -> Failure {
    Failure::new(
        "CERT_UNTRUSTED",
        "the server's certificate, or one that it leads to, cannot be verified: it needs a key of RSA with 2048 bits or \
         more, P-256, P-384 or Ed25519, a signature by SHA-256 or more, and no critical extensions that are uncommon",
    )
}

/// The server said what it holds against us.
fn alert_failure(alert: AlertDescription) -> Failure {
    use AlertDescription as Alert;
    let ours = "the server does not accept our certificate";
    let (code, sentence) = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => (
            "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "the server asks for a certificate of ours: give it as tls.cert and tls.key".into(),
        ),
        Alert::BadCertificate => ("ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", format!("{ours}: look at tls.cert")),
        Alert::UnsupportedCertificate => (
            "ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
            format!("{ours}, which is of a kind it does not take: look at tls.cert"),
        ),
        Alert::CertificateRevoked => {
            ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", format!("{ours}, which was revoked: renew tls.cert"))
        }
        Alert::CertificateExpired => {
            ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", format!("{ours}, which has expired: renew tls.cert"))
        }
        Alert::CertificateUnknown => {
            ("ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN", format!("{ours}: look at tls.cert"))
        }
        Alert::UnknownCA => (
            "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
            format!("{ours}: it does not trust the authority of tls.cert, or lacks the certificates in between"),
        ),
        Alert::AccessDenied => {
            ("ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", "the server denies us access by our certificate".into())
        }
        Alert::DecryptError => {
            ("ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR", format!("{ours}, whose signature it cannot verify"))
        }
        Alert::HandshakeFailure => (
            "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
            "the server refuses the handshake: it has no cipher, curve or kind of key in common with us, or asks for a \
             certificate of ours (tls.cert and tls.key)"
                .into(),
        ),
        Alert::InsufficientSecurity => (
            "ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY",
            "the server wants stronger ciphers than we have".into(),
        ),
        Alert::ProtocolVersion => (
            "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
            "the server does not take our version of TLS: 1.2 and 1.3, within tls.minVersion and tls.maxVersion".into(),
        ),
        Alert::UnrecognisedName => (
            "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
            "the server does not know the name it is called by: say which one in tls.servername".into(),
        ),
        Alert::InternalError => {
            ("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "the server failed in the handshake: look at its log".into())
        }
        _ => ("ERR_SSL_TLS_ALERT", "the server broke off TLS with an alert: look at its log".into()),
    };
    Failure::new(code, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Detail;

    #[test]
    fn an_error_of_tls_has_a_code_and_one_of_the_socket_has_none() {
        for (error, expected) in [
            (Error::InvalidCertificate(CertificateError::Expired), "CERT_HAS_EXPIRED"),
            (Error::InvalidCertificate(CertificateError::Revoked), "CERT_UNTRUSTED"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "ERR_SSL_WRONG_VERSION_NUMBER"),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "ERR_SSL_NO_CIPHERS_AVAILABLE",
            ),
            (Error::DecryptError, "ERR_SSL_PROTOCOL_ERROR"),
        ] {
            assert_eq!(describe(&io::Error::other(error)).map(|(code, _)| code), Some(expected));
        }
        assert_eq!(describe(&io::Error::other("refused")), None);
        assert_eq!(describe(&io::ErrorKind::ConnectionReset.into()), None);
    }

    #[test]
    fn no_word_of_another_crate_is_repeated() {
        let foreign = io::Error::other(Error::General("hunter2".into()));
        let detail = trouble::read(in_our_words(foreign));
        assert_eq!(detail, Detail::new("ERR_SSL_PROTOCOL_ERROR", "the server broke the rules of TLS"));
    }
}
