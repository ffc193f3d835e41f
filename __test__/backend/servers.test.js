'use strict'
// BullMQ's option `connection` in all of its forms against real servers of all kinds. The referee is a worker of BullMQ's own that
// is given the same: what it does not find was added elsewhere.
const { createRedisBackend, createIORedisClient, createNodeRedisClient, Queue } = require('bullmq')
const { Cluster, Redis } = require('ioredis')
const { createClient } = require('redis')
const { Authority } = require('../../tools/certificates.js')
const { RedisCluster } = require('../support/cluster.js')
const { useFaults } = require('../support/faults.js')
const { useQueues } = require('../support/queues.js')
const { OwnServer } = require('../support/redis.js')
const { NAME, SentinelSetup } = require('../support/sentinel.js')
const { TlsFront } = require('../support/tls-front.js')

// Queues are closed before the clients that they were given.
const queues = useQueues({})
const on = useFaults()
/** Nothing is lost by waiting, on a slow machine. */
const PATIENT = { timeoutMs: 60_000 }
const PASSWORD = 'pa:ss/w@r?d#%'

const ofIORedis = (client) => {
  client.on('error', () => {})
  return on.keep(client, (it) => it.disconnect())
}
const ofNodeRedis = (options) => {
  const client = createClient(options)
  client.on('error', () => {})
  return on.keep(client, (it) => it.isOpen && it.destroy())
}

/** Adds a few jobs of a queue over `connection`, asks BullMQ's backend for one, and has a worker with the same do all of them. */
async function expectConsumed(connection, { prefix, name = queues.name(), workers = connection } = {}) {
  const backend = queues.factory(PATIENT)
  const { queue } = queues.queue(name, { connection, prefix, backend })
  const [one] = await Promise.all([
    queue.add('go', { n: 1 }, { jobId: 'mine' }),
    queue.add('go', { n: 2 }, { priority: 1 }),
    queue.addBulk([{ name: 'go', data: { n: 3 } }]),
    queue.add('go', { n: 4 }, { deduplication: { id: 'x' } }),
  ])
  expect(await queue.getJob(one.id)).toMatchObject({ data: { n: 1 } })
  await queue.getJobCounts()
  const done = new Set()
  await new Promise((resolve) => {
    const each = ({ data }) => {
      done.add(data.n)
      if (done.size === 4) resolve()
    }
    queues.worker(name, async (job) => each(job), { connection: workers, prefix })
  })
  expect([...done].sort()).toEqual([1, 2, 3, 4])
  expect(backend.stats()).toMatchObject({ created: 4, delegated: 0 })
  return queue
}

describe('a server', () => {
  let server
  let admin
  let authority
  let front
  beforeAll(async () => {
    authority = new Authority()
    server = await OwnServer.start(['--unixsocket', 'redis.sock'])
    front = await TlsFront.start(server.port, authority.issue())
    admin = new Redis(server.port)
    await admin.config('SET', 'requirepass', PASSWORD)
    await admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '&*', '+@all')
  })
  afterAll(async () => {
    admin.disconnect()
    await front.stop()
    await server.stop()
    authority.remove()
  })

  const encoded = encodeURIComponent(PASSWORD)
  const blocking = { maxRetriesPerRequest: null }
  const port = () => server.port
  const tls = () => ({ ca: authority.ca })
  /** The form, who its links are, and in which database. */
  const FORMS = {
    'a password': [() => ({ port: port(), password: PASSWORD }), 'default', 0],
    'a user and a database': [() => ({ port: port(), username: 'web', password: 'secret', db: 3 }), 'web', 3],
    'a URL among options': [() => ({ url: `redis://web:secret@127.0.0.1:${port()}/2` }), 'web', 2],
    'a URL beside a password and a database': [
      () => ({ url: `redis://127.0.0.1:${port()}`, password: PASSWORD, db: 4 }),
      'default',
      4,
    ],
    'a Unix socket': [() => ({ path: `${server.dir}/redis.sock`, password: PASSWORD, db: 1 }), 'default', 1],
    TLS: [() => ({ host: 'localhost', port: front.port, username: 'web', password: 'secret', tls: tls() }), 'web', 0],
    'a URL of TLS': [() => ({ url: `rediss://:${encoded}@localhost:${front.port}/5`, tls: tls() }), 'default', 5],
    'a client of ioredis': [
      () => ofIORedis(new Redis({ port: port(), username: 'web', password: 'secret', db: 6, ...blocking })),
      'web',
      6,
    ],
    'a client of ioredis over TLS': [
      () => ofIORedis(new Redis(`rediss://:${encoded}@localhost:${front.port}/7`, { tls: tls(), ...blocking })),
      'default',
      7,
    ],
    'one that BullMQ has wrapped': [
      () => createIORedisClient(ofIORedis(new Redis({ port: port(), password: PASSWORD, db: 8, ...blocking }))),
      'default',
      8,
    ],
    'a client of node-redis': [
      () =>
        ofNodeRedis({ socket: { host: '127.0.0.1', port: port() }, username: 'web', password: 'secret', database: 9 }),
      'web',
      9,
    ],
    'a client of node-redis that is made of a URL': [
      () => ofNodeRedis({ url: `redis://:${encoded}@127.0.0.1:${port()}/10` }),
      'default',
      10,
    ],
    'a client of node-redis over TLS': [
      () =>
        ofNodeRedis({
          socket: { host: 'localhost', port: front.port, tls: true, ca: authority.ca },
          ...{ password: PASSWORD, database: 11 },
        }),
      'default',
      11,
    ],
    'a client of node-redis with a Unix socket': [
      () => ofNodeRedis({ socket: { path: `${server.dir}/redis.sock` }, password: PASSWORD }),
      'default',
      0,
    ],
    'one that BullMQ has wrapped, of node-redis': [
      () => createNodeRedisClient(ofNodeRedis({ url: `redis://web:secret@127.0.0.1:${port()}/12` })),
      'web',
      12,
    ],
  }

  test.each(Object.keys(FORMS))('%s', async (form) => {
    const [make, user, db] = FORMS[form]
    const queue = await expectConsumed(make())
    const links = (await admin.client('LIST')).split('\n').filter((line) => / name=enqueue-boundary /.test(line))
    expect(links.map((line) => / db=(\d+) .* user=(\S+)/.exec(line).slice(1))).toContainEqual([`${db}`, user])
    await admin.select(db)
    expect(await admin.exists(`${queue.qualifiedName}:meta`)).toBe(1)
  })

  test('a client that was handed in has nothing done to it', async () => {
    const own = ofNodeRedis({ url: `redis://:${encoded}@127.0.0.1:${port()}` })
    await own.connect()
    const queue = new Queue(queues.name(), { connection: own }, queues.factory(PATIENT))
    await queue.add('go', {})
    await queue.getJobCounts()
    await queue.close()
    expect(await own.ping()).toBe('PONG')
  })

  test('a wrong password is told of in time', async () => {
    for (const connection of [
      { port: port(), password: 'wrong' },
      ofIORedis(new Redis({ port: port(), password: 'wrong', ...blocking })),
      ofNodeRedis({ socket: { port: port() }, password: 'wrong' }),
    ]) {
      const backend = queues.factory({ timeoutMs: 500 })
      const { queue } = queues.queue(queues.name(), { connection, backend })
      const error = await queue.add('go', {}).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent', cause: { code: 'WRONGPASS' } })
    }
  })
})

describe('a cluster', () => {
  let cluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())
  const clientOf = () => ofIORedis(cluster.client())

  test('a Cluster of ioredis, with braces around the prefix', async () => {
    await expectConsumed(clientOf(), { prefix: '{bull}', workers: clientOf() })
  })

  test('with braces around the name of the queue, on each of its nodes', async () => {
    const owners = new Set()
    for (const tag of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const name = `{${tag}}`
      const queue = await expectConsumed(clientOf(), { name, workers: clientOf() })
      owners.add((await cluster.ownerOf(queue.toKey('meta'))).port)
    }
    expect(owners.size).toBe(3)
  })

  test('of which only one node is named, and that one is not there', async () => {
    const [first] = cluster.nodes
    const nodes = [{ host: '127.0.0.1', port: 1 }, `redis://127.0.0.1:${first.port}`]
    const connection = ofIORedis(new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: null } }))
    await expectConsumed(connection, { prefix: '{named}', workers: clientOf() })
  })

  test('without braces it is refused by name, where BullMQ fails at each call', async () => {
    const connection = clientOf()
    const make = () => new Queue(queues.name(), { connection }, queues.factory())
    expect(make).toThrow(expect.objectContaining({ code: 'MISCONFIGURED', message: expect.any(String) }))
    expect(make).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(/braces/) }) }),
    )
    const theirs = queues.open(new Queue(queues.name(), { connection: clientOf() }, createRedisBackend))
    await expect(theirs.add('go', {})).rejects.toThrow(/slot/i)
  })

  test('a slot that moves to another node is followed', async () => {
    const prefix = '{moves}'
    const backend = queues.factory(PATIENT)
    const { queue } = queues.queue(queues.name(), { connection: clientOf(), prefix, backend })
    await queue.add('go', { n: 1 })
    const owner = await cluster.ownerOf(prefix)
    const adding = []
    await cluster.moveSlot(
      prefix,
      cluster.nodes.find((node) => node !== owner),
      // Keys that are on their way are waited for.
      async () => adding.push(queue.add('go', { n: 2 }), queue.addBulk([{ name: 'go', data: { n: 3 } }])),
    )
    await Promise.all([...adding, queue.add('go', { n: 4 })])
    expect((await queue.getWaiting()).map(({ data }) => data.n).sort()).toEqual([1, 2, 3, 4])
  })
})

describe('sentinels', () => {
  let setup
  beforeAll(async () => {
    setup = await SentinelSetup.start({ replicas: 1 })
  })
  afterAll(() => setup.stop())

  test('as options', async () => {
    await expectConsumed({ ...setup.connection })
  })

  test('as a client of ioredis', async () => {
    await expectConsumed(ofIORedis(new Redis({ ...setup.connection, maxRetriesPerRequest: null })))
  })

  test('the wrong name of the primary is told of', async () => {
    const connection = { ...setup.connection, name: `not ${NAME}` }
    const { queue } = queues.queue(queues.name(), { connection, backend: queues.factory({ timeoutMs: 2000 }) })
    const error = await queue.add('go', {}).catch((reason) => reason)
    expect(error).toMatchObject({ name: 'EnqueueError', outcome: 'not-sent' })
    expect(error.cause.message).toMatch(/not tickets/)
  })
})
