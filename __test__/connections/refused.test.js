'use strict'
// Connection options that can never work are refused where the pipeline is made: with which code and in which words.
const net = require('node:net')
const { Cluster, Redis } = require('ioredis')
const { NOTHING_ENDED } = require('../support/tickets.js')
const { EnqueueError, Pipeline, ticketTriageDefinition } = require('../..')

const make = (connection, options) => new Pipeline({ ...ticketTriageDefinition, ...options, connection })

/** What making it throws. */
function refusal(build) {
  try {
    build()
  } catch (error) {
    expect(error).toBeInstanceOf(EnqueueError)
    expect(error).toMatchObject({ status: 500, outcome: 'refused', retryable: false })
    // What is wrong is the program's to know, and none of a client's business.
    return { code: error.code, message: error.cause.message }
  }
  throw new Error('nothing was refused')
}

const MUST = {
  place: 'connection must be a URL or an object with a host',
  client: 'connection must be options and not a client: the boundary has a connection of its own',
  port: 'connection.port must be an integer from 1 to 65535',
  cluster: 'connection.cluster must be an array of { host, port }',
  sentinels: 'connection.sentinels must be an array of { host, port }',
  one: 'connection must have only one of url, sentinels and cluster',
  name: 'connection.name must be the name that the sentinels know the primary by',
}

describe('of the wrong type', () => {
  test.each([
    ['a number', 6379, MUST.place],
    ['a function', () => {}, MUST.place],
    ['an array', [{ host: 'a' }], MUST.place],
    ['a host that is no string', { host: 1 }, 'connection.host must be a string'],
    ['a port that is no number', { port: 'redis' }, MUST.port],
    ['a port of 0', { port: 0 }, MUST.port],
    ['a port past the last', { port: 65_536 }, MUST.port],
    ['a port with a fraction', { port: 6379.5 }, MUST.port],
    ['a port in an array', { port: [6379] }, MUST.port],
    ['a negative database', { db: -1 }, /^connection\.db must be an integer from 0 to \d+$/],
    ['a database by name', { db: 'tickets' }, /^connection\.db must be an integer from 0 to \d+$/],
    ['a path that is no string', { path: true }, 'connection.path must be a string'],
    ['a password that is no string', { password: 1234 }, 'connection.password must be a string'],
    ['no cluster nodes', { cluster: [] }, MUST.cluster],
    ['a cluster that is no array', { cluster: 'a:1' }, MUST.cluster],
    ['cluster nodes as strings', { cluster: ['redis-1:6379'] }, MUST.cluster],
    ['a cluster node that is nothing', { cluster: [null] }, MUST.cluster],
    ['no sentinels', { sentinels: [], name: 'm' }, MUST.sentinels],
    ['sentinels as strings', { sentinels: ['sentinel-1:26379'], name: 'm' }, MUST.sentinels],
    ['sentinels and no name', { sentinels: [{ host: 'a' }] }, MUST.name],
    ['a URL and cluster nodes', { url: 'redis://a', cluster: [{}] }, MUST.one],
    ['sentinels and cluster nodes', { sentinels: [{}], name: 'm', cluster: [{}] }, MUST.one],
    ['a key prefix', { keyPrefix: 'app:' }, 'connection.keyPrefix would hide the queue from workers: use prefix'],
    ['TLS as a number', { tls: 1 }, 'connection.tls must be true, false or an object of TLS options'],
    [
      'a check of the server of its own',
      { tls: { checkServerIdentity() {} } },
      /^connection\.tls\.checkServerIdentity is not supported/,
    ],
    ['a server name that is no string', { tls: { servername: 42 } }, 'connection.tls.servername must be a string'],
    ['an authority that is no PEM', { tls: { ca: 42 } }, 'connection.tls.ca must be PEM, as a string or a Buffer'],
  ])('%s', (_, connection, message) => {
    const refused = refusal(() => make(connection, { prefix: '{bull}' }))
    expect(refused.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(refused.message).toMatch(message)
  })

  test.each([
    ['a client', () => new Redis({ lazyConnect: true })],
    ['a cluster client', () => new Cluster([{ port: 1 }], { lazyConnect: true })],
  ])('%s of ioredis, which is not used and not closed', (_, create) => {
    const client = create()
    expect(refusal(() => make(client)).message).toBe(MUST.client)
    expect(client.status).toBe('wait')
    client.disconnect()
  })
})

describe('that cannot be used', () => {
  const TLS_MESSAGE = 'the TLS options cannot be used'
  const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  // Each kind of URL is in parity.test.js.
  test.each([
    [
      'a URL of another scheme',
      'http://localhost:6379',
      /^connection cannot be used: .*; set it to redis:\/\/host:port$/,
    ],
    ['such a URL in an object', { url: 'http://localhost' }, /^connection\.url cannot be used: .*redis:\/\/host:port$/],
    ['a database of a cluster', { cluster: [{}], db: 1 }, 'a cluster has database 0 only'],
  ])('%s', (_, connection, message) => {
    const refused = refusal(() => make(connection, { prefix: '{bull}' }))
    expect(refused.code).toBe('MISCONFIGURED')
    expect(refused.message).toMatch(message)
  })

  test.each([
    ['an authority with no certificate in it', { tls: { ca: 'nonsense' } }, TLS_MESSAGE],
    ['an authority whose certificate is none', { tls: { ca: PEM } }, TLS_MESSAGE],
    ['a certificate without its key', { tls: { cert: PEM } }, TLS_MESSAGE],
    ['a key without its certificate', { tls: { key: 'k' } }, TLS_MESSAGE],
  ])('%s', (_, connection, message) => {
    const refused = refusal(() => make(connection, { prefix: '{bull}' }))
    expect(refused.code).toBe('MISCONFIGURED')
    // And why, in brackets.
    expect(refused.message.slice(0, message.length + 2)).toBe(`${message} (`)
  })

  test('no message repeats a password', () => {
    for (const connection of ['redis://:hunter2@host:port', { url: 'http://:hunter2@host' }]) {
      expect(JSON.stringify(refusal(() => make(connection)))).not.toContain('hunter2')
    }
  })

  test.each(['bull', 'b{}ull', 'bu}l{l'])('the prefix %s on a cluster, with the braces to add', (prefix) => {
    const { code, message } = refusal(() => make({ cluster: [{ port: 1 }] }, { prefix }))
    expect(code).toBe('MISCONFIGURED')
    expect(message).toContain('for example "{bull}"')
  })
})

test('what a getter of the options throws is passed on as it is', () => {
  const thrown = new Error('mine')
  const connection = {
    get host() {
      throw thrown
    },
  }
  expect(() => make(connection)).toThrow(thrown)
})

test.each([
  ['a key that means nothing', { connectionUrl: 'redis://a' }, 'unknown option connectionUrl: is connection meant?'],
  ['an option of a BullMQ queue', { defaultJobOptions: {} }, 'unknown option defaultJobOptions'],
])('a definition with %s is refused, and the key is named', (_, options, message) => {
  expect(refusal(() => make(undefined, options))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', message })
})

test('making a pipeline connects to nothing, whatever is there', async () => {
  const sockets = []
  const listener = net.createServer((socket) => sockets.push(socket.on('error', () => {})))
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address()
  // One that accepts and never answers, one that refuses, a name that does not resolve, an address that is not there.
  for (const connection of [{ port }, { port: 1 }, { host: 'nowhere.invalid' }, { path: '/nowhere/redis.sock' }]) {
    const pipeline = make(connection)
    expect(pipeline.stats()).toEqual({
      inFlight: 0,
      waitingForRedis: 0,
      bytes: 0,
      connected: false,
      connects: 0,
      closed: false,
      ...NOTHING_ENDED,
    })
    await pipeline.close()
  }
  expect(sockets).toEqual([])
  await new Promise((resolve) => listener.close(resolve))
})
