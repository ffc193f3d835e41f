'use strict'
// BullMQ's own queue.add through our backend: what it leaves in Redis, what it answers and what it refuses with are what they are
// through BullMQ's. Much of it is what BullMQ's own test-suite taught.
const { createRedisBackend, Queue } = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')
const { keyOf, useBullmq } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')
const { OTHER, TICKET, useStates } = require('../support/states.js')
const { jobId, jobKey } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const { activate, bothFromHere, cases, seedJob } = useStates(database, bullmq)

const timestamp = 1_800_000_000_000
const factory = boundaryBackend(createRedisBackend)

let theirs
let ours
beforeAll(() => database.redis.config('SET', 'stream-node-max-bytes', 0))
beforeEach(async () => {
  await database.redis.flushdb()
  const options = { connection: { ...database.connection }, skipMetasUpdate: true }
  theirs = new Queue('ticket-triage', options)
  ours = new Queue('ticket-triage', options, factory)
  await Promise.all([theirs.waitUntilReady(), ours.waitUntilReady()])
})
afterEach(() => Promise.all([theirs.close(), ours.close()]))

/** What a call comes to, in a form that can be compared. */
async function outcomeOf(call) {
  try {
    const made = await call
    const told = ({ id, name, data, opts }) => ({ id, name, data, opts })
    return Array.isArray(made) ? made.map(told) : told(made)
  } catch ({ message, code }) {
    return { message, code }
  }
}

/** Has both queues do the same from where the database is. */
async function compare(act) {
  const outcomes = []
  const run = (queue) => async () => {
    outcomes.push(await outcomeOf(act(queue)))
  }
  const { expected, actual } = await bothFromHere(run(theirs), run(ours))
  expect(actual).toEqual(expected)
  expect(outcomes[1]).toEqual(outcomes[0])
  return { outcome: outcomes[1], left: actual }
}

const KINDS = {
  'a plain job': { timestamp },
  'a job of now': {},
  'a delayed job': { delay: 5000, timestamp },
  'a prioritised job': { priority: 10, timestamp },
  'a lifo job': { lifo: true, timestamp },
  'a delayed, prioritised lifo job': { delay: 1, priority: 3, lifo: true, timestamp },
  'a job with all other options': {
    ...{ attempts: 7, backoff: 500, removeOnComplete: true, removeOnFail: { age: 5, count: 1 }, keepLogs: 3 },
    ...{ stackTraceLimit: 2, failParentOnFailure: true, removeDependencyOnFailure: false, sizeLimit: 1000, timestamp },
    ...{ telemetry: { metadata: '{"a":"b"}', omitContext: false }, unheardOf: { of: ['anyone'] } },
  },
  'a job whose deduplication is new': { deduplication: { ttl: 60_000, id: 'd:"1"\n' }, timestamp },
  'a job with a negative delay': { delay: -5, timestamp },
  'a job with a delay of a fraction': { delay: 0.5, timestamp },
  'a job whose delay is a text': { delay: '50', timestamp },
  'a job with a negative priority': { priority: -3, timestamp },
  'a job whose lifo is a number': { lifo: 1, timestamp },
  'a job with a timestamp of a fraction': { timestamp: timestamp + 0.5 },
}

describe.each(Object.keys(KINDS))('%s', (kind) => {
  const options = KINDS[kind]
  test.each(cases.filter(({ major }) => major === 6))('from $title', async ({ seed, major }) => {
    await seed(theirs, major)
    await compare((queue) => queue.add('triage', TICKET, { ...options, jobId: jobId(TICKET) }))
    const { outcome } = await compare((queue) => queue.add('called "otherwise"', TICKET, options))
    expect(outcome.id).toMatch(options.deduplication ? /^ticket-triage:acme:T-1$|^\d+$/ : /^\d+$/)
  })
})

test('whatever its data are, and whatever it is called', async () => {
  for (const data of [undefined, null, 0, '', [], {}, 'text', { deep: { of: [1, '\u0000', '\ud800', '印刷'] } }]) {
    await compare((queue) => queue.add('', data, { timestamp }))
  }
  for (const name of ['印刷', '"', '\n', 'x'.repeat(5000)]) await compare((queue) => queue.add(name, 1, { timestamp }))
})

test('ids that a job may have, and those that BullMQ refuses', async () => {
  const fine = ['a', 'a:b:c', '"', '0x1', '印刷', 'x'.repeat(5000), '', 'meta', 'de:x:y', 'de', '\ud800'.repeat(70)]
  const refused = ['0', '0:', '12', '-5', 'a:b']
  for (const id of [...fine, ...refused]) {
    await database.redis.flushdb()
    const { outcome } = await compare((queue) => queue.add('triage', 1, { jobId: id, timestamp }))
    expect(outcome.id === undefined).toBe(refused.includes(id))
  }
})

test('numbers go on from where the queue has counted to, and are digits alone', async () => {
  for (const counted of ['299999999', '99999999999', '99999999999997']) {
    await database.redis.set(keyOf('id'), counted)
    const { outcome } = await compare((queue) => queue.add('triage', 1, { timestamp }))
    expect(outcome.id).toBe(String(BigInt(counted) + 1n))
    await database.redis.flushdb()
  }
})

const WINNERS = {
  'no winner': async () => {},
  'a waiting winner': (more) => seedJob(theirs, OTHER, { deduplication: { id: 'd' }, ...more }),
  'a delayed winner': (more) => seedJob(theirs, OTHER, { deduplication: { id: 'd' }, delay: 60_000, ...more }),
  'an active winner': async (more) => {
    await seedJob(theirs, OTHER, { deduplication: { id: 'd' }, ...more })
    await activate(6)
  },
  'a winner that is gone': async (more) => {
    await seedJob(theirs, OTHER, { deduplication: { id: 'd' }, ...more })
    await database.redis.del(jobKey(OTHER))
  },
}
const MODES = {
  simple: {},
  throttle: { ttl: 600_000 },
  extend: { ttl: 600_000, extend: true },
  replace: { replace: true },
  'replace with a ttl': { replace: true, ttl: 600_000 },
  keepLastIfActive: { keepLastIfActive: true },
  reschedule: { reschedule: true },
  'reschedule and keepLastIfActive': { reschedule: true, keepLastIfActive: true },
}

describe.each(Object.keys(WINNERS))('deduplicated, with %s', (winner) => {
  test.each(Object.keys(MODES))('%s', async (mode) => {
    await WINNERS[winner]()
    const options = { deduplication: { id: 'd', ...MODES[mode] }, timestamp }
    for (const own of [{}, { jobId: 'mine' }, { delay: 5000 }, { priority: 3, name: 'x' }]) {
      await compare((queue) => queue.add(own.name ?? 'again', TICKET, { ...options, ...own }))
    }
  })
})

describe('a job with a parent', () => {
  const parent = { id: 'p1', queue: 'bull:ticket-triage' }
  const place = (options) => theirs.add('place', {}, { jobId: 'p1', timestamp: 1_700_000_000_000, ...options })

  test('that is not there is refused, and none is counted', async () => {
    const missing = await compare((queue) => queue.add('triage', 1, { parent, timestamp }))
    expect(missing.outcome).toEqual({ message: 'Missing key for parent job bull:ticket-triage:p1. addJob', code: -5 })
    expect(missing.left).toEqual({})
    const bulk = await compare((queue) =>
      queue.addBulk([
        { name: 'a', data: 1, opts: { timestamp } },
        { name: 'b', data: 2, opts: { timestamp, parent } },
        { name: 'c', data: 3, opts: { timestamp } },
        { name: 'd', data: 4, opts: { timestamp, parent, jobId: 'mine' } },
        { name: 'e', data: 5, opts: { timestamp, priority: 2 } },
      ]),
    )
    expect(bulk.outcome.map(({ id }) => id)).toEqual(['1', -5, '2', -5, '3'])
  })

  test.each([{}, { failParentOnFailure: true }, { ignoreDependencyOnFailure: true }])(
    'becomes a child of it, with %j',
    async (options) => {
      await place()
      await compare((queue) => queue.add('triage', 1, { parent, timestamp, ...options }))
      await compare((queue) => queue.add('triage', 1, { parent, timestamp, jobId: 'mine', delay: 5, ...options }))
    },
  )

  test('is refused another one as long as that lives', async () => {
    await place()
    await theirs.add('place', {}, { jobId: 'p2', timestamp })
    await theirs.add('triage', 1, { parent: { ...parent, id: 'p2' }, jobId: 'mine', timestamp })
    const again = (queue) => queue.add('triage', 1, { parent, jobId: 'mine', timestamp })
    const message = 'The parent job bull:ticket-triage:p1 cannot be replaced. addJob'
    expect((await compare(again)).outcome).toEqual({ message, code: -7 })
    const bulk = await compare((queue) =>
      queue.addBulk([{ name: 'triage', data: 1, opts: { parent, jobId: 'mine', timestamp } }]),
    )
    expect(bulk.outcome[0].id).toBe(-7)
    await theirs.remove('p2')
    await compare(again)
  })
})

test('a bulk of all kinds leaves what it leaves one after the other', async () => {
  const jobs = Array.from({ length: 40 }, (_, n) => ({
    name: `job-${n % 3}`,
    data: { n },
    opts: {
      ...Object.values(KINDS)[n % 8],
      timestamp,
      ...(n % 5 === 0 && { jobId: `mine-${n % 10}` }),
    },
  }))
  const { outcome } = await compare((queue) => queue.addBulk(jobs))
  expect(outcome).toHaveLength(40)
  expect((await compare((queue) => queue.addBulk([]))).outcome).toEqual([])
})

test('what BullMQ refuses before anything is sent, it refuses', async () => {
  const circular = {}
  circular.self = circular
  for (const [data, opts] of [
    [circular, {}],
    [{ n: 1n }, {}],
    ['x'.repeat(100), { sizeLimit: 10 }],
    [1, { priority: 1.5 }],
    [1, { priority: 2 ** 21 }],
    [1, { deduplication: {} }],
    [1, { failParentOnFailure: true, removeDependencyOnFailure: true }],
    [1, { backoff: { type: 'fixed', jitter: 2 } }],
  ]) {
    const { outcome, left } = await compare((queue) => queue.add('triage', data, opts))
    expect(outcome).toEqual({ message: expect.any(String), code: undefined })
    expect(left).toEqual({})
  }
})

test('what a queue says of itself is what BullMQ has it say', async () => {
  const options = { connection: { ...database.connection }, streams: { events: { maxLen: 77 } } }
  const version = async (queue) => {
    try {
      return await queue.getVersion()
    } finally {
      await queue.close()
    }
  }
  const versions = []
  const { expected, actual } = await bothFromHere(
    async () => versions.push(await version(new Queue('ticket-triage', options))),
    async () => versions.push(await version(new Queue('ticket-triage', options, factory))),
  )
  expect(actual).toEqual(expected)
  expect(actual[keyOf('meta')].value['opts.maxLenEvents']).toBe('77')
  expect(versions[1]).toBe(versions[0])
  await compare(async (queue) => {
    await queue.setGlobalConcurrency(3)
    await queue.setGlobalRateLimit(5, 1000)
    return []
  })
})
