'use strict'
// The options of a pipeline's jobs: what BullMQ refuses is refused, each fault by its name, and what is refused beyond that
// stands in a table.
const fc = require('fast-check')
const { Pipeline } = require('../..')
const { useBullmq } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const bullmq = useBullmq(database)

const definition = { queueName: 'orders', jobName: 'place', schema: true, jobId: () => 'x', connection: 'redis://a' }
const parent = { id: '1', queue: 'bull:orders' }
const deduplication = { id: 'a' }
const RANGE = 'ERR_OUT_OF_RANGE'

/** What is wrong with these options, or undefined. */
function fault(jobOptions) {
  try {
    new Pipeline({ ...definition, jobOptions })
  } catch ({ code, cause }) {
    return { code, message: cause.message }
  }
  return undefined
}

/** What BullMQ says against these options, before it says anything to Redis, or undefined. */
async function refusal(queue, jobOptions) {
  try {
    await queue.add('place', {}, jobOptions)
  } catch (error) {
    // There is no such parent, but one that could be.
    return error.code === -5 ? undefined : error.message
  }
  return undefined
}

const FINE = [
  { delay: 0 },
  { delay: 99_999_999_999_999, timestamp: 99_999_999_999_999 },
  { priority: 0 },
  { priority: 2_097_151, delay: 5, lifo: true },
  { timestamp: 0, lifo: false },
  { attempts: 0, backoff: 0, keepLogs: 0, stackTraceLimit: 0, sizeLimit: 0 },
  { backoff: { type: 'fixed', delay: undefined, jitter: 1 } },
  { removeOnComplete: true, removeOnFail: -1 },
  { removeOnComplete: {}, removeOnFail: { age: 1, count: -1, limit: undefined } },
  { parent },
  { parent: { id: 'a:b', queue: 'a:b:c' }, failParentOnFailure: true, continueParentOnFailure: false },
  { removeDependencyOnFailure: true },
  { deduplication: { id: 'a', ttl: 0, extend: true, replace: true, keepLastIfActive: true, reschedule: true } },
  { deduplication, parent: undefined, priority: undefined },
  { telemetry: {} },
  { telemetry: { metadata: '{}', omitContext: true } },
]

test.each(FINE)('%j is taken, as by BullMQ', async (jobOptions) => {
  expect(fault(jobOptions)).toBeUndefined()
  for (const major of [5, 6]) expect(await refusal(await bullmq.queue(major), jobOptions)).toBeUndefined()
})

const together = (...names) => `jobOptions must have one at most of ${names.join(', ')}`

test.each([
  [{ priority: 0.5 }, 'jobOptions.priority must be a whole number from 0 to 2097151', RANGE],
  [{ priority: 2_097_152 }, 'jobOptions.priority must be a whole number from 0 to 2097151', RANGE],
  [{ priority: Number.NaN, delay: 1 / 3 }, undefined, RANGE],
  [{ deduplication: {} }, 'jobOptions.deduplication.id must be a string of well-formed Unicode that is not empty'],
  [
    { deduplication: { id: '' } },
    'jobOptions.deduplication.id must be a string of well-formed Unicode that is not empty',
  ],
  [{ deduplication, parent }, 'jobOptions must not have both deduplication and parent'],
  [
    { failParentOnFailure: true, removeDependencyOnFailure: true },
    together('removeDependencyOnFailure', 'failParentOnFailure'),
  ],
  [
    { ignoreDependencyOnFailure: true, continueParentOnFailure: true, failParentOnFailure: true },
    together('failParentOnFailure', 'continueParentOnFailure', 'ignoreDependencyOnFailure'),
  ],
  [{ backoff: { type: 'fixed', jitter: 1.5 } }, 'jobOptions.backoff.jitter must be from 0 to 1', RANGE],
  [{ backoff: { type: 'fixed', jitter: -0.5 } }, 'jobOptions.backoff.jitter must be from 0 to 1', RANGE],
])('%j is refused, as by BullMQ: %s', async (jobOptions, message, code = 'ERR_INVALID_ARG_TYPE') => {
  expect(fault(jobOptions)).toEqual({ code, message: message ?? expect.any(String) })
  for (const major of [5, 6]) expect(await refusal(await bullmq.queue(major), jobOptions)).toEqual(expect.any(String))
})

const count = 'must be a whole number, 0 or more'
const time = 'must be whole milliseconds from 0 to 99999999999999'
const queue = "must be the prefix and the name of the parent's queue, as 'bull:orders'"
const id = 'must be a string of well-formed Unicode that is not empty'

// BullMQ takes each of these, for a job that is not what was meant, or has Redis fail half-way.
const STRICTER = [
  [{ delay: -1 }, `jobOptions.delay ${time}`, RANGE],
  [{ delay: 0.5 }, `jobOptions.delay ${time}`, RANGE],
  [{ delay: 1e14 }, `jobOptions.delay ${time}`, RANGE],
  [{ delay: '50' }, `jobOptions.delay ${time}`],
  [{ delay: null }, `jobOptions.delay ${time}`],
  [{ timestamp: 1.5 }, `jobOptions.timestamp ${time}`, RANGE],
  [{ priority: -1 }, 'jobOptions.priority must be a whole number from 0 to 2097151', RANGE],
  [{ priority: null }, 'jobOptions.priority must be a whole number from 0 to 2097151'],
  [{ lifo: 1 }, 'jobOptions.lifo must be true or false'],
  [{ attempts: -1 }, `jobOptions.attempts ${count}`, RANGE],
  [{ attempts: '3' }, `jobOptions.attempts ${count}`],
  [{ keepLogs: 0.5 }, `jobOptions.keepLogs ${count}`, RANGE],
  [{ backoff: -1 }, 'jobOptions.backoff must be milliseconds, or { type, delay, jitter }', RANGE],
  [{ backoff: 'fixed' }, 'jobOptions.backoff must be milliseconds, or { type, delay, jitter }'],
  [{ backoff: {} }, 'jobOptions.backoff.type must be a string'],
  [{ backoff: { type: 'fixed', delay: '5' } }, 'jobOptions.backoff.delay must be milliseconds, 0 or more'],
  [{ backoff: { type: 'fixed', dealy: 1 } }, 'unknown option in jobOptions.backoff dealy: is delay meant?'],
  [{ removeOnFail: 'yes' }, 'jobOptions.removeOnFail must be true, false, a whole number or { age, count, limit }'],
  [{ removeOnFail: -2 }, 'jobOptions.removeOnFail must be a whole number, -1 or more', RANGE],
  [{ removeOnFail: { age: 0.5 } }, 'jobOptions.removeOnFail.age must be a whole number, -1 or more', RANGE],
  [{ failParentOnFailure: 'no' }, 'jobOptions.failParentOnFailure must be true or false'],
  [{ parent: 'a' }, 'jobOptions.parent must be { id, queue }'],
  [{ parent: { id: 5, queue: 'bull:orders' } }, `jobOptions.parent.id ${id}`],
  [{ parent: { id: '1', queue: 'orders' } }, `jobOptions.parent.queue ${queue}`],
  [{ parent: { id: '1', queue: ':orders' } }, `jobOptions.parent.queue ${queue}`],
  [{ parent: { id: '1', queue: 'bull:' } }, `jobOptions.parent.queue ${queue}`],
  [{ parent: { ...parent, fpof: true } }, 'unknown option in jobOptions.parent fpof'],
  [{ deduplication: { id: 5 } }, `jobOptions.deduplication.id ${id}`],
  [{ deduplication: { id: '\ud800' } }, `jobOptions.deduplication.id ${id}`],
  [{ deduplication: { id: 'a', ttl: -1 } }, `jobOptions.deduplication.ttl ${time}`, RANGE],
  [{ deduplication: { id: 'a', extend: 1 } }, 'jobOptions.deduplication.extend must be true or false'],
  [{ deduplication: { id: 'a', exend: true } }, 'unknown option in jobOptions.deduplication exend: is extend meant?'],
  [
    { deduplication: null },
    'jobOptions.deduplication must be { id, ttl, extend, replace, keepLastIfActive, reschedule }',
  ],
  [{ telemetry: 'x' }, 'jobOptions.telemetry must be { metadata, omitContext }'],
  [{ telemetry: { metadata: {} } }, 'jobOptions.telemetry.metadata must be a string'],
  [{ telemetry: { omitContext: 1 } }, 'jobOptions.telemetry.omitContext must be true or false'],
  [{ telemetry: { omitContxt: true } }, 'unknown option in jobOptions.telemetry omitContxt: is omitContext meant?'],
  [{ tm: '{}' }, 'unknown option in jobOptions tm'],
  [{ prioritty: 3 }, 'unknown option in jobOptions prioritty: is priority meant?'],
]

test.each(STRICTER)(
  '%j is refused, although BullMQ takes it: %s',
  async (jobOptions, message, code = 'ERR_INVALID_ARG_TYPE') => {
    expect(fault(jobOptions)).toEqual({ code, message })
    for (const major of [5, 6]) expect(await refusal(await bullmq.queue(major), jobOptions)).toBeUndefined()
  },
)

test.each([
  [{ deduplication: { id: 'a', ttl: 0.5 } }, `jobOptions.deduplication.ttl ${time}`, RANGE],
  [{ timestamp: new Date(5) }, `jobOptions.timestamp ${time}`],
  [{ priority: '3' }, 'jobOptions.priority must be a whole number from 0 to 2097151'],
])('%j is refused here, and by BullMQ in Redis', async (jobOptions, message, code = 'ERR_INVALID_ARG_TYPE') => {
  expect(fault(jobOptions)).toEqual({ code, message })
  for (const major of [5, 6]) expect(await refusal(await bullmq.queue(major), jobOptions)).toEqual(expect.any(String))
})

test.each([
  [{ jobId: 'x' }, 'jobOptions.jobId is made as the definition says'],
  [{ repeat: { every: 5 } }, 'jobOptions.repeat is for job schedulers'],
  [{ debounce: { id: 'a' } }, 'jobOptions.debounce is no option of BullMQ 6: it has deduplication'],
  [JSON.parse('{"__proto__":1}'), 'unknown option in jobOptions __proto__'],
])('%j is no option of these jobs: %s', (jobOptions, message) => {
  expect(fault(jobOptions)).toEqual({ code: 'ERR_INVALID_ARG_TYPE', message })
})

test('an instance of a class has options too, and Object.prototype has none', () => {
  class Options {
    get delay() {
      return -1
    }
  }
  expect(fault(new Options()).message).toMatch('jobOptions.delay')
  Object.defineProperty(Object.prototype, 'priority', { value: -1, configurable: true, writable: true })
  Object.defineProperty(Object.prototype, 'jitter', { value: 5, configurable: true, writable: true })
  try {
    expect(fault({ backoff: { type: 'fixed' } })).toBeUndefined()
    expect(fault(Object.create({ delay: 1 }))).toBeUndefined()
  } finally {
    delete Object.prototype.priority
    delete Object.prototype.jitter
  }
})

// Every value is one that BullMQ's types allow, so that its verdict is about the rules alone.
const flag = fc.option(fc.boolean(), { nil: undefined })
const someOptions = fc.record(
  {
    delay: fc.nat(),
    priority: fc.oneof(fc.nat(2_097_152), fc.integer({ min: 2_097_150, max: 2_097_153 }), fc.constant(2.5)),
    lifo: flag,
    timestamp: fc.nat(),
    attempts: fc.nat(),
    backoff: fc.oneof(
      fc.nat(),
      fc.record({ type: fc.constant('fixed'), jitter: fc.constantFrom(-0.1, 0, 0.5, 1, 1.1) }),
    ),
    parent: fc.option(fc.constant(parent), { nil: undefined }),
    deduplication: fc.record(
      {
        id: fc.constantFrom('', 'a'),
        ttl: fc.nat(),
        extend: flag,
        replace: flag,
        keepLastIfActive: flag,
        reschedule: flag,
      },
      { requiredKeys: [] },
    ),
    failParentOnFailure: flag,
    continueParentOnFailure: flag,
    ignoreDependencyOnFailure: flag,
    removeDependencyOnFailure: flag,
  },
  { requiredKeys: [] },
)

test.each([5, 6])('of options of the right types, exactly those are refused that BullMQ %d refuses', async (major) => {
  const bull = await bullmq.queue(major)
  await fc.assert(
    fc.asyncProperty(someOptions, async (jobOptions) => {
      const theirs = await refusal(bull, jobOptions)
      expect({ refused: fault(jobOptions) !== undefined, theirs }).toEqual({ refused: theirs !== undefined, theirs })
    }),
    { numRuns: 300 },
  )
})
