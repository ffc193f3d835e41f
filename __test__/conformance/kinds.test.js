'use strict'
// Jobs of every kind: delayed, prioritised, lifo and with whatever else BullMQ's options say must leave the same keys as a
// `queue.add` of BullMQ with the same options, and run in the same order.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { JOB_OPTIONS, keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { usePipelines } = require('../support/pipelines.js')
const { useDatabase } = require('../support/redis.js')
const { OTHER, TICKET, useStates } = require('../support/states.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const { bothFromHere, cases, trimmed } = useStates(database, bullmq)
const pipeline = usePipelines()

// Given to both, so that scores are the same.
const timestamp = 1_800_000_000_000

beforeAll(() => database.redis.config('SET', 'stream-node-max-bytes', 0))
beforeEach(() => database.redis.flushdb())

const KINDS = [
  { kind: 'a delayed job', options: { delay: 5000, timestamp } },
  { kind: 'a prioritised job', options: { priority: 10, timestamp } },
  { kind: 'a job of the last priority', options: { priority: 2_097_151, timestamp } },
  { kind: 'a lifo job', options: { lifo: true, timestamp } },
  { kind: 'a delayed, prioritised lifo job', options: { delay: 1, priority: 3, lifo: true, timestamp } },
  { kind: 'a prioritised lifo job', options: { priority: 3, lifo: true } },
  { kind: 'a job with a timestamp', options: { timestamp } },
  { kind: 'a job of now', options: { timestamp: 0, delay: 0, priority: 0, lifo: false } },
  { kind: 'a job with a size limit', options: { sizeLimit: 1000, lifo: true } },
  {
    kind: 'a job with all other options',
    options: {
      ...{ attempts: 7, backoff: 500, removeOnComplete: true, removeOnFail: 5, keepLogs: 3, stackTraceLimit: 2 },
      ...{ failParentOnFailure: true, removeDependencyOnFailure: false, delay: 5, timestamp },
    },
  },
  { kind: 'a job whose deduplication is new', options: { deduplication: { id: 'd:1', ttl: 60_000 }, timestamp } },
]

describe.each(KINDS)('$kind', ({ options }) => {
  test.each(cases)('from $title, is what queue.add of BullMQ $major leaves', async ({ seed, state, major }) => {
    const queue = await bullmq.queue(major)
    await seed(queue, major)
    const enqueue = pipeline(options)
    let result
    const { expected, actual } = await bothFromHere(
      () => referenceAdd(queue, TICKET, options),
      async () => {
        result = await enqueue(TICKET)
      },
    )
    expect(actual).toEqual(expected)
    const there = { created: false, existing: expect.objectContaining({ state }) }
    const how = state === 'unknown' ? { created: true } : there
    expect(result).toMatchObject({ jobId: jobId(TICKET), status: 'queued', ...how })
  })
})

const ticketsOf = (count, front) => Array.from({ length: count }, (_, n) => ({ ...TICKET, ticketId: `${front}-${n}` }))

describe.each([6, 5])('beside what queue.add of BullMQ %d leaves', (major) => {
  /** Adds one after the other, and enqueues in one tick. */
  async function compare(jobs) {
    const queue = await bullmq.queue(major)
    const enqueue = pipeline()
    const all = await bothFromHere(
      async () => {
        for (const { ticket, options } of jobs) await referenceAdd(queue, ticket, options)
      },
      () => Promise.all(jobs.map(({ ticket, options }) => enqueue(ticket, options))),
    )
    return all
  }
  const each = (tickets, optionsOf) => tickets.map((ticket, n) => ({ ticket, options: optionsOf(n) }))

  test('jobs that are due in the same millisecond come after each other', async () => {
    const jobs = each(ticketsOf(20, 'D'), (n) => ({ delay: 5000 - (n % 2), timestamp: timestamp + (n % 2) }))
    const { expected, actual } = await compare(jobs)
    expect(actual).toEqual(expected)
  })

  test('the place of a millisecond that is full is shared', async () => {
    await database.redis.zadd(keyOf('delayed'), (timestamp + 5001) * 4096 - 2, 'before')
    const { expected, actual } = await compare(each(ticketsOf(3, 'D'), () => ({ delay: 5000, timestamp })))
    expect(actual).toEqual(expected)
  })

  test('a job that is due before all others sets the marker', async () => {
    const { expected, actual } = await compare(each(ticketsOf(5, 'D'), (n) => ({ delay: 5000 - n * 1000, timestamp })))
    expect(actual).toEqual(expected)
  })

  test('jobs of several priorities count on from the counter, over its end', async () => {
    await database.redis.set(keyOf('pc'), 2 ** 32 - 3)
    const { expected, actual } = await compare(each(ticketsOf(9, 'P'), (n) => ({ priority: 1 + (n % 3), timestamp })))
    expect(actual).toEqual(expected)
  })

  test('ids that a tick has twice are duplicates, whatever kind the second is of', async () => {
    const [ticket] = ticketsOf(1, 'B')
    const options = [{ delay: 5000 }, { delay: 1, priority: 3 }, { delay: 7, lifo: true }]
    const { expected, actual } = await compare(options.map((it) => ({ ticket, options: { ...it, timestamp } })))
    expect(actual).toEqual(expected)
  })

  test('a tick with jobs of every kind leaves the same, and each kind in its order', async () => {
    const queue = await bullmq.queue(major)
    await trimmed(queue, 10_000)
    const kinds = [{}, { delay: 5000 }, { priority: 4 }, { lifo: true }, { priority: 2 }, { delay: 1 }]
    const jobs = each(ticketsOf(60, 'B'), (n) => ({ ...kinds[n % kinds.length], timestamp }))
    const kindOf = new Map(jobs.map(({ ticket }, n) => [jobId(ticket), n % kinds.length]))
    const { expected, actual } = await compare(jobs)
    const events = keyOf('events')
    // Kinds go each in a script of its own, one kind after the other.
    const byKind = (entries) =>
      kinds.map((_, kind) =>
        entries.filter((fields) => kindOf.get(fields.find(([name]) => name === 'jobId')[1]) === kind),
      )
    expect(byKind(actual[events].value)).toEqual(byKind(expected[events].value))
    expect(actual[events].value).toHaveLength(expected[events].value.length)
    delete actual[events]
    delete expected[events]
    expect(actual).toEqual(expected)
  })

  test("a call's own options are instead of the pipeline's, as those of a job are of defaultJobOptions", async () => {
    const { Queue } = bullmq.exports(major)
    const base = { attempts: 4, backoff: { type: 'exponential', delay: 10, jitter: 0.5 }, delay: 60, timestamp }
    const own = { backoff: { type: 'fixed' }, priority: 3, keepLogs: 2 }
    const queue = new Queue('ticket-triage', {
      connection: database.connection,
      skipMetasUpdate: true,
      defaultJobOptions: { ...JOB_OPTIONS, ...base },
    })
    try {
      const enqueue = pipeline(base)
      const { expected, actual } = await bothFromHere(
        () => queue.add('triage', TICKET, { ...own, jobId: jobId(TICKET) }),
        () => enqueue(TICKET, own),
      )
      expect(actual).toEqual(expected)
    } finally {
      await queue.close()
    }
  })
})

test('what a call gives as undefined stays as its pipeline has it', async () => {
  await pipeline({ delay: 5000, timestamp })(TICKET, { delay: undefined })
  expect(await database.redis.hmget(jobKey(TICKET), 'delay', 'timestamp')).toEqual(['5000', String(timestamp)])
})

test('jobOptions that are a function are those of the data, and a call changes them', async () => {
  const enqueue = pipeline(({ ticketId }) =>
    ticketId === 'late' ? { delay: 5000, attempts: 2, timestamp } : undefined,
  )
  const [late, plain, other] = [{ ...TICKET, ticketId: 'late' }, TICKET, { ...OTHER, ticketId: 'late', tenantId: 'x' }]
  await enqueue(late)
  await enqueue(plain)
  await enqueue(other, { attempts: 5, priority: 3 })
  const stored = await Promise.all([late, plain, other].map((it) => database.redis.hget(jobKey(it), 'opts')))
  expect(stored.map((opts) => JSON.parse(opts))).toEqual([
    { delay: 5000, attempts: 2, timestamp, jobId: jobId(late) },
    { attempts: 0, jobId: jobId(plain) },
    { delay: 5000, attempts: 5, priority: 3, timestamp, jobId: jobId(other) },
  ])
})

describe('before the record is made', () => {
  /** How a call ends, and that nothing came of it. */
  async function refused(jobOptions, own) {
    const definition = { ...ticketTriageDefinition, jobOptions }
    const it = new Pipeline(definition)
    const storage = recorder()
    const before = await dump(database.redis)
    try {
      return await rejection(it.enqueue(TICKET, storage, own === undefined ? undefined : { jobOptions: own }))
    } finally {
      await it.close()
      expect(storage.records).toEqual([])
      expect(await dump(database.redis)).toEqual(before)
    }
  }
  const said = ({ code, cause }) => ({ code, message: cause.message })

  test('all that is wrong with the options of a call is said at once', async () => {
    expect(said(await refused({}, { delay: -1, prioritty: 3, lifo: 'no' }))).toEqual({
      code: 'ERR_INVALID_ARG_TYPE',
      message: [
        'options.jobOptions.delay must be whole milliseconds from 0 to 99999999999999',
        'unknown option in options.jobOptions prioritty: is priority meant?',
        'options.jobOptions.lifo must be true or false',
      ].join('; '),
    })
    expect(await refused({}, { priority: 2_097_152 })).toMatchObject({ code: 'ERR_OUT_OF_RANGE', outcome: 'refused' })
    for (const wrong of [null, [], 5, () => ({})]) {
      expect(await refused({}, wrong)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    }
  })

  test('options of a call that cannot be together with those of its pipeline are refused', async () => {
    const parent = { id: '1', queue: 'bull:orders' }
    expect(said(await refused({ deduplication: { id: 'a' } }, { parent })).message).toBe(
      'options.jobOptions must not have both deduplication and parent',
    )
    expect(said(await refused({ failParentOnFailure: true }, { continueParentOnFailure: true })).message).toBe(
      'options.jobOptions must have one at most of failParentOnFailure, continueParentOnFailure',
    )
  })

  test('options that a function returns are refused, and what it throws is passed on', async () => {
    expect(said(await refused(() => ({ delay: '5' }))).message).toMatch('jobOptions.delay must be')
    expect(said(await refused(async () => ({}))).message).toBe('jobOptions must return options, not a promise of them')
    expect(await refused(() => null)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    const thrown = new Error('mine')
    expect(
      await refused(() => {
        throw thrown
      }),
    ).toBe(thrown)
  })

  test.each([5, 6])(
    'data over sizeLimit is refused, as by BullMQ %d, and data of just that size is not',
    async (major) => {
      const queue = await bullmq.queue(major)
      const size = Buffer.byteLength(JSON.stringify(TICKET))
      const over = { sizeLimit: size - 1, delay: 5000, timestamp }
      await expect(referenceAdd(queue, TICKET, over)).rejects.toThrow('exceeds the limit')
      expect(await refused(over)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', outcome: 'refused' })
      expect(await refused({}, over)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', outcome: 'refused' })
      await referenceAdd(queue, OTHER, { sizeLimit: Buffer.byteLength(JSON.stringify(OTHER)) })
      await expect(pipeline(over)(TICKET, { sizeLimit: size })).resolves.toMatchObject({ created: true })
      await expect(pipeline({ sizeLimit: 0 })({ ...TICKET, ticketId: 'free' })).resolves.toMatchObject({
        created: true,
      })
    },
  )
})

describe.each([6, 5])('a Worker of BullMQ %d', (major) => {
  /** The ids of the next `count` jobs that complete, in their order. */
  async function completed(count, start) {
    const worker = await bullmq.worker(major, async (job) => job.id, { autorun: false })
    const order = new Promise((resolve) => {
      const ids = []
      worker.on('completed', ({ id }) => {
        ids.push(id)
        if (ids.length === count) resolve(ids)
      })
    })
    await start?.()
    worker.run()
    return order
  }

  test('takes lifo jobs first, then plain ones, then those of each priority in their order', async () => {
    const enqueue = pipeline()
    const kinds = [{ priority: 9 }, {}, { priority: 2 }, { lifo: true }, { priority: 2 }, {}, { lifo: true }]
    const ids = []
    for (const options of kinds) ids.push((await enqueue(newTicket(), options)).jobId)
    expect(await completed(kinds.length)).toEqual([6, 3, 1, 5, 2, 4, 0].map((n) => ids[n]))
  })

  test('takes delayed jobs when they are due, in that order, and in ours where they are due together', async () => {
    const enqueue = pipeline()
    const base = Date.now() - 60_000
    // All are due already, so that nobody waits: 30 s ago, 50 s, 30 s, 10 s.
    const ids = []
    for (const delay of [30_000, 10_000, 30_000, 50_000]) {
      ids.push((await enqueue(newTicket(), { delay, timestamp: base })).jobId)
    }
    expect(await database.redis.zrange(keyOf('delayed'), 0, -1)).toEqual([1, 0, 2, 3].map((n) => ids[n]))
    expect(await completed(4)).toEqual([1, 0, 2, 3].map((n) => ids[n]))
  })

  test('that sleeps until an hour has passed is woken for a job that is due before', async () => {
    const enqueue = pipeline()
    await enqueue(newTicket(), { delay: 3_600_000 })
    const ticket = newTicket()
    const worker = await bullmq.worker(major, async () => 'done', { drainDelay: 3600 })
    const first = new Promise((resolve) => worker.once('completed', resolve))
    await enqueue(ticket, { delay: 20 })
    expect(await first).toMatchObject({ id: jobId(ticket), opts: expect.objectContaining({ delay: 20 }) })
  })
})
