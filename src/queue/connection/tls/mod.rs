//! TLS by rustls. There is no way from here to a connection in plain text.
//!
//! `pem` reads certificates and keys, `verify` says whom to believe (`x509` is what webpki does not tell it), `stream` is a
//! connection, and `describe` puts what goes wrong in words.

mod describe;
mod pem;
mod stream;
#[cfg(test)]
mod tests;
mod verify;
mod x509;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

pub use self::stream::connect;

use self::pem::Fault;
use self::verify::{Anyone, Trusted};
use self::x509::Certificate;
use super::config::Tls;

/// What Node's `tls.connect` calls the same, in PEM.
#[derive(Default)]
pub struct Options {
    /// Where these options stand, for what is said of them: `tls` or `sentinelTLS`.
    pub place: &'static str,
    /// Whom to trust. None: those of `defaults`.
    pub ca: Option<Vec<String>>,
    /// Our own certificate, with its chain, and keys, one of which is its own.
    pub cert: Vec<String>,
    pub key: Vec<String>,
    pub server_name: Option<String>,
    /// Whether to refuse a server that we do not trust. None: as `defaults` say.
    pub reject_unauthorized: Option<bool>,
    /// Whether to trust whom the operating system trusts, too.
    pub system_ca: bool,
    /// Whether TLS must be of this version alone.
    pub only: Option<Version>,
    pub defaults: Defaults,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
}

/// What Node takes from the environment.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// PEM of authorities to trust beside the usual ones.
    pub extra_ca: Option<String>,
    /// Whether not to trust those that Mozilla trusts.
    pub without_mozilla: bool,
    pub system_ca: bool,
    pub accept_any: bool,
}

impl Options {
    /// What can be connected with, or a sentence that says which option is wrong, how, and what to do.
    pub fn build(self) -> Result<Tls, String> {
        let provider = Arc::new(ring::default_provider());
        let versions = match self.only {
            None => &[&TLS13, &TLS12][..],
            Some(Version::Tls12) => &[&TLS12],
            Some(Version::Tls13) => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|_| "the ciphers and the versions of TLS do not go together".to_owned())?;
        let trusted = self.trusted(&provider)?;
        let accept_any = self.reject_unauthorized.map_or(self.defaults.accept_any, |reject| !reject);
        let builder = builder.dangerous();
        let builder = match accept_any {
            true => builder.with_custom_certificate_verifier(Arc::new(Anyone)),
            false => builder.with_custom_certificate_verifier(Arc::new(trusted)),
        };
        let client = match self.identity(&provider)? {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
        };
        if let Some(name) = &self.server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            return Err(format!("{} must be the name of a host, or an address", self.name_of("servername")));
        }
        Ok(Tls { client: Arc::new(client), server_name: self.server_name })
    }

    fn name_of(&self, option: &str) -> String {
        format!("connection.{}.{option}", self.place)
    }

    fn trusted(&self, provider: &CryptoProvider) -> Result<Trusted, String> {
        let mut trusted = Trusted {
            roots: RootCertStore::empty(),
            pinned: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
        };
        if let Some(ca) = &self.ca {
            let sentence = |fault: Fault| fault.sentence(&self.name_of("ca"));
            // A folder without a file must not come to mean that the whole web is trusted.
            if ca.is_empty() {
                return Err(sentence(Fault::Empty));
            }
            for pem in ca {
                trusted.add(pem).map_err(sentence)?;
            }
        } else {
            if !self.defaults.without_mozilla {
                trusted.roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            // Whoever read the file has warned of what is wrong with it.
            if let Some(extra) = &self.defaults.extra_ca {
                let _ = trusted.add(extra);
            }
        }
        if self.system_ca || (self.ca.is_none() && self.defaults.system_ca) {
            let system = rustls_native_certs::load_native_certs().certs;
            if system.is_empty() && self.system_ca {
                let option = self.name_of("useSystemCA");
                return Err(format!("{option} is set, and the system has no authorities that can be read"));
            }
            trusted.roots.add_parsable_certificates(system);
        }
        Ok(trusted)
    }

    fn identity(&self, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, String> {
        if self.cert.is_empty() && self.key.is_empty() {
            return Ok(None);
        }
        let (cert, key) = (self.name_of("cert"), self.name_of("key"));
        if self.cert.is_empty() || self.key.is_empty() {
            let (there, missing) = if self.key.is_empty() { (cert, key) } else { (key, cert) };
            return Err(format!("{there} needs {missing}: give both, or neither"));
        }
        let mut chain = Vec::new();
        for pem in &self.cert {
            chain.extend(pem::certificates(pem).map_err(|fault| fault.sentence(&cert))?);
        }
        let own = chain.first().and_then(|first| Certificate::read(first));
        let own = own.ok_or_else(|| Fault::UnusableCertificate.sentence(&cert))?.key();
        // The last word is on the best of the keys: one that can be used and is another's, then one that cannot be used.
        let mut fault = None;
        for pem in &self.key {
            match pem::keys(pem) {
                Err(unread) => fault = fault.or(Some(unread)),
                Ok(keys) => {
                    for key in keys {
                        match provider.key_provider.load_private_key(key) {
                            Err(_) => fault = fault.or(Some(Fault::UnusableKey)),
                            Ok(key) if key.public_key().as_ref() == Some(&own) => {
                                return Ok(Some(CertifiedKey::new(chain, key)));
                            }
                            Ok(_) => fault = Some(Fault::OtherKey),
                        }
                    }
                }
            }
        }
        Err(fault.unwrap_or(Fault::NoKey).sentence(&key))
    }
}

impl Trusted {
    fn add(&mut self, pem: &str) -> Result<(), Fault> {
        for certificate in pem::certificates(pem)? {
            // One that cannot be an authority can still be the server's own.
            if self.roots.add(certificate.clone()).is_err() && Certificate::read(&certificate).is_none() {
                return Err(Fault::UnusableCertificate);
            }
            self.pinned.push(certificate);
        }
        Ok(())
    }
}

/// What is wrong with a PEM of authorities that is called `name`, if anything.
pub fn fault_of_authorities(pem: &str, name: &str) -> Option<String> {
    let usable = pem::certificates(pem).and_then(|certificates: Vec<CertificateDer<'_>>| {
        let all = certificates.iter().all(|certificate| Certificate::read(certificate).is_some());
        if all { Ok(()) } else { Err(Fault::UnusableCertificate) }
    });
    usable.err().map(|fault| fault.sentence(name))
}
