'use strict'
// The test transport takes what BullMQ's own Queue adds through our backend: the same ids, refusals and jobs as on a real Redis.
const { createServer } = require('node:net')
const { Queue, createRedisBackend } = require('bullmq')
const fc = require('fast-check')
const { boundaryBackend } = require('../../bullmq.js')
const { installTestTransport } = require('../../testing')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)

/** Where nobody is. */
const NOWHERE = { connection: { host: '127.0.0.1', port: 1 } }

let boundary
beforeEach(() => {
  boundary = installTestTransport()
})
afterEach(() => boundary.uninstall())

/** What a call comes to, as it is compared. */
const outcomeOf = (call) =>
  call.then(
    (made) => [made].flat().map(({ id }) => id),
    ({ name, code, message }) => ({ name, code, message }),
  )

describe('what is added', () => {
  test('is there as BullMQ would have it, with numbers for ids', async () => {
    const name = queues.name()
    const { queue, stats } = queues.queue(name, NOWHERE)
    await queue.waitUntilReady()
    const job = await queue.add('go', { a: 1 }, { attempts: 3, delay: 1000, keepLogs: 5 })
    expect(job.id).toBe('1')
    const [second, third] = await queue.addBulk([
      { name: 'many', data: 2, opts: { jobId: 'mine', priority: 4 } },
      { name: 'many', data: 3 },
    ])
    expect([second.id, third.id]).toEqual(['mine', '3'])
    expect(boundary.jobs(name)).toEqual([
      {
        ...{ id: '1', queueName: name, prefix: 'bull', name: 'go', data: { a: 1 }, state: 'delayed' },
        ...{ opts: { attempts: 3, delay: 1000, keepLogs: 5 }, delay: 1000, priority: 0, timestamp: job.timestamp },
      },
      expect.objectContaining({ id: 'mine', opts: { jobId: 'mine', priority: 4, attempts: 0 }, state: 'prioritized' }),
      expect.objectContaining({ id: '3', data: 3, state: 'waiting' }),
    ])
    boundary.expectJob({ name: 'go', data: { a: 1 } })
    expect(stats()).toMatchObject({ created: 3, delegated: 0 })
  })

  test('is seen by pipelines of the same queue, and moved as theirs', async () => {
    const { queue } = queues.queue(queues.name(), NOWHERE)
    const unique = { deduplication: { id: 'x' } }
    const first = await queue.add('go', {}, unique)
    expect((await queue.add('go', {}, unique)).id).toBe(first.id)
    boundary.move(first.id, 'completed')
    expect((await queue.add('go', {}, unique)).id).toBe('3')
    const parent = { id: first.id, queue: queue.qualifiedName }
    await queue.add('child', {}, { parent })
    expect(boundary.job({ name: 'child' })).toMatchObject({ parentKey: `${queue.qualifiedName}:1` })
    boundary.reset()
    expect((await queue.add('go', {})).id).toBe('1')
  })

  test('has a prefix of its own, and a queue each', async () => {
    const { queue } = queues.queue(queues.name(), { ...NOWHERE, prefix: '{own}' })
    const { queue: other } = queues.queue(queues.name(), NOWHERE)
    expect([(await queue.add('go', 1)).id, (await other.add('go', 2)).id]).toEqual(['1', '1'])
    expect(boundary.jobs().map(({ prefix }) => prefix)).toEqual(['{own}', 'bull'])
  })
})

describe('what fails', () => {
  const open = (options) => queues.queue(queues.name(), { ...NOWHERE, backend: queues.factory(options) }).queue

  test('is told as of a real outage', async () => {
    const queue = open({ timeoutMs: 60_000 })
    const code = (call) =>
      call.then(
        () => 'queued',
        (error) => error.code,
      )
    const seen = {}
    for (const [kind, options] of [
      ['not-sent', { times: 1 }],
      ['refused', { times: 1, reply: 'NOPERM no' }],
      ['unknown', { times: 1 }],
      ['overloaded', { times: 1 }],
      ['internal', { times: 1 }],
    ]) {
      boundary.outage(kind, options)
      seen[kind] = [await code(queue.add('go', {})), await code(queue.add('go', {}))]
    }
    expect(seen).toEqual({
      'not-sent': ['QUEUE_UNAVAILABLE', 'queued'],
      refused: ['MISCONFIGURED', 'queued'],
      unknown: ['OUTCOME_UNKNOWN', 'queued'],
      overloaded: ['OVERLOADED', 'queued'],
      internal: ['INTERNAL', 'queued'],
    })
    expect(boundary.jobs()).toHaveLength(6)
  })

  test('may be tried again only with an id where nobody knows of it', async () => {
    const queue = open()
    boundary.outage('unknown')
    await expect(queue.add('go', {})).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', retryable: false })
    await expect(queue.add('go', {}, { jobId: 'mine' })).rejects.toMatchObject({ retryable: true, jobId: 'mine' })
  })

  test('is not what a queue says of itself when it is made', async () => {
    boundary.outage('not-sent', { times: 1 })
    const queue = open()
    const errors = []
    queue.on('error', (error) => errors.push(error))
    await queue.waitUntilReady()
    await queue.queueMetaInitialized
    await expect(queue.add('go', {})).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
    expect(errors).toEqual([])
  })
})

test('what only BullMQ’s own backend does says that it needs a Redis, and looks for none', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { queue } = queues.queue(queues.name(), { connection: { port: server.address().port } })
  const job = await queue.add('go', {}, { delay: 5 })
  const asked = {
    getWaiting: () => queue.getWaiting(),
    getJob: () => queue.getJob(job.id),
    pause: () => queue.pause(),
    obliterate: () => queue.obliterate(),
    upsertJobScheduler: () => queue.upsertJobScheduler('often', { every: 1000 }),
    client: async () => queue.getBackend().client,
    'a limit of the whole queue': () => queue.setGlobalConcurrency(2),
    'a job that only BullMQ can add': () => queue.add('go', {}, { delay: 0.5 }),
    'a change of a job': () => job.promote(),
  }
  for (const [what, call] of Object.entries(asked)) {
    const error = await call().catch((reason) => reason)
    expect([what, error?.message]).toEqual([
      what,
      expect.stringMatching(/^\w+ of BullMQ's backend needs a Redis: the test transport takes what queue\.add adds/),
    ])
  }
  await queue.close()
  expect(connections).toBe(0)
  await new Promise((resolve) => server.close(resolve))
})

test('a queue that was there before goes there, and to Redis again when it is taken away', async () => {
  boundary.uninstall()
  const name = queues.name()
  const { queue } = queues.queue(name)
  await queue.waitUntilReady()
  await queue.add('real', {})
  boundary = installTestTransport()
  await queue.add('tested', {})
  expect(boundary.jobs(name)).toMatchObject([{ id: '1', name: 'tested' }])
  boundary.uninstall()
  const ready = new Promise((resolve) => queue.getBackend().once('ready', resolve))
  await queue.add('real', {})
  await ready
  expect((await queue.getJobs()).map(({ name: what }) => what).sort()).toEqual(['real', 'real'])
})

test('a queue that goes to Redis again is told that the link is there, though that stood all the time for another', async () => {
  boundary.uninstall()
  const [{ queue }, { queue: other }] = [queues.queue(queues.name()), queues.queue(queues.name())]
  for (const it of [queue, other]) {
    await it.waitUntilReady()
    await it.add('real', {})
  }
  boundary = installTestTransport()
  await queue.add('tested', {})
  boundary.uninstall()
  const ready = new Promise((resolve) => queue.getBackend().once('ready', resolve))
  await queue.add('real', {})
  await ready
  expect(await queue.getWaitingCount()).toBe(2)
})

// --- the same on a real Redis ---------------------------------------------------------------------------------------

const LONG = 1_000_000_000
const ids = fc.constantFrom(undefined, undefined, 'a', 'b', 'c"')
const deduplication = fc
  .record(
    {
      id: fc.constantFrom('x', 'y'),
      ttl: fc.constant(LONG),
      extend: fc.boolean(),
      replace: fc.boolean(),
      keepLastIfActive: fc.boolean(),
    },
    { requiredKeys: ['id'] },
  )
  .map((it) => ({ deduplication: it }))
const parent = fc.constantFrom('a', 'b', '1', '2', '9').map((id) => ({ parent: { id, queue: '' } }))
const nothing = fc.constant({})
const kind = fc.oneof(nothing, nothing, deduplication, parent)
const place = fc.constantFrom({}, {}, { delay: LONG }, { priority: 3 }, { lifo: true })
const more = fc.constantFrom(
  {},
  { attempts: 3, backoff: { type: 'fixed', delay: 5 } },
  { removeOnComplete: true, sizeLimit: 99 },
)
const add = fc.tuple(fc.constantFrom('go', 'stop'), fc.jsonValue({ maxDepth: 1 }), ids, kind, place, more)

/** Adds all of these, and tells what each came to. */
async function addAll(queue, adds) {
  const came = []
  for (const [name, data, jobId, ...options] of adds) {
    const opts = Object.assign({ timestamp: 1_700_000_000_000 }, ...options, jobId && { jobId })
    if (opts.parent) opts.parent = { ...opts.parent, queue: queue.qualifiedName }
    came.push(await outcomeOf(queue.add(name, data, opts)))
  }
  return came
}

test('adds come to the same on a real Redis, in words and in jobs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(add, { minLength: 1, maxLength: 12 }), async (adds) => {
      const name = queues.name()
      boundary.uninstall()
      const real = new Queue(name, { connection: { ...database.connection } }, boundaryBackend(createRedisBackend))
      const expected = await addAll(real, adds)
      const there = {}
      for (const { id } of await real.getJobs()) there[id] = await database.redis.hgetall(real.toKey(id))
      await real.close()

      boundary = installTestTransport()
      boundary.reset()
      const tested = new Queue(name, NOWHERE, boundaryBackend(createRedisBackend))
      expect(await addAll(tested, adds)).toEqual(expected)
      await tested.close()
      const held = Object.fromEntries(boundary.jobs().map((job) => [job.id, job]))
      expect(Object.keys(held).sort()).toEqual(Object.keys(there).sort())
      for (const [id, job] of Object.entries(held)) {
        const { name: what, data, opts, delay, priority, timestamp, parentKey, deid } = there[id]
        expect({ id, ...job, opts: undefined }).toMatchObject({
          ...{ name: what, data: JSON.parse(data), delay: Number(delay), priority: Number(priority) },
          ...{ timestamp: Number(timestamp), prefix: 'bull', queueName: name },
        })
        expect([job.parentKey, job.deduplicationId]).toEqual([parentKey, deid])
        expect(job.opts.jobId).toBe(JSON.parse(opts).jobId)
        expect(job.opts.attempts).toBe(JSON.parse(opts).attempts)
      }
    }),
    { numRuns: 60, seed: 14 },
  )
})
