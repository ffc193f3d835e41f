//! Handshakes in memory with a server that shows a certificate and may not have its key.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::describe::describe;
use super::{Options, Version};

/// Of X.509 version 1, of redis.example, for the years from 2020 to 2099.
pub const OLD: &str = "-----BEGIN CERTIFICATE-----
MIIBDDCBvwIUQeaqsqQ6Xoe9l/cdotmYVfhI+jEwBQYDK2VwMCgxFjAUBgNVBAMM
DXJlZGlzLmV4YW1wbGUxDjAMBgNVBAoMBU90aGVyMCAXDTIwMDEwMTAwMDAwMFoY
DzIwOTkwMTAxMDAwMDAwWjAoMRYwFAYDVQQDDA1yZWRpcy5leGFtcGxlMQ4wDAYD
VQQKDAVPdGhlcjAqMAUGAytlcAMhAG4cgzbMJZ+Zm6GXtYUBBVH5HNMX9NqhU3XA
y92vU3DGMAUGAytlcANBAIjunq+LeRhg272KI/sFaq6/rsdhdGbPuazziypp7dCq
5c7N0kCRdmozMo+xI/XcQVIo8R8eSnUkns/aEyB0TQs=
-----END CERTIFICATE-----";
/// Its key, which is nobody's otherwise, and another.
const ITS_KEY: &str = "MC4CAQAwBQYDK2VwBCIEICE2EAHlE4YayCGabryYiK+Pjt716B5LQq0nIzpsiKQ1";
const OTHER_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIO9H4fOxubXeAeUzHBGyr7Np9G7pq4X0u97dIn+JJIiN";

/// Whether the client takes the server; the code of its error, if not.
fn shake(options: Options, key: &str) -> Result<(), Option<&'static str>> {
    let provider = Arc::new(ring::default_provider());
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(OLD.as_bytes()).unwrap()];
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let name = ServerName::try_from("redis.example").unwrap();
    let mut client = ClientConnection::new(options.build().unwrap().client, name).unwrap();
    while client.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        bytes.clear();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        if let Err(error) = client.process_new_packets() {
            return Err(describe(&std::io::Error::other(error)).map(|(code, _)| code));
        }
    }
    Ok(())
}

#[test]
fn a_server_that_shows_a_trusted_certificate_of_version_1_must_have_its_key() {
    for only in [Version::Tls12, Version::Tls13].map(Some) {
        let pinned = || Options { ca: Some(vec![OLD.into()]), only, ..Options::default() };
        assert_eq!(shake(pinned(), ITS_KEY), Ok(()));
        assert_eq!(shake(pinned(), OTHER_KEY), Err(Some("CERT_SIGNATURE_FAILURE")));
        let unknown = Options { only, ..Options::default() };
        assert_eq!(shake(unknown, ITS_KEY), Err(Some("DEPTH_ZERO_SELF_SIGNED_CERT")));
    }
}

#[test]
fn one_that_is_not_verified_need_not_have_the_key() {
    for only in [Version::Tls12, Version::Tls13].map(Some) {
        let anyone = Options { reject_unauthorized: Some(false), only, ..Options::default() };
        assert_eq!(shake(anyone, OTHER_KEY), Ok(()));
    }
}
