'use strict'
// Who is taken for the server, and what is said of one who is not: by which code, as Node gives it, and what to do.
const { once } = require('node:events')
const net = require('node:net')
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { useFaults } = require('../support/faults.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket, recorder, rejection } = require('../support/tickets.js')

const SHORT = { timeoutMs: 500 }

const on = useFaults()
const authority = new Authority()
const stranger = new Authority('Another authority')
let server
beforeAll(async () => {
  server = await OwnServer.start()
})
afterAll(async () => {
  authority.remove()
  stranger.remove()
  await server.stop()
})

const front = async (options) => on.keep(await TlsFront.start(server.port, options), (it) => it.stop())

async function expectTaken({ port }, tls, host = 'localhost') {
  const pipeline = on.pipeline({ connection: { host, port, tls } })
  expect((await pipeline.enqueue(newTicket(), recorder())).status).toBe('queued')
}

/** Why it is not taken. */
async function refusal({ port }, tls, host = 'localhost') {
  const pipeline = on.pipeline({ connection: { host, port, tls } })
  const error = await rejection(pipeline.enqueue(newTicket(), recorder(), SHORT))
  expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  const { message, code } = error.cause
  expect(message).toContain(`${host}:${port}: `)
  return `${message.replace(`${host}:${port}: `, '')} (${code})`
}

describe.each(['TLSv1.2', 'TLSv1.3'])('over %s', (version) => {
  const versions = { minVersion: version, maxVersion: version }

  test.each([
    ['of X.509 version 1', () => authority.issue({ names: null })],
    ['of X.509 version 1, with RSA', () => authority.issue({ names: null, key: 'RSA 2048' })],
    ['with a key of RSA 1024', () => authority.issue({ key: 'RSA 1024' })],
    ['with a key on Ed25519', () => authority.issue({ key: 'Ed25519' })],
    [
      'that is self-signed, expired and of another host',
      () => stranger.issue({ selfSigned: true, expired: true, names: 'DNS:other.example' }),
    ],
  ])('rejectUnauthorized: false takes a certificate %s', async (_, issue) => {
    await expectTaken(await front({ ...issue(), ...versions }), { rejectUnauthorized: false })
  })

  test.each([
    ['that is no authority', { extensions: ['basicConstraints=critical,CA:FALSE'] }],
    ['that is an authority', { extensions: ['basicConstraints=critical,CA:TRUE'] }],
    ['on P-384', { key: 'P-384' }],
    ['on Ed25519', { key: 'Ed25519' }],
    ['with RSA', { key: 'RSA 2048' }],
    ['of X.509 version 1, by its CN', { names: null, commonName: 'localhost' }],
    ['of X.509 version 1, with RSA', { names: null, commonName: 'localhost', key: 'RSA 2048' }],
    ['of X.509 version 1, on P-384', { names: null, commonName: 'localhost', key: 'P-384' }],
    [
      'of version 3 without names, by its CN',
      {
        names: null,
        extensions: ['basicConstraints=CA:FALSE'],
        commonName: 'localhost',
      },
    ],
  ])('a self-signed certificate that is given as its own ca is taken: one %s', async (_, options) => {
    const identity = authority.issue({ selfSigned: true, ...options })
    await expectTaken(await front({ ...identity, ...versions }), { ca: identity.cert })
    // Who has the certificate, which everyone may, has not its key.
    const other = authority.issue({ selfSigned: true, ...options })
    expect(await refusal(await front({ ...other, ...versions }), { ca: identity.cert })).toMatch(
      /^the server's certificate is self-signed and not one of those trusted: .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
    )
  })
})

test('rejectUnauthorized: false takes a key on P-521 over TLS 1.3; over 1.2 the server may not use it', async () => {
  const odd = authority.issue({ key: 'P-521' })
  await expectTaken(await front(odd), { rejectUnauthorized: false })
  const old = await front({ ...odd, maxVersion: 'TLSv1.2' })
  expect(await refusal(old, { rejectUnauthorized: false })).toMatch(/no cipher, curve or kind of key in common/)
})

describe('a certificate that is given as its own ca', () => {
  test.each([
    [
      'of another host',
      { names: 'DNS:other.example' },
      /not one of localhost, it is of other\.example.*ALTNAME_INVALID/,
    ],
    ['of another host by its CN', { names: null, commonName: 'other.example' }, /no subjectAltName.*ALTNAME_INVALID/],
    [
      'whose CN is right and whose names are not',
      { names: 'DNS:a.example', commonName: 'localhost' },
      /ALTNAME_INVALID/,
    ],
    ['expired', { expired: true }, /has expired.*\(CERT_HAS_EXPIRED\)/],
    ['not valid yet', { early: true }, /not valid yet.*\(CERT_NOT_YET_VALID\)/],
  ])('is refused all the same when it is %s', async (_, options, sentence) => {
    const identity = authority.issue({ selfSigned: true, ...options })
    expect(await refusal(await front(identity), { ca: identity.cert })).toMatch(sentence)
  })

  test.each([
    ['localhost', '127.0.0.1', 'an address, for which Node takes no CN'],
    ['127.0.0.1', '127.0.0.1', 'an address, even if that is its CN'],
  ])('without subjectAltName and with the CN %s is none of %s: %s', async (commonName, host) => {
    const identity = authority.issue({ selfSigned: true, names: null, commonName })
    const secure = await front(identity)
    expect(await refusal(secure, { ca: identity.cert }, host)).toMatch(/no subjectAltName/)
  })

  test('is taken by a wildcard in its CN, for one level', async () => {
    const identity = authority.issue({ selfSigned: true, names: null, commonName: '*.cache.example' })
    const secure = await front(identity)
    await expectTaken(secure, { ca: identity.cert, servername: 'a.cache.example' })
    for (const servername of ['cache.example', 'a.b.cache.example', 'localhost']) {
      expect(await refusal(secure, { ca: identity.cert, servername })).toMatch(/no subjectAltName/)
    }
  })

  test('need not be self-signed', async () => {
    const identity = stranger.issue()
    await expectTaken(await front(identity), { ca: [authority.ca, identity.cert] })
  })

  test('does not make others trusted that it issued, when it is no authority', async () => {
    const extensions = ['basicConstraints=critical,CA:FALSE']
    const identity = authority.issue({ selfSigned: true, extensions, commonName: 'a' })
    expect(await refusal(await front(stranger.issue()), { ca: identity.cert })).toMatch(/UNABLE_TO_VERIFY_LEAF/)
  })
})

describe('what is said of a server that is not taken', () => {
  const withRoot = (issuer, options) => {
    const { cert, key } = issuer.issue(options)
    return { cert: cert + issuer.ca, key }
  }
  test.each([
    ['expired', () => authority.issue({ expired: true }), /has expired: renew it .* \(CERT_HAS_EXPIRED\)$/],
    [
      'not valid yet',
      () => authority.issue({ early: true }),
      /not valid yet: look at the clock .* \(CERT_NOT_YET_VALID\)$/,
    ],
    [
      'of other hosts',
      () => authority.issue({ names: 'DNS:a.example,DNS:*.b.example,IP:10.0.0.1' }),
      /^the server's certificate is not one of localhost, it is of a\.example, \*\.b\.example, 10\.0\.0\.1: .*servername \(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    ],
    [
      'without subjectAltName',
      () => authority.issue({ names: null, commonName: 'localhost', extensions: ['basicConstraints=CA:FALSE'] }),
      /^the server's certificate has no subjectAltName, so that it is no certificate of localhost: issue it anew .*\(ERR_TLS_CERT_ALTNAME_INVALID\)$/,
    ],
    [
      'of X.509 version 1',
      () => authority.issue({ names: null, commonName: 'localhost' }),
      /^the server's certificate has no subjectAltName/,
    ],
    [
      'of an unknown authority',
      () => stranger.issue(),
      /^nothing leads from .* give its authority as tls\.ca or in NODE_EXTRA_CA_CERTS, .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/,
    ],
    [
      'of an unknown authority, which is shown',
      () => withRoot(stranger),
      /tls\.ca or .*\(SELF_SIGNED_CERT_IN_CHAIN\)$/,
    ],
    [
      'of an unknown authority, beside another certificate',
      () => {
        const { cert, key } = stranger.issue()
        return { cert: cert + stranger.issue().cert, key }
      },
      /\(UNABLE_TO_GET_ISSUER_CERT_LOCALLY\)$/,
    ],
    ['self-signed', () => authority.issue({ selfSigned: true }), /is self-signed .*\(DEPTH_ZERO_SELF_SIGNED_CERT\)$/],
    [
      'self-signed, as openssl req -x509 makes them',
      () => authority.issue({ selfSigned: true, extensions: ['basicConstraints=critical,CA:TRUE'] }),
      /\(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
    ],
    [
      'of an authority itself',
      () => authority.issue({ extensions: ['basicConstraints=critical,CA:TRUE'] }),
      /is one of an authority \(CA:TRUE\): .*\(INVALID_PURPOSE\)$/,
    ],
    [
      'of a client',
      () => authority.issue({ extensions: ['extendedKeyUsage=clientAuth'] }),
      /is not meant for a server: .* serverAuth \(INVALID_PURPOSE\)$/,
    ],
  ])('its certificate is %s', async (_, issue, sentence) => {
    expect(await refusal(await front(issue()), { ca: authority.ca })).toMatch(sentence)
  })

  test.each([
    [
      'TLSv1.3',
      /^the server asks for a certificate of ours: give it as tls\.cert and tls\.key \(\w+_CERTIFICATE_REQUIRED\)$/,
    ],
    ['TLSv1.2', /^the server .*certificate of ours \(tls\.cert and tls\.key\)/],
  ])('it asks for a certificate of ours and gets none, over %s', async (maxVersion, sentence) => {
    const asking = { ca: authority.ca, requestCert: true, rejectUnauthorized: true, maxVersion }
    const secure = await front({ ...authority.issue(), ...asking })
    expect(await refusal(secure, { ca: authority.ca })).toMatch(sentence)
  })

  test.each([
    ['TLSv1.3', /^the server closed the connection \(ECONNRESET\)$|reset/],
    ['TLSv1.2', /^the server closed the connection before TLS stood: .* another certificate of ours/],
  ])('it closes the connection on a certificate of ours, as Node does, over %s', async (maxVersion, sentence) => {
    const asking = { ca: authority.ca, requestCert: true, rejectUnauthorized: true, maxVersion }
    const secure = await front({ ...authority.issue(), ...asking })
    expect(await refusal(secure, { ca: authority.ca, ...stranger.issue() })).toMatch(sentence)
  })

  test.each([
    [40, /has no cipher, curve .* \(ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE\)$/],
    [42, /does not accept our certificate: .*tls\.cert \(ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE\)$/],
    [43, /a kind it does not take: .* \(ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE\)$/],
    [44, /was revoked: renew tls\.cert \(ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED\)$/],
    [45, /has expired: renew tls\.cert \(ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED\)$/],
    [46, /does not accept our certificate: .* \(ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN\)$/],
    [48, /does not trust the authority of tls\.cert, .* \(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA\)$/],
    [49, /denies us access .* \(ERR_SSL_TLSV1_ALERT_ACCESS_DENIED\)$/],
    [51, /whose signature it cannot verify \(ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR\)$/],
    [70, /does not take our version of TLS: .* \(ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION\)$/],
    [71, /stronger ciphers .* \(ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY\)$/],
    [80, /look at its log \(ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR\)$/],
    [112, /tls\.servername \(ERR_SSL_TLSV1_UNRECOGNIZED_NAME\)$/],
    [116, /give it as tls\.cert and tls\.key \(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\)$/],
    [120, /broke off TLS with an alert: look at its log \(ERR_SSL_TLS_ALERT\)$/],
  ])('it sends the alert %d', async (alert, sentence) => {
    const refusing = await speaking((socket) => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, alert])))
    expect(await refusal(refusing, {})).toMatch(sentence)
  })

  test.each([
    ['the server takes', 'TLSv1.3', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    ['we take', 'TLSv1.2', { minVersion: 'TLSv1.3' }],
  ])('there is no version of TLS that %s', async (_, version, ours) => {
    const secure = await front({ ...authority.issue(), minVersion: version, maxVersion: version })
    expect(await refusal(secure, { ca: authority.ca, ...ours })).toMatch(
      /tls\.minVersion and tls\.maxVersion \((?:ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|ERR_SSL_UNSUPPORTED_PROTOCOL)\)$/,
    )
  })

  test('its authority is another one than ours, with the same name', async () => {
    const namesake = on.keep(new Authority(), (it) => it.remove())
    expect(await refusal(await front(namesake.issue()), { ca: authority.ca })).toMatch(
      /is not by the key that it should be by: .* with the same name, .*\(CERT_SIGNATURE_FAILURE\)$/,
    )
  })

  test('it has a key of a kind that we do not know', async () => {
    const secure = await front(authority.issue({ key: 'P-521' }))
    expect(await refusal(secure, { ca: authority.ca })).toMatch(/\(ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE\)$/)
  })

  async function speaking(answer) {
    const listener = net.createServer((socket) => socket.on('error', () => {}).once('data', () => answer(socket)))
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    on.keep(listener, (it) => new Promise((resolve) => it.close(resolve)))
    return listener.address()
  }

  test('it speaks plain text', async () => {
    const plain = await speaking((socket) => socket.end('-ERR unknown command\r\n'))
    expect(await refusal(plain, {})).toBe(
      'the server does not speak TLS: connect to its TLS port, or without tls (redis:// and not rediss://) ' +
        '(ERR_SSL_WRONG_VERSION_NUMBER)',
    )
  })

  test('it closes the connection at once', async () => {
    const closing = await speaking((socket) => socket.end())
    expect(await refusal(closing, {})).toMatch(/^the server closed the connection before TLS stood: .*\(ECONNRESET\)$/)
  })
})
