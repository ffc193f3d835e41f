'use strict'
// A pipeline that is not ticket triage, all the way: read, validated, authorised, recorded, enqueued, run by a worker.
const fc = require('fast-check')
const { Pipeline, isEnqueueError } = require('../..')
const { useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const MAJORS = { 5: require('bullmq5'), 6: require('bullmq') }
const database = useDatabase()

const opened = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((it) => it.close()))
})
const open = (it) => {
  opened.push(it)
  return it
}

let last = 0
const newQueue = () => {
  last += 1
  return `orders-${last}`
}

const schema = {
  type: 'object',
  properties: {
    org: { type: 'string' },
    no: { type: 'string', minLength: 1 },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] } },
  },
  required: ['org', 'no', 'lines'],
}
const flat = {
  type: 'object',
  properties: { org: { type: 'string' }, no: { type: 'string' }, note: { type: 'string' } },
}

function make(options) {
  const queueName = newQueue()
  const definition = { queueName, jobName: 'place', schema, jobId: ['org', 'no'], connection: database.url, ...options }
  return { queueName, pipeline: open(new Pipeline(definition)) }
}

const order = (changes) => ({ org: 'acme', no: '1', lines: [{ sku: 'a', more: 1 }], extra: 1, ...changes })

test.each([5, 6])('a worker of BullMQ %d runs what was enqueued, and finds what is declared', async (major) => {
  const { queueName, pipeline } = make({ tenant: 'org', record: ['lines'], jobOptions: { attempts: 2, backoff: 100 } })
  const storage = recorder()
  const { jobId, status } = await pipeline.enqueue(order(), storage, { caller: { org: 'acme' } })
  expect([jobId, status]).toEqual([`${queueName}:acme:1`, 'queued'])
  expect(storage.records).toEqual([{ jobId, lines: [{ sku: 'a' }] }])
  const { connection } = database
  const job = await new Promise((resolve) =>
    open(new MAJORS[major].Worker(queueName, async (it) => resolve(it), { connection })),
  )
  expect(job).toMatchObject({ id: jobId, name: 'place', data: { org: 'acme', no: '1', lines: [{ sku: 'a' }] } })
  expect(job.opts).toMatchObject({ attempts: 2, backoff: { type: 'fixed', delay: 100 }, jobId })
  expect(pipeline.schema['~standard'].validate(job.data)).toEqual({ value: job.data })
})

test('a second call for the same id makes no second job', async () => {
  const { queueName, pipeline } = make()
  await Promise.all([pipeline.enqueue(order(), recorder()), pipeline.enqueue(order({ lines: [] }), recorder())])
  expect(await database.redis.llen(`bull:${queueName}:wait`)).toBe(1)
})

test.each([
  ['JSON', schema],
  ['fields', flat],
])('a caller of another tenant, or of none, is refused (%s)', async (_, of) => {
  const { pipeline } = make({ schema: of, tenant: 'org' })
  for (const caller of [{ org: 'globex' }, {}, null, undefined, { tenantId: 'acme' }, { org: 7 }]) {
    const storage = recorder()
    const error = await rejection(pipeline.enqueue(order(), storage, { caller }))
    expect([error.code, storage.records]).toEqual(['TENANT_MISMATCH', []])
  }
  await pipeline.enqueue(order(), recorder(), { caller: { org: 'acme' } })
  await pipeline.enqueue(order({ org: 'globex' }), recorder())
})

test('a caller is not taken for checked where there is nothing to check', async () => {
  const { pipeline } = make()
  const error = await rejection(pipeline.enqueue(order(), recorder(), { caller: { org: 'acme' } }))
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  expect(error.cause.message).toContain('names no tenant')
  const seen = []
  const authorize = (data, caller) => seen.push(data, caller) === 2
  await pipeline.enqueue(order(), recorder(), { caller: { id: 3 }, authorize })
  expect(seen).toEqual([{ org: 'acme', no: '1', lines: [{ sku: 'a' }] }, { id: 3 }])
})

test('data over the limit of the pipeline is refused before its record', async () => {
  for (const options of [{ maxDataBytes: 40 }, { jobOptions: { sizeLimit: 40 } }, { schema: flat, maxDataBytes: 40 }]) {
    const { pipeline } = make(options)
    const storage = recorder()
    const error = await rejection(pipeline.enqueue(order({ no: 'x'.repeat(40) }), storage))
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
    expect(error.message).toBe('the data is longer than 40 bytes of JSON')
    expect(storage.records).toEqual([])
  }
})

test('what is no JSON is refused, and what an input throws is passed on', async () => {
  const { pipeline } = make()
  for (const input of [undefined, () => {}, Symbol('x'), null, [], 'order', 7]) {
    expect(await rejection(pipeline.enqueue(input, recorder()))).toMatchObject({ code: 'INVALID_INPUT' })
  }
  const failure = new Error('a getter')
  const throwing = {
    get org() {
      throw failure
    },
  }
  expect(await rejection(pipeline.enqueue(throwing, recorder()))).toBe(failure)
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
})

test('an input that JSON cannot hold is invalid, and no stack ends by it', async () => {
  const { pipeline } = make()
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const cyclic = order()
  cyclic.self = cyclic
  for (const [input, code] of [
    [order({ deep }), 'too_big'],
    [cyclic, 'invalid_type'],
    [order({ big: 1n }), 'invalid_type'],
  ]) {
    const error = await rejection(pipeline.enqueue(input, recorder()))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', status: 400, issues: [{ path: [], code }] })
    expect(pipeline.schema['~standard'].validate(input).issues).toMatchObject([{ path: [], code }])
  }
})

test('an id and a tenant are those of what is stored', async () => {
  const either = { anyOf: [{ properties: { t: { const: 'x' } }, required: ['t'] }, { required: ['a'] }] }
  const of = { type: 'object', properties: { a: { type: 'string' } }, ...either }
  const { pipeline } = make({ schema: of, jobId: ['t', 'a'], tenant: 't' })
  const error = await rejection(pipeline.enqueue({ a: '1', t: 'foo' }, recorder(), { caller: { t: 'foo' } }))
  expect(error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ message: 't is required' }] })
})

test('a property that every object has is read where it is the input’s own alone', async () => {
  const of = { type: 'object', properties: { no: { type: 'string' }, constructor: { type: 'string' } } }
  const { pipeline } = make({ schema: of, jobId: ['no'] })
  await pipeline.enqueue({ no: '1' }, recorder())
  expect(await rejection(pipeline.enqueue({ no: '2', constructor: 7 }, recorder()))).toMatchObject({
    code: 'INVALID_INPUT',
  })
})

test('data over the limit is too large with an id by function as well', async () => {
  const { pipeline } = make({ jobId: (data) => data.no, maxDataBytes: 60 })
  const error = await rejection(pipeline.enqueue(order({ no: 'x'.repeat(60) }), recorder()))
  expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
})

test('an input whose getter closes the pipeline is refused', async () => {
  for (const of of [schema, flat]) {
    const { pipeline } = make({ schema: of })
    const input = order()
    Object.defineProperty(input, 'no', { enumerable: true, get: () => pipeline.close() && '1' })
    const storage = recorder()
    expect(await rejection(pipeline.enqueue(input, storage))).toMatchObject({ code: 'CLOSED' })
    expect(storage.records).toEqual([])
  }
})

describe('an id', () => {
  const text = fc.oneof(
    fc.constantFrom(
      '',
      ':',
      'a:b',
      ',',
      'a,b',
      '%',
      '%3A',
      '0',
      '7',
      '-5',
      'wait',
      'meta',
      'de',
      '\ud800',
      '\u0000',
      '日本 😀',
      '"\\',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )
  const queueOf = (major, queueName) => open(new MAJORS[major].Queue(queueName, { connection: database.connection }))

  test.each([
    [1, false],
    [2, false],
    [3, false],
    [1, true],
    [2, true],
    [3, true],
  ])(
    'made of %d fields (encoded: %s) is one that BullMQ takes and finds, and of no other fields',
    async (count, encodeIds) => {
      const names = ['a', 'b', 'c'].slice(0, count)
      const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
      const { queueName, pipeline } = make({ schema: { type: 'object', properties }, jobId: names, encodeIds })
      const [five, six] = [5, 6].map((major) => queueOf(major, queueName))
      const other = [5, 6].map((major) => queueOf(major, `${queueName}-bullmq`))
      const seen = new Map()
      await fc.assert(
        fc.asyncProperty(fc.array(text, { minLength: count, maxLength: count }), async (parts) => {
          const input = Object.fromEntries(names.map((name, at) => [name, parts[at]]))
          const outcome = await pipeline.enqueue(input, recorder()).catch((error) => error)
          if (isEnqueueError(outcome)) {
            expect(outcome.code).toBe('INVALID_INPUT')
            // Encoded, only what is no Unicode makes no id.
            if (encodeIds) expect(parts.every((part) => part.isWellFormed())).toBe(false)
            return
          }
          const { jobId } = outcome
          const known = seen.get(jobId)
          if (known) expect(known).toEqual(parts)
          seen.set(jobId, parts)
          for (const queue of [five, six]) expect((await queue.getJob(jobId)).data).toEqual(input)
          for (const queue of other) expect((await queue.add('x', {}, { jobId })).id).toBe(jobId)
        }),
        { numRuns: 150 },
      )
      expect(seen.size).toBeGreaterThan(10)
    },
  )

  test('made by a function is taken as it is, where BullMQ takes it, and refused where it does not', async () => {
    const { queueName, pipeline } = make({ jobId: (data) => data.no })
    const six = queueOf(6, `${queueName}-bullmq`)
    for (const no of ['a', 'a:b:c', '::', 'é"', 'x'.repeat(512), '0123x', '1:2:3']) {
      expect((await pipeline.enqueue(order({ no }), recorder())).jobId).toBe(no)
      expect((await six.add('x', {}, { jobId: no })).id).toBe(no)
    }
    for (const no of ['7', '-5', '0', '0:a:b', 'a:b', 'a:b:c:d']) {
      const storage = recorder()
      const error = await rejection(pipeline.enqueue(order({ no }), storage))
      expect(error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: [], code: 'custom' }] })
      expect(storage.records).toEqual([])
      await expect(six.add('x', {}, { jobId: no })).rejects.toThrow()
    }
    const long = 'é'.repeat(400_000)
    for (const no of ['wait', 'meta', 'de:a:b', 'dn:a:b', 'x'.repeat(513), 'x'.repeat(5000), long, '\ud800']) {
      expect(await rejection(pipeline.enqueue(order({ no }), recorder()))).toMatchObject({ code: 'INVALID_INPUT' })
    }
  })

  test('made by a function that fails, or makes no text, ends the call', async () => {
    const failure = new Error('no id')
    const throwing = make({
      jobId() {
        throw failure
      },
    })
    expect(await rejection(throwing.pipeline.enqueue(order(), recorder()))).toBe(failure)
    const { pipeline } = make({ jobId: () => 7 })
    const error = await rejection(pipeline.enqueue(order(), recorder()))
    expect(error.cause.message).toBe('the function jobId must return a string')
    expect(pipeline.stats().inFlight).toBe(0)
  })
})

describe('the options of its jobs are stored as BullMQ stores them', () => {
  const OPTIONS = {
    none: undefined,
    attempts: { attempts: 5 },
    'a backoff in ms': { backoff: 1500 },
    'a backoff of 0': { backoff: 0 },
    'an exponential backoff with jitter': { backoff: { type: 'exponential', delay: 10, jitter: 0.5 } },
    'a backoff of the worker': { backoff: { type: 'mine' } },
    'removal at once': { removeOnComplete: true, removeOnFail: false },
    'removal by count': { removeOnComplete: 10, removeOnFail: 0 },
    'removal by age': { removeOnComplete: { age: 60, count: 5, limit: 2 }, removeOnFail: { age: 1 } },
    logs: { keepLogs: 3, stackTraceLimit: 0, sizeLimit: 10_000 },
  }

  test.each(Object.entries(OPTIONS))('%s', async (_, jobOptions) => {
    const { queueName, pipeline } = make({ schema: flat, jobOptions })
    const data = { org: 'acme', no: '1' }
    const { jobId } = await pipeline.enqueue(data, recorder())
    const ours = await database.redis.hgetall(`bull:${queueName}:${jobId}`)
    for (const major of [5, 6]) {
      const name = `${queueName}-${major}`
      const queue = open(new MAJORS[major].Queue(name, { connection: database.connection }))
      await queue.add('place', data, { ...jobOptions, jobId })
      const theirs = await database.redis.hgetall(`bull:${name}:${jobId}`)
      const plain = ({ opts, timestamp, ...rest }) => ({ ...rest, opts: JSON.parse(opts) })
      expect(plain(ours)).toEqual(plain(theirs))
    }
  })
})
