'use strict'
// What Node takes from the environment, in processes of their own: with REDIS_URL alone, and with options.
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { runChild } = require('../support/child.js')
const { OwnServer } = require('../support/redis.js')

const authority = new Authority()
const stranger = new Authority('Another authority')
let server
let secure
let strange
beforeAll(async () => {
  server = await OwnServer.start()
  secure = await TlsFront.start(server.port, authority.issue())
  strange = await TlsFront.start(server.port, stranger.issue())
})
afterAll(async () => {
  await secure.stop()
  await strange.stop()
  await server.stop()
  authority.remove()
  stranger.remove()
})

/** Tells of each warning of ours, and of how each call ended. */
const TELL = `
  process.on('warning', ({ code, message }) => /^ENQUEUE/.test(code) && console.log(code + ' ' + message))
  const tell = (call) => call.then(() => 'queued', ({ message, cause }) => (cause?.message ?? message) + ' (' + cause?.code + ')').then(console.log)
`
const CALL = `${TELL}
  tell(enqueueTicketTriage(ticket('a'), storage, { timeoutMs: 1000 }))
`

/** What a process says that makes a call with nothing but a URL. */
async function said(env, { port } = secure, program = CALL) {
  const { stdout, code } = await runChild(program, { env: { REDIS_URL: `rediss://localhost:${port}`, ...env } })
  expect(code).toBe(0)
  return stdout.trimEnd().split('\n')
}

/** The same of two calls, by a pipeline that has these TLS options, on a connection each. */
const saidWith = (tls, env, front = secure) =>
  said(
    env,
    front,
    `${TELL}
    const { Pipeline, ticketTriageDefinition } = require('.')
    const connection = { host: 'localhost', port: ${front.port}, tls: ${tls} }
    const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, timeoutMs: 1000 })
    tell(pipeline.enqueue(ticket('d'), storage)).then(() => {
      pipeline.reconnect(connection)
      return tell(pipeline.enqueue(ticket('e'), storage))
    })`,
  )

const QUEUED = ['queued']
const BOTH_QUEUED = ['queued', 'queued']
const UNTRUSTED = /\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/
const file = (name, content) => authority.file(name, content)

describe('NODE_EXTRA_CA_CERTS', () => {
  test('names authorities that a rediss URL alone is trusted by', async () => {
    expect((await said({}))[0]).toMatch(UNTRUSTED)
    expect(await said({ NODE_EXTRA_CA_CERTS: file('extra.pem', stranger.ca + authority.ca) })).toEqual(QUEUED)
  })

  test('names a self-signed certificate, too', async () => {
    const identity = authority.issue({ selfSigned: true })
    const alone = await TlsFront.start(server.port, identity)
    expect(await said({ NODE_EXTRA_CA_CERTS: file('own.pem', identity.cert) }, alone)).toEqual(QUEUED)
    await alone.stop()
  })

  test('is read when the connection is opened, and not when the package is loaded', async () => {
    const set = `process.env.NODE_EXTRA_CA_CERTS = ${JSON.stringify(file('late.pem', authority.ca))};`
    expect(await said({}, secure, set + CALL)).toEqual(QUEUED)
  })

  test('adds to the default only: with ca, nobody else is trusted', async () => {
    const env = { NODE_EXTRA_CA_CERTS: file('extra.pem', authority.ca) }
    expect(await saidWith('true', env)).toEqual(BOTH_QUEUED)
    expect((await saidWith(`{ ca: ${JSON.stringify(stranger.ca)} }`, env))[0]).toMatch(UNTRUSTED)
  })

  test.each([
    ['is not there', () => '/nowhere/hunter2.pem', 'the file cannot be read (ENOENT)'],
    ['is a folder', () => '/', 'the file cannot be read (EISDIR)'],
    ['is the PEM itself', () => '-----BEGIN hunter2-----', 'the file cannot be read (ENOENT)'],
    [
      'holds no PEM',
      () => file('none.pem', 'hunter2'),
      'the file has no line -----BEGIN ...-----: give the whole PEM, its first and last line too',
    ],
    [
      'holds a certificate that is cut off, after a good one',
      () => file('cut.pem', authority.ca + stranger.ca.slice(0, 200)),
      'the file is cut off: its line -----END ...----- is missing; give the whole PEM',
    ],
    [
      'holds a key',
      () => file('key.pem', authority.issue().key),
      'the file holds a private key where a certificate belongs: give a PEM with -----BEGIN CERTIFICATE-----',
    ],
  ])('of a file that %s is warned of once, and calls go on without it', async (_, path, why) => {
    const lines = await saidWith('true', { NODE_EXTRA_CA_CERTS: path() })
    const warning = `ENQUEUE_BOUNDARY_EXTRA_CA_CERTS NODE_EXTRA_CA_CERTS is not trusted in full: ${why}`
    expect(lines.filter((line) => line.startsWith('ENQUEUE'))).toEqual([warning])
    expect(lines.filter((line) => UNTRUSTED.test(line))).toHaveLength(2)
  })

  test('is not looked at where there is no TLS, or ca says whom to trust', async () => {
    const env = { NODE_EXTRA_CA_CERTS: '/nowhere' }
    expect(await said({ ...env, REDIS_URL: server.url })).toEqual(QUEUED)
    expect(await saidWith(`{ ca: ${JSON.stringify(authority.ca)} }`, env)).toEqual(BOTH_QUEUED)
  })
})

describe('NODE_TLS_REJECT_UNAUTHORIZED', () => {
  const WARNING =
    'ENQUEUE_BOUNDARY_TLS_UNVERIFIED NODE_TLS_REJECT_UNAUTHORIZED=0: whoever answers is taken for Redis, with any certificate'

  test('0 takes whoever answers, with one warning', async () => {
    const lines = await said({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect(lines.toSorted()).toEqual([WARNING, ...QUEUED])
  })

  test.each(['1', '', 'false', '00'])('%j says nothing', async (value) => {
    expect((await said({ NODE_TLS_REJECT_UNAUTHORIZED: value }))[0]).toMatch(UNTRUSTED)
  })

  test('says nothing where rejectUnauthorized does', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    expect((await saidWith('{ rejectUnauthorized: true }', env))[0]).toMatch(UNTRUSTED)
    expect(await saidWith('{ rejectUnauthorized: false }', env)).toEqual(BOTH_QUEUED)
    const lines = await saidWith('{ ca: undefined }', env)
    expect(lines.toSorted()).toEqual([WARNING, ...BOTH_QUEUED])
  })

  test('says nothing where there is no TLS', async () => {
    expect(await said({ NODE_TLS_REJECT_UNAUTHORIZED: '0', REDIS_URL: server.url })).toEqual(QUEUED)
  })
})

// Where the system's authorities are in a file that can be named.
const onLinux = process.platform === 'linux' ? describe : describe.skip
onLinux("the system's authorities", () => {
  const system = () => ({ SSL_CERT_FILE: file('system.pem', authority.ca), SSL_CERT_DIR: '/nowhere' })

  test('are not trusted unless it is said', async () => {
    expect((await said(system()))[0]).toMatch(UNTRUSTED)
  })

  test.each([
    ['NODE_USE_SYSTEM_CA=1', { NODE_USE_SYSTEM_CA: '1' }],
    ['--use-openssl-ca', { NODE_OPTIONS: '--use-openssl-ca' }],
    ['it as Node takes it as well', { NODE_OPTIONS: '--no-warnings  --use_openssl_ca' }],
  ])('are trusted with %s', async (_, env) => {
    expect(await said({ ...system(), ...env })).toEqual(QUEUED)
  })

  test('are trusted with --use-system-ca on the command line', async () => {
    // Node 20 does not know it and would not start.
    const given = "process.execArgv.push('--use-system-ca');"
    expect(await said(system(), secure, given + CALL)).toEqual(QUEUED)
  })

  test('are trusted with useSystemCA, beside ca', async () => {
    const options = `{ ca: ${JSON.stringify(stranger.ca)}, useSystemCA: true }`
    expect(await saidWith(options, system())).toEqual(BOTH_QUEUED)
    expect(await saidWith(options, system(), strange)).toEqual(BOTH_QUEUED)
    expect((await saidWith('{ useSystemCA: false }', system()))[0]).toMatch(UNTRUSTED)
  })

  test('are not added to ca by the environment', async () => {
    const options = `{ ca: ${JSON.stringify(stranger.ca)} }`
    expect((await saidWith(options, { ...system(), NODE_USE_SYSTEM_CA: '1' }))[0]).toMatch(UNTRUSTED)
  })

  test('are missed where useSystemCA asks for them, and not where the environment does', async () => {
    const none = { SSL_CERT_FILE: file('empty.pem', ''), SSL_CERT_DIR: '/nowhere' }
    const { stderr, code } = await runChild(
      `const { Pipeline, ticketTriageDefinition } = require('.')
      new Pipeline({ ...ticketTriageDefinition, connection: { tls: { useSystemCA: true } } })`,
      { env: none },
    )
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/connection\.tls\.useSystemCA is set, and the system has no authorities that can be read/)
    expect((await said({ ...none, NODE_USE_SYSTEM_CA: '1' }))[0]).toMatch(UNTRUSTED)
  })
})
