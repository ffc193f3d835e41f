'use strict'
// Every option of Node's `tls.connect` in one of three lists: what is done as Node does it, what is refused because to
// pass over it would change who is trusted or what is sent, and what only says how Node's own socket behaves.
// __test__/types/lists checks them against Node's types.

/** What it says. */
const SUPPORTED = {
  ca: 'whom to trust',
  cert: 'our own certificate',
  key: 'its key',
  servername: 'the name that the certificate must have',
  rejectUnauthorized: 'whether an untrusted server is refused',
  useSystemCA: "whether the system's authorities are trusted, too; ours, as Node's flag of the name",
  minVersion: 'the oldest version of TLS',
  maxVersion: 'the newest version of TLS',
}

/** What to do instead. */
const REFUSED = {
  pfx: 'give its certificate and key in PEM, as cert and key',
  secureContext: 'give what it was made of: ca, cert and key',
  checkServerIdentity: 'use servername',
  crl: 'revoked certificates are not looked for',
  requestOCSP: 'revoked certificates are not looked for',
  ciphers: 'leave it out; only ciphers of TLS 1.3 and those with forward secrecy of TLS 1.2 are spoken',
  ecdhCurve: 'leave it out; X25519, P-256 and P-384 are spoken',
  sigalgs: 'leave it out',
  dhparam: 'leave it out; there is no Diffie-Hellman but that on curves',
  secureProtocol: 'use minVersion and maxVersion',
  secureOptions: 'use minVersion and maxVersion',
  ALPNProtocols: 'leave it out; Redis has no protocols to choose from',
  pskCallback: 'use cert and key',
  session: 'leave it out; sessions are resumed by themselves',
  privateKeyEngine: 'give the key as key',
  privateKeyIdentifier: 'give the key as key',
  clientCertEngine: 'give the certificate as cert',
  host: 'say where Redis is outside of it',
  port: 'say where Redis is outside of it',
  path: 'say where Redis is outside of it',
  socket: 'say where Redis is outside of it',
  lookup: 'say where Redis is outside of it',
  profile: "give the authority's certificate as ca",
}

/** Why nothing changes by it. */
const IGNORED = {
  passphrase: 'a key that is not encrypted needs none, one that is encrypted is refused',
  allowPartialTrustChain: 'each certificate of ca is trusted for itself',
  minDHSize: 'there is no Diffie-Hellman but that on curves',
  honorCipherOrder: 'of servers',
  requestCert: 'of servers',
  sessionIdContext: 'of servers',
  sessionTimeout: 'of servers',
  ticketKeys: 'of servers',
  SNICallback: 'of servers',
  ALPNCallback: 'of servers',
  enableTrace: 'what Node prints',
  timeout: "of Node's socket",
  highWaterMark: "of Node's socket",
  onread: "of Node's socket",
}

module.exports = { IGNORED, REFUSED, SUPPORTED }
