'use strict'
// How many calls came to what: in `stats()`, and as metrics where the telemetry has a meter.
const { Pipeline } = require('../..')
const { useOtel } = require('../support/otel.js')
const { useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const otel = useOtel()

const opened = []
afterEach(() => Promise.all(opened.splice(0).map((pipeline) => pipeline.close())))

const schema = {
  type: 'object',
  properties: { org: { type: 'string' }, no: { type: 'string' }, note: { type: 'string' } },
  required: ['org', 'no'],
}
const order = (no, note = '') => ({ org: 'acme', no: String(no), note })

let last = 0
function make(options) {
  last += 1
  const queueName = `outcomes-${last}`
  const definition = { queueName, jobName: 'place', schema, jobId: ['org', 'no'], tenant: 'org' }
  const pipeline = new Pipeline({ ...definition, connection: database.url, ...options })
  opened.push(pipeline)
  return { queueName, pipeline }
}

const fails = { createPending: () => Promise.reject(new RangeError('no row')) }
const never = () => new Promise(() => {})
/** Long enough for a busy machine to get to what hangs. */
const LONG = 1000

/** One call for each way in which calls end, and how many come to what. */
async function callEachWay(pipeline) {
  const storage = recorder()
  await pipeline.enqueue(order(1), storage)
  await pipeline.enqueue(order(1), storage)
  await pipeline.enqueue(order(2), storage, { jobOptions: { deduplication: { id: 'a' } } })
  await pipeline.enqueue(order(3), storage, { jobOptions: { deduplication: { id: 'a' } } })
  const refused = [
    pipeline.enqueue(order(1, 'other'), storage),
    pipeline.enqueue({}, storage),
    pipeline.enqueue(null, storage),
    pipeline.enqueue(order(4), null),
    pipeline.enqueue(order(4), storage, { caller: { org: 'globex' } }),
    pipeline.enqueue(order(4), storage, { authorize: () => false }),
    pipeline.enqueue(order(4), storage, { authorize: never, timeoutMs: LONG }),
    pipeline.enqueue(order(4), { createPending: never }, { timeoutMs: LONG }),
    pipeline.enqueue(order(4), storage, { jobOptions: { delay: -1 } }),
    pipeline.enqueue(order(4), storage, { jobOptions: { parent: { id: 'x', queue: 'bull:x' } } }),
    pipeline.enqueue(order(4, 'x'.repeat(2000)), storage),
    pipeline.enqueue(order(4), fails),
  ]
  await Promise.all(refused.map(rejection))
  const closed = await pipeline.enqueueMany([order(5), order(5), {}], storage)
  expect(closed.map(({ status }) => status)).toEqual(['queued', 'queued', 'rejected'])
  await pipeline.close()
  await rejection(pipeline.enqueue(order(6), storage))
}
const OUTCOMES = {
  created: 3,
  existing: 2,
  deduplicated: 1,
  rejected: {
    AUTHORIZE_TIMEOUT: 1,
    CLOSED: 1,
    ERR_INVALID_ARG_TYPE: 1,
    ERR_OUT_OF_RANGE: 1,
    FORBIDDEN: 1,
    ID_CONFLICT: 1,
    INVALID_INPUT: 3,
    MISSING_PARENT: 1,
    OTHER: 1,
    PAYLOAD_TOO_LARGE: 1,
    STORAGE_TIMEOUT: 1,
    TENANT_MISMATCH: 1,
  },
}
const OPTIONS = { onConflict: 'reject', maxDataBytes: 1000 }

test.each([
  ['a schema that is judged natively', {}],
  [
    'a schema that is judged by a library',
    {
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) => (value?.org ? { value } : { issues: [{ message: 'no' }] }),
        },
      },
    },
  ],
  [
    'a schema that is judged later',
    {
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: async (value) => (value?.org ? { value } : { issues: [{ message: 'no' }] }),
        },
      },
    },
  ],
])('stats count what calls came to, with %s', async (_, options) => {
  const { pipeline } = make({ ...OPTIONS, ...options })
  await callEachWay(pipeline)
  expect(pipeline.stats().outcomes).toEqual(OUTCOMES)
})

test('a code is any that an EnqueueError has, also one of another pipeline', async () => {
  const { pipeline } = make()
  const other = make({ connection: 'redis://127.0.0.1:1' })
  const createPending = () => other.pipeline.enqueue(order(1), recorder(), { timeoutMs: 10 })
  await rejection(pipeline.enqueue(order(1), { createPending }))
  const strange = [
    new Proxy(
      {},
      {
        get() {
          throw new Error('no')
        },
        has: () => true,
      },
    ),
    { [Symbol.for('enqueue-boundary.EnqueueError')]: true, code: '__proto__' },
    {
      [Symbol.for('enqueue-boundary.EnqueueError')]: true,
      reads: 0,
      get code() {
        this.reads += 1
        return this.reads === 1 ? ['CLOSED'] : 'another each time'
      },
    },
    undefined,
  ]
  for (const reason of strange) {
    await pipeline.enqueue(order(1), { createPending: () => Promise.reject(reason) }).catch(() => {})
  }
  const [code] = Object.keys(other.pipeline.stats().outcomes.rejected)
  expect(pipeline.stats().outcomes.rejected).toEqual({ [code]: 1, OTHER: strange.length })
})

test('a question about jobs is no call, whether it is answered or not', async () => {
  const { pipeline } = make()
  await pipeline.states(['a'])
  pipeline.reconnect('redis://127.0.0.1:1')
  await rejection(pipeline.states(['a'], { timeoutMs: 10 }))
  await pipeline.close()
  await rejection(pipeline.states(['a']))
  expect(pipeline.stats().outcomes).toEqual({ created: 0, existing: 0, deduplicated: 0, rejected: {} })
})

test('what was counted is not counted down, and is nobody else’s to change', async () => {
  const { pipeline } = make()
  await pipeline.enqueue(order(1), recorder())
  await rejection(pipeline.enqueue({}, recorder()))
  const before = pipeline.stats().outcomes
  before.created = 9
  before.rejected.INVALID_INPUT = 9
  pipeline.reconnect(database.url)
  await rejection(pipeline.enqueue({}, recorder()))
  expect(pipeline.stats().outcomes).toMatchObject({ created: 1, rejected: { INVALID_INPUT: 2 } })
})

test('an input of many whose getter throws is counted as any other', async () => {
  const { pipeline } = make()
  const input = {
    get org() {
      throw new Error('no')
    },
  }
  const [{ status }] = await pipeline.enqueueMany([input], recorder())
  expect(status).toBe('rejected')
  expect(pipeline.stats().outcomes.rejected).toEqual({ OTHER: 1 })
})

test('what a sweep enqueues is counted, and each record that it cannot', async () => {
  const { pipeline, queueName } = make()
  const record = (no, input = order(no)) => ({ jobId: `${queueName}:acme:${no}`, input })
  const throws = {
    get org() {
      throw new Error('no')
    },
  }
  await pipeline.enqueue(order(1), recorder())
  const records = [record(1), record(2), record(3, {}), record(4, order(5)), record(6, throws)]
  expect(await pipeline.sweep({ pending: () => records })).toMatchObject({ created: 1, existing: 1, rejected: 3 })
  const rejected = { INVALID_INPUT: 1, ERR_INVALID_ARG_TYPE: 1, OTHER: 1 }
  expect(pipeline.stats().outcomes).toEqual({ created: 2, existing: 0, deduplicated: 0, rejected })
})

test('an input of many that waits for room is counted once, when it has come to something', async () => {
  const { pipeline } = make({ maxInFlight: 8 })
  let open
  const opened = new Promise((resolve) => {
    open = resolve
  })
  const held = Array.from({ length: 8 }, (_, no) => pipeline.enqueue(order(no), { createPending: () => opened }))
  expect(await rejection(pipeline.enqueue(order(9), recorder()))).toMatchObject({ code: 'OVERLOADED' })
  const many = pipeline.enqueueMany([order(10), order(11)], recorder())
  await new Promise(setImmediate)
  open()
  await Promise.all([many, ...held])
  expect(pipeline.stats().outcomes).toMatchObject({ created: 10, rejected: { OVERLOADED: 1 } })
})

test('nor is one that was read before there was no room', async () => {
  let open
  const opened = new Promise((resolve) => {
    open = resolve
  })
  const held = []
  const validate = (value) => {
    // Others come in just then, as many as fit.
    while (value.no === 'last' && held.length < 8) {
      held.push(pipeline.enqueue(order(held.length), { createPending: () => opened }))
    }
    return { value }
  }
  const { pipeline } = make({ maxInFlight: 8, schema: { '~standard': { version: 1, vendor: 'test', validate } } })
  const many = pipeline.enqueueMany([order('last')], recorder())
  await new Promise(setImmediate)
  open()
  await Promise.all([many, ...held])
  expect(held).toHaveLength(8)
  expect(pipeline.stats().outcomes).toEqual({ created: 9, existing: 0, deduplicated: 0, rejected: {} })
})

test('a meter has the time of each call and how many there were, by what they came to', async () => {
  const { queueName, pipeline } = make({ ...OPTIONS, telemetry: otel.telemetry })
  await callEachWay(pipeline)
  const points = await otel.points(queueName)
  const key = ({ attributes }) =>
    [
      attributes['bullmq.queue.operation'],
      attributes['enqueue_boundary.outcome'],
      attributes['error.type'],
      attributes['bullmq.job.name'],
    ].join(' ')
  const of = (name) => points.filter((point) => point.name === name)
  const counted = {
    'add created  place': 2,
    'add existing  place': 1,
    'add deduplicated  place': 1,
    'addBulk created  place': 1,
    'addBulk existing  place': 1,
    'addBulk rejected INVALID_INPUT place': 1,
  }
  for (const [code, count] of Object.entries(OUTCOMES.rejected)) {
    const type = code === 'OTHER' ? 'RangeError' : code
    counted[`add rejected ${type} place`] = code === 'INVALID_INPUT' ? count - 1 : count
  }
  const calls = of('enqueue_boundary.enqueue.calls')
  expect(Object.fromEntries(calls.map((point) => [key(point), point.value]))).toEqual(counted)
  const durations = of('enqueue_boundary.enqueue.duration')
  expect(Object.fromEntries(durations.map((point) => [key(point), point.value.count]))).toEqual(counted)
  for (const { unit, value } of durations) {
    expect(unit).toBe('s')
    expect(value.sum).toBeGreaterThan(0)
    // Room below a millisecond, which is where most are.
    expect(value.buckets.boundaries[0]).toBe(0.0001)
  }
})

test('how long a call took is from when it is made to when it is settled', async () => {
  const { queueName, pipeline } = make({ telemetry: otel.telemetry })
  const late = 0.2
  const began = performance.now()
  const createPending = () => new Promise((resolve) => setTimeout(resolve, 1000 * late))
  await pipeline.enqueue(order(1), { createPending })
  await pipeline.enqueueMany([order(2)], { createPending })
  const durations = (await otel.points(queueName)).filter(({ name }) => name.endsWith('duration'))
  const most = (performance.now() - began) / 1000
  expect(durations).toHaveLength(2)
  // A timer may be a millisecond early.
  for (const { value } of durations) {
    expect(value.min).toBeGreaterThan(late - 0.002)
    expect(value.max).toBeLessThanOrEqual(most)
  }
})

test('a telemetry without a meter measures nothing', async () => {
  const { tracer, contextManager } = otel.telemetry
  const { queueName, pipeline } = make({ telemetry: { tracer, contextManager } })
  await pipeline.enqueue(order(1), recorder())
  expect(await otel.points(queueName)).toEqual([])
  expect(otel.spans(`add ${queueName}.place`)).toHaveLength(1)
})
