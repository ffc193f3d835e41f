//! Whom we believe to be the server: one whose certificate an authority of ours has issued, or one that shows just the
//! certificate that we were given; or anyone.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerIncompatible, RootCertStore,
    SignatureScheme,
};

use super::describe::{Failure, certificate_failure};
use super::x509::{Certificate, Validity};

/// Trust in these and no others.
#[derive(Debug)]
pub struct Trusted {
    pub roots: RootCertStore,
    /// The certificates that were given one by one. A server that shows one of them needs no authority, as in OpenSSL for
    /// a self-signed one: webpki would want it to be no authority's and to have one.
    pub pinned: Vec<CertificateDer<'static>>,
    pub algorithms: WebPkiSupportedAlgorithms,
}

impl Trusted {
    fn check(
        &self,
        shown: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Failure> {
        let Some(certificate) = Certificate::read(shown) else {
            return Err(certificate_failure(&CertificateError::BadEncoding));
        };
        if self.pinned.iter().any(|pinned| pinned == shown) {
            return check_pinned(&certificate, shown, name, now);
        }
        if certificate.version < 3 {
            return Err(if certificate.is_self_issued() {
                Failure::self_signed()
            } else {
                Failure::without_names(name)
            });
        }
        let verified = ParsedCertificate::try_from(shown).and_then(|parsed| {
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, chain, now, algorithms)?;
            verify_server_name(&parsed, name)
        });
        verified.map_err(|error| explain(error, &certificate, chain, name))
    }
}

/// The time and the name, since who issued it does not matter any more.
fn check_pinned(
    certificate: &Certificate<'_>,
    shown: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), Failure> {
    match certificate.validity(now) {
        Validity::Expired => return Err(certificate_failure(&CertificateError::Expired)),
        Validity::NotYet => return Err(certificate_failure(&CertificateError::NotValidYet)),
        Validity::Current => {}
    }
    if certificate.has_alt_names {
        let named = ParsedCertificate::try_from(shown).and_then(|parsed| verify_server_name(&parsed, name));
        return named.map_err(|error| explain(error, certificate, &[], name));
    }
    match certificate.common_name() {
        Some(common) if is_named(common, name) => Ok(()),
        _ => Err(Failure::without_names(name)),
    }
}

/// Whether a CN stands for this host, as Node decides it where there is no subjectAltName: never for an address.
fn is_named(common: &str, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(host) = name else {
        return false;
    };
    let host = host.as_ref().trim_end_matches('.');
    let same = common.trim_end_matches('.').eq_ignore_ascii_case(host);
    let domain = common.strip_prefix("*.").filter(|domain| domain.contains('.'));
    same || domain
        .is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)))
}

/// What webpki found, with what it does not say: where the chain ends.
fn explain(
    error: Error,
    certificate: &Certificate<'_>,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
) -> Failure {
    let Error::InvalidCertificate(error) = error else {
        return certificate_failure(&CertificateError::BadEncoding);
    };
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            if !certificate.has_alt_names =>
        {
            Failure::without_names(name)
        }
        // An authority's own certificate is refused as a server's before anyone asks who issued it.
        // And one that has the name of one of ours was not signed by that.
        CertificateError::UnknownIssuer | CertificateError::Other(_) | CertificateError::BadSignature
            if certificate.is_self_issued() =>
        {
            Failure::self_signed()
        }
        CertificateError::Other(_) if certificate.is_authority => Failure::of_an_authority(),
        CertificateError::UnknownIssuer => {
            let mut issuers = chain.iter().filter_map(|issuer| Certificate::read(issuer));
            if issuers.any(|issuer| issuer.is_self_issued()) {
                Failure::unknown_root()
            } else {
                Failure::unknown_issuer(chain.is_empty())
            }
        }
        error => certificate_failure(&error),
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(shown, chain, name, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|failure| CertificateError::Other(OtherError(Arc::new(failure))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match old(cert) {
            None => verify_tls12_signature(message, cert, signed, &self.algorithms),
            Some(old) => self.verify_bare_key(message, &old, signed),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match old(cert) {
            None => verify_tls13_signature(message, cert, signed, &self.algorithms),
            Some(old) => verify_tls13_signature_with_raw_key(message, &old.key(), signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A certificate that webpki does not read.
fn old<'a>(cert: &'a CertificateDer<'_>) -> Option<Certificate<'a>> {
    Certificate::read(cert).filter(|certificate| certificate.version < 3)
}

impl Trusted {
    /// As `verify_tls12_signature`, which reads no certificate of version 1.
    fn verify_bare_key(
        &self,
        message: &[u8],
        certificate: &Certificate<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (kind, key) = certificate.bare_key().ok_or(CertificateError::BadEncoding)?;
        let schemes = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let algorithm = schemes
            .flat_map(|(_, algorithms)| algorithms.iter())
            .find(|algorithm| algorithm.public_key_alg_id().as_ref() == kind)
            .ok_or(PeerIncompatible::NoSignatureSchemesInCommon)?;
        algorithm
            .verify_signature(key, message, signed.signature())
            .map(|()| HandshakeSignatureValid::assertion())
            .map_err(|_| CertificateError::BadSignature.into())
    }
}

/// For `rejectUnauthorized: false`: encrypted, but to whom is not known.
///
/// Nor is the signature of the handshake verified, which shows only that the other side has the key of the certificate it
/// showed: whoever stands between shows one of its own and signs with that. So certificates and keys that webpki and ring
/// do not know are as good as any, which is what this setting is used for.
#[derive(Debug)]
pub struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}
