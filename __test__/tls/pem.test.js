'use strict'
// Certificates and keys as people have them: what is taken, and what is said of the rest. A sentence for each kind, which
// never holds anything of what it is about.
const { generateKeyPairSync } = require('node:crypto')
const { once } = require('node:events')
const { inspect } = require('node:util')
const { EnqueueError, Pipeline, ticketTriageDefinition } = require('../..')
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { useFaults } = require('../support/faults.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket, recorder } = require('../support/tickets.js')

const on = useFaults()
const authority = new Authority()
const { cert, key } = authority.issue({ names: 'DNS:client' })
const rsa = authority.issue({ names: 'DNS:client', key: 'RSA 2048' })
afterAll(() => authority.remove())

/** What making a pipeline with these options throws. */
function refusal(options) {
  try {
    new Pipeline({ ...ticketTriageDefinition, connection: options })
  } catch (error) {
    expect(error).toBeInstanceOf(EnqueueError)
    return error
  }
  throw new Error('nothing was refused')
}

/** What it says of the option. */
const whyOf = ({ cause }) => /^the TLS options cannot be used \((.*)\)$/s.exec(cause.message)[1]

/** All that a log could hold of an error. */
const said = (error) => [inspect(error, { depth: 9, showHidden: true }), error.stack, String(error.cause)].join('\n')

/** That none of what `secret` holds is in `text`, as it is or as bytes in hex or decimals. */
function expectUnsaid(text, secret) {
  const body = secret.replaceAll(/-----[A-Z ]+-----|\\n|\s|Proc-Type.*|DEK-Info.*/g, '')
  const bytes = [Buffer.from(body), Buffer.from(body, 'base64')]
  for (let at = 0; at + 12 <= body.length; at += 4) expect(text).not.toContain(body.slice(at, at + 12))
  for (const form of bytes) {
    for (let at = 0; at + 6 <= form.length; at += 3) {
      const part = form.subarray(at, at + 6)
      expect(text).not.toContain(part.toString('hex'))
      expect(text.replaceAll(/\s/g, '')).not.toContain([...part].join(','))
    }
  }
}

describe('a PEM that cannot be used ends in a sentence that says what to do, and holds nothing of it', () => {
  const lines = key.trimEnd().split('\n')
  const encrypted = authority.convert(['pkey', '-aes128', '-passout', 'pass:hunter2'], key).toString()
  const legacy = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'hunter2' },
  }).privateKey
  const DAMAGED = 'is damaged: what is between its lines BEGIN and END is not base64; copy the PEM anew'
  const CUT = 'is cut off: its line -----END ...----- is missing; give the whole PEM'
  const NO_MARKER = 'has no line -----BEGIN ...-----: give the whole PEM, its first and last line too'
  const DER = 'is DER: convert it to PEM, with `openssl x509 -inform DER` or `openssl pkey -inform DER`'
  const PATH = 'is the path of a file: give what is in the file, as fs.readFileSync() returns it'
  const ENCRYPTED = 'is encrypted, which is not supported: decrypt it with `openssl pkey` and give the result'
  const EMPTY = 'is empty: give the PEM, or leave the option out'
  const REQUEST = 'holds a certificate signing request: give what the authority made of it, or its key'
  const PUBLIC = 'holds a public key: give the certificate, or the private key'
  const WRAPPED = "is the base64 of a PEM: decode it first, with Buffer.from(text, 'base64')"
  const UNUSABLE =
    'holds a key that cannot be used: it is damaged, or none of RSA with 2048 to 4096 bits, P-256, P-384 and Ed25519'
  const OTHER_KEY = 'does not belong to the first certificate of cert: give the key that the certificate was made for'
  const asKey = 'holds a certificate where a private key belongs: give a PEM with -----BEGIN PRIVATE KEY-----'
  const asCertificate = 'holds a private key where a certificate belongs: give a PEM with -----BEGIN CERTIFICATE-----'
  const request = authority.convert(['req', '-new', '-subj', '/CN=a', '-key', authority.file('a.key', key)], '')

  test.each([
    ['nothing', '', EMPTY],
    ['quotes around nothing', '""', EMPTY],
    ['no marker at all', lines.slice(1, -1).join('\n'), NO_MARKER],
    ['no last line', lines.slice(0, -1).join('\n'), CUT],
    ['a cut in the middle', key.slice(0, 60), CUT],
    ['a cut in the middle and line ends as in the environment', key.slice(0, 60).replaceAll('\n', '\\n'), CUT],
    ['no end of the first line', lines.join('').replace('KEY-----', 'KEY--'), CUT],
    ['bad base64', key.replace(lines[1], `${lines[1].slice(0, 9)}!${lines[1].slice(10)}`), DAMAGED],
    ['bytes that are no key', key.replace(lines[1], lines[1].split('').reverse().join('')), UNUSABLE],
    ['encryption', encrypted, ENCRYPTED],
    ['encryption of the old form', legacy, ENCRYPTED],
    ['encryption and a passphrase', [{ pem: encrypted, passphrase: 'hunter2' }], ENCRYPTED],
    ['a certificate', cert, asKey],
    ['a signing request', request.toString(), REQUEST],
    ['a public key', authority.convert(['pkey', '-pubout'], key).toString(), PUBLIC],
    ['DER', authority.convert(['pkey', '-outform', 'DER'], key), DER],
    ['DER in a string', authority.convert(['pkey', '-outform', 'DER'], key).toString('latin1'), DER],
    ['base64 of the PEM', Buffer.from(key).toString('base64'), WRAPPED],
    ['a path', '/run/secrets/hunter2.key', PATH],
    ['the key of another certificate', rsa.key, OTHER_KEY],
    ['a key on a curve that is not known', authority.issue({ key: 'P-521' }).key, UNUSABLE],
    ['several, none of which can be used', [encrypted, rsa.key], OTHER_KEY],
  ])('a key: %s', (_, value, sentence) => {
    for (const name of ['tls', 'sentinelTLS']) {
      const error = refusal({ [name]: { cert, key: value }, sentinels: [{}], name: 'm' })
      expect(error.code).toBe('MISCONFIGURED')
      expect(whyOf(error)).toBe(`connection.${name}.key ${sentence}`)
      for (const one of [value].flat()) expectUnsaid(said(error), (one.pem ?? one).toString('latin1'))
      expectUnsaid(said(error), key)
      expect(said(error)).not.toContain('hunter2')
    }
  })

  test.each([
    ['nothing', '', EMPTY],
    ['no marker at all', 'c2VjcmV0', NO_MARKER],
    ['no last line', cert.slice(0, 200), CUT],
    ['a marker with a secret in it', '-----BEGIN hunter2-----\nAAAA\n', CUT],
    ['bad base64', cert.replace('MI', '!!'), DAMAGED],
    ['a private key', key, asCertificate],
    ['a private key that is encrypted', encrypted, asCertificate],
    ['a signing request', request.toString(), REQUEST],
    ['a public key', authority.convert(['pkey', '-pubout'], key).toString(), PUBLIC],
    ['DER', authority.convert(['x509', '-outform', 'DER'], cert), DER],
    ['a path', './hunter2/ca.crt', PATH],
    ['a path on Windows', 'C:\\hunter2\\ca', PATH],
    [
      'what only looks like one',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'holds what cannot be read as a certificate: it is damaged; copy the PEM anew',
    ],
  ])('a certificate: %s', (_, value, sentence) => {
    for (const [option, options] of [
      ['tls.ca', { tls: { ca: value } }],
      ['tls.ca', { tls: { ca: [cert, value] } }],
      ['tls.cert', { tls: { cert: value, key } }],
      ['sentinelTLS.cert', { sentinelTLS: { cert: value, key }, sentinels: [{}], name: 'm' }],
    ]) {
      const error = refusal(options)
      expect(error.code).toBe('MISCONFIGURED')
      expect(whyOf(error)).toBe(`connection.${option} ${sentence}`)
      expectUnsaid(said(error), key)
      expect(said(error)).not.toContain('hunter2')
    }
  })

  test('a list of authorities that is empty, which must not come to mean the whole web', () => {
    expect(whyOf(refusal({ tls: { ca: [] } }))).toBe(`connection.tls.ca ${EMPTY}`)
  })

  test('a certificate without its key, and a key without its certificate', () => {
    expect(whyOf(refusal({ tls: { cert } }))).toBe(
      'connection.tls.cert needs connection.tls.key: give both, or neither',
    )
    const error = refusal({ tls: { key } })
    expect(whyOf(error)).toBe('connection.tls.key needs connection.tls.cert: give both, or neither')
    expectUnsaid(said(error), key)
  })

  test('also when it comes with reconnect(), and stats() tells nothing of it', () => {
    const pipeline = on.pipeline({ connection: { tls: { cert, key } } })
    for (const bad of [key.slice(0, 60), key.replaceAll('\n', '\\').slice(0, 90), encrypted]) {
      let thrown
      try {
        pipeline.reconnect({ tls: { cert, key: bad } })
      } catch (error) {
        thrown = error
      }
      expect(thrown.code).toBe('MISCONFIGURED')
      expectUnsaid(said(thrown) + JSON.stringify(pipeline.stats()), key)
    }
  })
})

describe('a PEM is taken', () => {
  let server
  beforeAll(async () => {
    server = await OwnServer.start()
  })
  afterAll(() => server.stop())

  /** Who the server sees, when the authority and our certificate and key are written by `write`. */
  async function seen(identity, write = (pem) => pem) {
    const options = { ...authority.issue(), ca: authority.ca, requestCert: true }
    const front = on.keep(await TlsFront.start(server.port, options), (it) => it.stop())
    const tls = { ca: write(authority.ca), cert: write(identity.cert), key: identity.keys ?? write(identity.key) }
    const pipeline = on.pipeline({ connection: { port: front.port, tls } })
    const secured = once(front, 'secured')
    expect((await pipeline.enqueue(newTicket(), recorder())).status).toBe('queued')
    return (await secured)[0].getPeerCertificate().subjectaltname
  }

  test.each([
    ['with CRLF', (pem) => pem.replaceAll('\n', '\r\n')],
    ['with CR', (pem) => pem.replaceAll('\n', '\r')],
    ['with a backslash and an n for each line end', (pem) => pem.replaceAll('\n', '\\n')],
    ['with those and quotes around it', (pem) => `"${pem.replaceAll('\n', '\\r\\n')}"`],
    ['in one line', (pem) => pem.replaceAll('\n', ' ')],
    ['with blanks around it', (pem) => `  \n\t${pem.replaceAll('\n', '\n  ')}\n `],
    ['with a byte order mark', (pem) => `\ufeff${pem}`],
    ['in a Buffer with a byte order mark', (pem) => Buffer.from(`\ufeff${pem}`)],
    ['in UTF-16', (pem) => Buffer.from(`\ufeff${pem}`, 'utf16le')],
    ['with text before and after it', (pem) => `Bag Attributes\n  name: x\n${pem}# end\n`],
    ['in a Uint8Array that is part of a buffer', (pem) => new Uint8Array(Buffer.from(`xx${pem}`)).subarray(2)],
  ])('%s', async (_, write) => {
    expect(await seen({ cert, key }, write)).toBe('DNS:client')
  })

  test.each([
    ['as Node writes one with a passphrase, which it does not need', () => [{ pem: key, passphrase: 'none' }]],
    ['as the one of several that belongs to the certificate', () => [rsa.key, key]],
    ['beside one that is encrypted', () => [authority.convert(['pkey', '-aes128', '-passout', 'pass:x'], key), key]],
    ['in the form of SEC 1, parameters and all', () => authority.convert(['ec'], key)],
    ['together with its certificate', () => cert + key],
  ])('a key: %s', async (_, keys) => {
    expect(await seen({ cert, keys: keys() })).toBe('DNS:client')
  })

  test('a key of RSA in the form of PKCS #1', async () => {
    expect(await seen({ cert: rsa.cert, keys: authority.convert(['rsa', '-traditional'], rsa.key) })).toBe('DNS:client')
  })

  test('a certificate of ours of X.509 version 1', async () => {
    const { cert, key } = authority.issue({ names: null })
    expect(await seen({ cert, key })).toBeUndefined()
  })
})
