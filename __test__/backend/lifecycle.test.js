'use strict'
// A Queue with our backend opens, tells of its link, and closes as one with BullMQ's does.
const { once } = require('node:events')
const { createRedisBackend, Queue } = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')
const { until, withClient } = require('../../tools/until.js')

const database = useDatabase()
const queues = useQueues(database)
const on = useFaults()

/** The names of those who are connected to a server, but for whoever asks. */
const clientsOf = (server) =>
  withClient(server, async (client) => {
    const lines = (await client.client('LIST')).trim().split('\n')
    const own = await client.client('ID')
    return lines.filter((line) => !line.includes(`id=${own} `)).map((line) => /name=(\S*)/.exec(line)[1])
  })

test('a process that only adds jobs has one socket, however many queues it has, and no ioredis', async () => {
  const server = await on.server()
  const program = `
    const { createRedisBackend, Queue } = require('bullmq')
    const { boundaryBackend } = require('./bullmq.js')
    const { setTimeout: sleep } = require('node:timers/promises')
    const factory = boundaryBackend(createRedisBackend)
    const queues = ['one', 'two', 'three'].map((name) => new Queue(name, { connection: { port: ${server.port} } }, factory))
    async function main() {
      for (const queue of queues) await queue.waitUntilReady()
      await Promise.all(queues.flatMap((queue) => [queue.add('go', {}), queue.addBulk([{ name: 'go', data: 1 }])]))
      const loaded = Object.keys(require.cache).filter((file) => /node_modules.ioredis/.test(file))
      console.log(JSON.stringify({ loaded, stats: factory.stats() }))
      setInterval(() => {}, 1000)
    }
    main()`
  const { stdout } = await runChild(program, {
    bare: true,
    onLine: async (_, child) => {
      try {
        expect(await clientsOf(server)).toEqual(['enqueue-boundary'])
      } finally {
        child.kill()
      }
    },
  })
  const { loaded, stats } = JSON.parse(stdout)
  expect(loaded).toEqual([])
  expect(stats).toMatchObject({ created: 6, delegated: 0 })
  const versions = await withClient(server, (client) =>
    Promise.all(['one', 'two', 'three'].map((name) => client.hget(`bull:${name}:meta`, 'version'))),
  )
  expect(versions).toEqual(Array(3).fill(expect.stringMatching(/^bullmq:6/)))
})

test('a program that has nothing more to do ends, with its jobs in Redis', async () => {
  const name = queues.name()
  const program = `
    const { createRedisBackend, Queue } = require('bullmq')
    const { boundaryBackend } = require('./bullmq.js')
    const queue = new Queue('${name}', { connection: ${JSON.stringify(database.connection)} }, boundaryBackend(createRedisBackend))
    queue.add('go', {}, { jobId: 'mine' }).then(() => console.log('added'))`
  const { code, stdout } = await runChild(program, { bare: true })
  expect([code, stdout]).toEqual([0, 'added\n'])
  expect(await database.redis.exists(`bull:${name}:mine`)).toBe(1)
})

test('a queue whose Redis is not there tells why, waits to be ready, and is when it comes', async () => {
  const server = await on.absentServer()
  const { queue } = queues.queue(queues.name(), { connection: { port: server.port } })
  const ready = queue.waitUntilReady()
  const [error] = await once(queue, 'error')
  expect(error).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringContaining(`:${server.port}`) })
  await server.up()
  await ready
  await queue.add('go', {})
  await until(async () => (await queue.getVersion()) !== null)
})

test('a queue hears that its link was lost, also one that came when that stood, and goes on when Redis is back', async () => {
  const server = await on.server()
  const both = []
  for (const name of [queues.name(), queues.name()]) {
    const { queue } = queues.queue(name, { connection: { port: server.port } })
    await queue.waitUntilReady()
    both.push(queue)
  }
  // `once` of Node would reject with the error.
  const closed = both.map((queue) => new Promise((resolve) => queue.once('ioredis:close', resolve)))
  const failed = both.map((queue) => once(queue, 'error'))
  await server.kill()
  await Promise.all([...closed, ...failed])
  await server.up()
  for (const queue of both) expect((await queue.add('go', {})).id).toBe('1')
})

test('it closes while Redis was never there, and nothing that is asked of it waits', async () => {
  const server = await on.absentServer()
  const queue = new Queue(queues.name(), { connection: { port: server.port } }, boundaryBackend(createRedisBackend))
  queue.on('error', () => {})
  const ready = queue.waitUntilReady().catch((error) => error)
  await queue.close()
  expect(await ready).toMatchObject({ code: 'CLOSED' })
  await expect(queue.add('go', {})).rejects.toMatchObject({ name: 'EnqueueError', code: 'CLOSED' })
  await queue.close()
})

test('closing waits for what is in flight, and disconnect does', async () => {
  for (const end of ['close', 'disconnect']) {
    const name = queues.name()
    const queue = new Queue(name, { connection: { ...database.connection } }, boundaryBackend(createRedisBackend))
    queue.on('error', () => {})
    const adding = Promise.all(Array.from({ length: 100 }, (_, n) => queue.add('go', { n })))
    await queue.getJobCounts()
    const more = queue.add('go', { last: true })
    await queue[end]()
    expect((await adding).length).toBe(100)
    await more
    expect(await database.redis.llen(`bull:${name}:wait`)).toBe(101)
  }
})

test('a queue that nobody has any more lets go of its link', async () => {
  const server = await on.server()
  const program = `
    const { createRedisBackend, Queue } = require('bullmq')
    const { boundaryBackend } = require('./bullmq.js')
    const factory = boundaryBackend(createRedisBackend)
    const use = () => new Queue('gone', { connection: { port: ${server.port} } }, factory).add('go', {})
    use().then(() => {
      console.log('added')
      setInterval(gc, 50)
    })`
  const child = runChild(program, {
    bare: true,
    flags: ['--expose-gc'],
    onLine: async (_, it) => {
      try {
        await until(async () => (await clientsOf(server)).length === 0)
      } finally {
        it.kill()
      }
    },
  })
  await child
  expect(await clientsOf(server)).toEqual([])
})

test('one that is closed answers as one of BullMQ that is closed, and holds nothing open', async () => {
  const program = `
    const { createRedisBackend, Queue } = require('bullmq')
    const { boundaryBackend } = require('./bullmq.js')
    const connection = ${JSON.stringify(database.connection)}
    async function of(factory) {
      const queue = new Queue('${queues.name()}', { connection }, factory)
      queue.on('error', () => {})
      await queue.add('go', {})
      await queue.close()
      const told = (error) => error.message
      const client = await queue.getBackend().client
      return [client.status, await queue.getJobCounts().catch(told), await queue.disconnect().catch(told)]
    }
    Promise.all([of(createRedisBackend), of(boundaryBackend(createRedisBackend))]).then((both) => console.log(JSON.stringify(both)))`
  const { code, stdout } = await runChild(program, { bare: true })
  const [theirs, ours] = JSON.parse(stdout)
  expect(theirs).toEqual(['end', 'Connection is closed.', null])
  expect([ours, code]).toEqual([theirs, 0])
})
