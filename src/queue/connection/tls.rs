//! TLS by rustls. There is no way from here to a connection in plain text.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::config::Tls;

/// What Node's `tls.connect` calls the same, in PEM.
#[derive(Default)]
pub struct Options {
    /// Whom to trust. Empty: the authorities that Mozilla trusts, as Node does.
    pub ca: Vec<String>,
    /// Our own certificate, with its chain, and its key.
    pub cert: Option<String>,
    pub key: Option<String>,
    pub server_name: Option<String>,
    /// Whether to accept any certificate.
    pub accept_any: bool,
}

impl Options {
    pub fn build(self) -> Result<Tls, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if self.accept_any {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            builder.with_root_certificates(roots(&self.ca)?)
        };
        let client = match (self.cert, self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let key =
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| format!("key: {error}"))?;
                builder
                    .with_client_auth_cert(certificates(&cert)?, key)
                    .map_err(|error| format!("cert: {error}"))?
            }
            _ => return Err("cert and key go together".into()),
        };
        Ok(Tls { client: Arc::new(client), server_name: self.server_name })
    }
}

fn roots(ca: &[String]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if ca.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for pem in ca {
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(|error| format!("ca: {error}"))?;
        }
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("certificate: {error}"))?;
    if certificates.is_empty() { Err("no certificate in the PEM".into()) } else { Ok(certificates) }
}

/// For `rejectUnauthorized: false`: encrypted, but to whom is not known.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
