'use strict'
// TLS against certificates that are good and bad. In each fault nothing is sent, and never anything in plain text.
const { once } = require('node:events')
const net = require('node:net')
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { useFaults } = require('../support/faults.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const SHORT = { timeoutMs: 500 }

const on = useFaults()
let authority
let stranger
let server
beforeAll(async () => {
  authority = new Authority()
  stranger = new Authority('Another authority')
  server = await OwnServer.start()
})
afterAll(async () => {
  authority.remove()
  stranger.remove()
  await server.stop()
})

const front = async (options) => on.keep(await TlsFront.start(server.port, options), (it) => it.stop())
const connectionOf = ({ port }, tls) => ({ port, tls: { ca: authority.ca, ...tls } })
const faultOf = (fault, done, connection) =>
  on.fault({ row: 17, over: 'TLS', fault, done, pipeline: on.pipeline({ connection }) })
const ends = (fault) => fault.ends(on.client(server.url))

function expectUnsent({ code, outcome, error }, cause) {
  expect([code, outcome, error.status]).toEqual(['QUEUE_UNAVAILABLE', 'not-sent', 503])
  expect(`${error.cause.message} (${error.cause.code})`).toMatch(cause)
}

describe('a certificate that is good', () => {
  test.each([
    ['an address', 'TLSv1.3', ({ port }) => ({ host: '127.0.0.1', port, tls: { ca: authority.ca } })],
    ['a name', 'TLSv1.3', ({ port }) => ({ host: 'localhost', port, tls: { ca: authority.ca } })],
    ['a rediss URL', 'TLSv1.3', ({ port }) => ({ url: `rediss://localhost:${port}`, tls: { ca: authority.ca } })],
    [
      'authorities in Buffers',
      'TLSv1.3',
      ({ port }) => ({ port, tls: { ca: [stranger.ca, authority.ca].map(Buffer.from) } }),
    ],
    ['a server of TLS 1.2', 'TLSv1.2', ({ port }) => ({ port, tls: { ca: authority.ca } })],
  ])('is taken, with %s', async (how, maxVersion, options) => {
    const secure = await front({ ...authority.issue(), maxVersion })
    const fault = faultOf('none', how, options(secure))
    const secured = once(secure, 'secured')
    for (const { outcome } of await fault.burst(20)) expect(outcome).toBe('queued')
    expect((await secured)[0].getProtocol()).toBe(maxVersion)
    await ends(fault)
  })

  test('is checked against servername, which the server is told', async () => {
    const secure = await front(authority.issue({ names: 'DNS:redis.example' }))
    const fault = faultOf('none', 'servername', connectionOf(secure, { servername: 'redis.example' }))
    const secured = once(secure, 'secured')
    expect((await fault.call()).code).toBe('queued')
    expect((await secured)[0].servername).toBe('redis.example')
    await ends(fault)
  })
})

describe('a certificate that is bad keeps calls unsent, until the server has a good one', () => {
  test.each([
    ['expired', () => authority.issue({ expired: true }), /\(CERT_HAS_EXPIRED\)/],
    [
      'of another host',
      () => authority.issue({ names: 'DNS:other.example' }),
      /not one of 127\.0\.0\.1, it is of other\.example: .*\(ERR_TLS_CERT_ALTNAME_INVALID\)/,
    ],
    ['of an unknown authority', () => stranger.issue(), /\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/],
  ])('%s', async (fault, bad, cause) => {
    const secure = await front(bad())
    const it = faultOf(`certificate ${fault}`, 'replaced by a good one', connectionOf(secure))
    expectUnsent(await it.call(newTicket(), SHORT), cause)
    secure.present(authority.issue())
    await it.recovers()
    await ends(it)
  })

  test('unless rejectUnauthorized is false, as in Node', async () => {
    const secure = await front(stranger.issue({ expired: true, names: 'DNS:other.example' }))
    const fault = faultOf('none', 'rejectUnauthorized: false', connectionOf(secure, { rejectUnauthorized: false }))
    expect((await fault.call()).code).toBe('queued')
    await ends(fault)
  })

  test('and a private authority is not trusted unless it is named', async () => {
    const secure = await front(authority.issue())
    const fault = faultOf('certificate of a private authority', 'not named in `ca`', {
      url: `rediss://localhost:${secure.port}`,
    })
    expectUnsent(await fault.call(newTicket(), SHORT), /\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/)
    await ends(fault)
  })
})

test('a certificate that expires does not disturb a connection that stands, and matters to the next one', async () => {
  const secure = await front(authority.issue())
  const pipeline = on.pipeline({ connection: connectionOf(secure) })
  const done = 'the next connection was shown an expired one, the one after it a new one'
  const fault = on.fault({ row: 17, over: 'TLS', fault: 'certificate expires while connected', done, pipeline })
  await fault.burst(20)
  secure.present(authority.issue({ expired: true }))
  for (const { outcome } of await fault.burst(20)) expect(outcome).toBe('queued')
  secure.cut()
  await until(() => !pipeline.stats().connected)
  expectUnsent(await fault.call(newTicket(), SHORT), /\(CERT_HAS_EXPIRED\)/)
  secure.present(authority.issue())
  await fault.recovers()
  await ends(fault)
})

describe('certificates are reloaded without a restart', () => {
  const asking = (ca) => ({ ...authority.issue(), ca, requestCert: true, rejectUnauthorized: true })

  test('when the server has gone over to another authority', async () => {
    const secure = await front(authority.issue())
    const pipeline = on.pipeline({ connection: connectionOf(secure) })
    const done = 'the server took a certificate of another authority, then the pipeline that authority'
    const fault = on.fault({ row: 17, over: 'TLS', fault: 'authority replaced', done, pipeline })
    await fault.burst(20)
    secure.present(stranger.issue())
    secure.cut()
    await until(() => !pipeline.stats().connected)
    expectUnsent(await fault.call(newTicket(), SHORT), /\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/)
    pipeline.reconnect(connectionOf(secure, { ca: [authority.ca, stranger.ca] }))
    await fault.recovers()
    await ends(fault)
  })

  test('amid calls, none of which notices', async () => {
    const secure = await front(asking(authority.ca))
    const clients = [1, 2, 3, 4].map((n) => authority.issue({ names: `DNS:client${n}` }))
    const seen = []
    secure.on('secured', (socket) => seen.push(socket.getPeerCertificate().subjectaltname))
    const pipeline = on.pipeline({ connection: connectionOf(secure, clients[0]) })
    const done = 'three new ones amid calls'
    const fault = on.fault({ row: 17, over: 'TLS', fault: 'client certificate reloaded', done, pipeline })
    await fault.call()
    const calls = fault.load(32)
    for (const [at, client] of clients.entries()) {
      if (at > 0) pipeline.reconnect(connectionOf(secure, client))
      await until(() => pipeline.stats().connects === at + 1)
      const before = calls.outcomes.length
      await until(() => calls.outcomes.length > before + 100)
    }
    for (const { outcome } of await calls.stop()) expect(outcome).toBe('queued')
    expect(seen).toEqual(['DNS:client1', 'DNS:client2', 'DNS:client3', 'DNS:client4'])
    await ends(fault)
  })

  test('and one that cannot be used is refused where it is given, and the connection stays', async () => {
    const secure = await front(authority.issue())
    const pipeline = on.pipeline({ connection: connectionOf(secure) })
    const done = 'given what is no PEM, a certificate without its key, a number'
    const fault = on.fault({ row: 17, over: 'TLS', fault: 'certificate that cannot be used', done, pipeline })
    await fault.call()
    for (const [tls, code] of [
      [{ ca: 'no PEM' }, 'MISCONFIGURED'],
      [{ cert: authority.issue().cert }, 'MISCONFIGURED'],
      [{ ca: 7 }, 'ERR_INVALID_ARG_TYPE'],
    ]) {
      expect(() => pipeline.reconnect(connectionOf(secure, tls))).toThrow(expect.objectContaining({ code }))
    }
    await fault.call()
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 1 })
    await ends(fault)
  })
})

test('a server that wants to renegotiate does not get in the way of calls', async () => {
  const secure = await front({ ...authority.issue(), maxVersion: 'TLSv1.2' })
  const fault = faultOf('TLS 1.2 renegotiation', 'asked for by the server', connectionOf(secure))
  const secured = once(secure, 'secured')
  await fault.burst(20)
  const [socket] = await secured
  socket.renegotiate({ requestCert: true }, () => {})
  for (const { outcome } of await fault.burst(20)) expect(outcome).toBe('queued')
  await fault.recovers()
  await ends(fault)
})

describe('a server that asks for a certificate of ours', () => {
  const asking = () => front({ ...authority.issue(), ca: authority.ca, requestCert: true, rejectUnauthorized: true })

  test('gets it', async () => {
    const secure = await asking()
    const { cert, key } = authority.issue({ names: 'DNS:client' })
    const fault = faultOf('none', 'client certificate', connectionOf(secure, { cert, key: Buffer.from(key) }))
    const secured = once(secure, 'secured')
    expect((await fault.call()).code).toBe('queued')
    expect((await secured)[0].getPeerCertificate().subjectaltname).toBe('DNS:client')
    await ends(fault)
  })

  test.each([
    ['none', () => ({})],
    ['one of another authority', () => stranger.issue()],
  ])('and gets %s refuses us, and nothing is sent', async (what, ours) => {
    const secure = await asking()
    const failed = once(secure, 'failed')
    const fault = faultOf('client certificate refused', `given ${what}`, connectionOf(secure, ours()))
    expectUnsent(await fault.call(newTicket(), SHORT), /the server asks for|the server closed|reset/)
    await failed
    await ends(fault)
  })
})

describe('where there is no TLS', () => {
  test('nothing but handshakes and alerts is sent, whatever answers', async () => {
    const received = []
    const listener = net.createServer((socket) => {
      // As a plain Redis answers what it takes for an inline command.
      socket
        .on('data', (bytes) => received.push(bytes) && socket.write('-ERR unknown command\r\n'))
        .on('error', () => {})
    })
    await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve))
    on.keep(listener, (it) => new Promise((resolve) => it.close(resolve)))
    const { port } = listener.address()
    const password = 'in-the-clear'
    const sentinel = { sentinels: [{ port }], name: 'm', sentinelPassword: password, sentinelTLS: {} }
    for (const options of [{ port }, { url: `rediss://:${password}@localhost:${port}` }, sentinel]) {
      const connection = { password, tls: { ca: authority.ca, rejectUnauthorized: false }, ...options }
      const fault = faultOf('no TLS where it was asked for', 'the server speaks plain text', connection)
      expectUnsent(await fault.call(newTicket(), SHORT), /does not speak TLS: .*\(ERR_SSL_WRONG_VERSION_NUMBER\)$/)
      await ends(fault)
    }
    const ALERT = 0x15
    const HANDSHAKE = 0x16
    expect(received.length).toBeGreaterThan(2)
    for (const bytes of received) {
      expect([ALERT, HANDSHAKE]).toContain(bytes[0])
      expect(bytes.toString('latin1')).not.toMatch(/in-the-clear|AUTH|PING/)
    }
  })

  test('a real server that speaks plain text gets no job', async () => {
    const fault = faultOf('no TLS where it was asked for', 'a plain server behind rediss', {
      url: `rediss://localhost:${server.port}`,
    })
    expectUnsent(await fault.call(newTicket(), SHORT), /./)
    await ends(fault)
  })

  test('a server with TLS that is spoken to in plain text gets no job either', async () => {
    const secure = await front(authority.issue())
    const fault = faultOf('TLS where none was asked for', 'a TLS server behind redis', { port: secure.port })
    expectUnsent(await fault.call(newTicket(), SHORT), /./)
    await ends(fault)
  })
})
