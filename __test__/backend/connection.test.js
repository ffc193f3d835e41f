'use strict'
// BullMQ's option `connection` in each of its forms: jobs go where a worker with the same one looks for them.
const { createRedisBackend, Queue } = require('bullmq')
const { Redis, Cluster } = require('ioredis')
const { createClient, createClientPool, createCluster, createSentinel } = require('redis')
const { boundaryBackend } = require('../../bullmq.js')
const { readConnectionOf } = require('../../lib/backend/connection.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)

const clients = []
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect()
})
const client = (made) => {
  made.on('error', () => {})
  clients.push(made)
  return made
}

/** A client of node-redis, as far as it is read. */
const nodeRedis = (options) => ({
  options,
  isOpen: false,
  isReady: false,
  connect() {},
  disconnect() {},
  duplicate() {},
  sendCommand() {},
})

const FORMS = {
  options: () => ({ ...database.connection }),
  'options with what is not set': () => ({
    ...database.connection,
    username: undefined,
    password: null,
    tls: undefined,
  }),
  'a url among options': () => ({ url: database.url }),
  'a client of ioredis': () => client(new Redis({ ...database.connection, maxRetriesPerRequest: null })),
  'a client of ioredis, made of a url': () => client(new Redis(database.url, { maxRetriesPerRequest: null })),
  'one that is not connected': () => client(new Redis({ ...database.connection, lazyConnect: true })),
}

test.each(Object.keys(FORMS))('%s', async (form) => {
  const name = queues.name()
  const { queue, stats } = queues.queue(name, { connection: FORMS[form]() })
  const { id } = await queue.add('go', { form })
  expect(await database.redis.hget(`bull:${name}:${id}`, 'data')).toBe(JSON.stringify({ form }))
  expect(await queue.getJob(id)).toMatchObject({ data: { form } })
  expect(stats()).toMatchObject({ created: 1, delegated: 0 })
})

test('a client that was handed in is left open', async () => {
  const shared = client(new Redis({ ...database.connection, maxRetriesPerRequest: null }))
  const factory = boundaryBackend(createRedisBackend)
  const queue = new Queue(queues.name(), { connection: shared }, factory)
  await queue.add('go', {})
  await queue.getJobCounts()
  await queue.close()
  expect(await shared.ping()).toBe('PONG')
})

test('nothing at all is the default server, as with BullMQ', () => {
  const place = { host: '127.0.0.1', port: 6379, db: 0 }
  for (const nothing of [undefined, null, {}, { host: undefined, port: undefined }]) {
    expect(readConnectionOf(nothing)).toMatchObject(place)
  }
})

describe('what is read of a client', () => {
  const read = (made) => readConnectionOf(client(made))
  const lazyConnect = true

  test('of ioredis', () => {
    expect(read(new Redis('rediss://me:secret@cache.example:7000/3', { lazyConnect }))).toMatchObject({
      ...{ host: 'cache.example', port: 7000, username: 'me', password: 'secret', db: 3 },
      tls: { cert: [], key: [] },
    })
    expect(read(new Redis('/run/redis.sock', { lazyConnect }))).toMatchObject({ path: '/run/redis.sock' })
    const sentinels = [{ host: 'one', port: 26379 }]
    expect(read(new Redis({ sentinels, name: 'mine', sentinelPassword: 'x', lazyConnect }))).toMatchObject({
      ...{ sentinels, name: 'mine', sentinelPassword: 'x' },
    })
  })

  test('of a Cluster', () => {
    const nodes = ['redis://one:7001', { host: 'two', port: 7002 }, 7003]
    const cluster = new Cluster(nodes, { lazyConnect, redisOptions: { username: 'me', password: 'secret', tls: {} } })
    expect(read(cluster)).toMatchObject({
      cluster: [
        { host: 'one', port: 7001 },
        { host: 'two', port: 7002 },
        { host: '127.0.0.1', port: 7003 },
      ],
      ...{ username: 'me', password: 'secret', tls: { cert: [] } },
    })
    const mapped = new Cluster(nodes, { lazyConnect, natMap: { 'one:7001': { host: 'x', port: 1 } } })
    expect(() => read(mapped)).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(/natMap/) }) }),
    )
  })

  test('of node-redis, by itself and behind BullMQ’s adapter', () => {
    const socket = { host: 'cache.example', port: 7000, tls: true, servername: 'other.example', keepAlive: true }
    const made = nodeRedis({ socket, username: 'me', password: 'secret', database: 3 })
    const expected = {
      ...{ host: 'cache.example', port: 7000, username: 'me', password: 'secret', db: 3 },
      tls: { servername: 'other.example' },
    }
    expect(readConnectionOf(made)).toMatchObject(expected)
    const adapter = {
      raw: made,
      options: made.options,
      connect() {},
      defineCommand() {},
      disconnect() {},
      duplicate() {},
    }
    expect(readConnectionOf(adapter)).toMatchObject(expected)
    expect(readConnectionOf(nodeRedis({ socket: { path: '/run/redis.sock' } }))).toMatchObject({
      path: '/run/redis.sock',
    })
    expect(readConnectionOf(nodeRedis({}))).toMatchObject({ host: '127.0.0.1', port: 6379, db: 0 })
    expect(readConnectionOf(nodeRedis({ url: 'redis://cache.example:7000' }))).toMatchObject({
      host: 'cache.example',
      port: 7000,
    })
  })
})

describe('is refused by name where it cannot be followed', () => {
  const UNREADABLE =
    /options cannot be read: give BullMQ options, a client or Cluster of ioredis, or a single client of node-redis/
  const clientLike = { connect() {}, disconnect() {}, duplicate() {} }
  const WRONG = {
    'a client of Bun': [{ ...clientLike, send() {}, connected: false }, UNREADABLE],
    'a client of GLIDE': [{ ...clientLike, customCommand() {} }, UNREADABLE],
    'an adapter of a client of Bun': [
      { ...clientLike, defineCommand() {}, raw: { send() {}, connected: true } },
      UNREADABLE,
    ],
    'a client with credentials from elsewhere': [nodeRedis({ credentialsProvider: {} }), /credentials from elsewhere/],
    'a cluster of node-redis': [createCluster({ rootNodes: [{ url: 'redis://x:1' }] }), UNREADABLE],
    'sentinels of node-redis': [createSentinel({ name: 'x', sentinelRootNodes: [{ host: 'x', port: 1 }] }), UNREADABLE],
    'a pool of node-redis': [createClientPool({ url: 'redis://x:1' }), UNREADABLE],
    'a client of node-redis whose password a function has': [
      createClient({ credentialsProvider: { type: 'async-credentials-provider', credentials: async () => ({}) } }),
      /credentials from elsewhere/,
    ],
    'a text, which BullMQ does not read': ['redis://x', /connection is a URL, which BullMQ takes as { url }/],
    'a URL, which BullMQ does not read': [new URL('redis://x'), /connection is a URL, which BullMQ takes as { url }/],
    'nodes of a cluster, which BullMQ does not read': [
      { cluster: [{ host: 'x', port: 1 }] },
      /connection.cluster is no option of BullMQ: give it a Cluster of ioredis/,
    ],
    'a client of ioredis with a prefix': [
      client(new Redis({ keyPrefix: 'x:', lazyConnect: true })),
      /connection.keyPrefix would hide the queue from workers/,
    ],
    'a prefix of ioredis': [{ keyPrefix: 'x:' }, /connection.keyPrefix would hide the queue from workers/],
    'a misspelling': [{ hostname: 'x' }, /did you mean host/],
    'a host that is a URL': [{ host: 'redis://x' }, /connection.host is a URL/],
    'a port that is none': [{ host: 'x', port: 'six' }, /connection.port must be an integer/],
  }

  test.each(Object.keys(WRONG))('%s', (form) => {
    const [connection, message] = WRONG[form]
    const factory = boundaryBackend(createRedisBackend)
    const make = () => new Queue(queues.name(), { connection }, factory)
    expect(make).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(message) }) }),
    )
  })
})
