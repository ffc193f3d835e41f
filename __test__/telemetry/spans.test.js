'use strict'
// BullMQ's option `telemetry`, with BullMQ's own adapter to OpenTelemetry: the spans, and what jobs have of them, are those
// that BullMQ itself makes.
const { once } = require('node:events')
const { Pipeline } = require('../..')
const { idsOf, traceparentOf, useOtel } = require('../support/otel.js')
const { useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const otel = useOtel()
const MAJORS = { 5: require('bullmq5'), 6: require('bullmq') }

const opened = []
afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
function open(it) {
  it.on?.('error', () => {})
  opened.push(it)
  return it
}

const schema = {
  type: 'object',
  properties: { org: { type: 'string' }, no: { type: 'string' } },
  required: ['org', 'no'],
}
const order = (no) => ({ org: 'acme', no: String(no) })

let last = 0
function make(options) {
  last += 1
  const queueName = `spans-${last}`
  const definition = { queueName, jobName: 'place', schema, jobId: ['org', 'no'], connection: database.url }
  const pipeline = open(new Pipeline({ ...definition, telemetry: otel.telemetry, ...options }))
  const optionsOf = async (no) => JSON.parse(await database.redis.hget(`bull:${queueName}:${idOf(no)}`, 'opts'))
  const idOf = (no) => `${queueName}:acme:${no}`
  return { queueName, pipeline, idOf, optionsOf }
}

/** The same queue by BullMQ itself, before any queue has closed, which it makes a span of as well. */
const queueOf = (major, queueName, options) =>
  open(
    new MAJORS[major].Queue(queueName, {
      connection: database.connection,
      prefix: `referee${major}`,
      telemetry: otel.telemetry,
      ...options,
    }),
  )

const shown = ({ name, kind, attributes }) => ({ name, kind, attributes })

describe.each([5, 6])('beside BullMQ %d', (major) => {
  test('a call is the span that queue.add is, with what we say beside it', async () => {
    const { queueName, pipeline, idOf } = make()
    const jobId = idOf(1)
    const request = await otel.within('request', async () => {
      await queueOf(major, queueName).add('place', order(1), { jobId })
      await pipeline.enqueue(order(1), recorder())
    })
    const [theirs, ours] = otel.spans(`add ${queueName}.place`)
    expect(shown(ours)).toEqual({
      ...shown(theirs),
      attributes: { ...theirs.attributes, 'enqueue_boundary.outcome': 'created' },
    })
    expect(theirs.attributes).toMatchObject({ 'bullmq.job.id': jobId })
    expect([idsOf(theirs), idsOf(ours)]).toMatchObject(
      Array(2).fill({ traceId: request.traceId, parentId: request.spanId }),
    )
    expect(ours.status).toEqual(theirs.status)
    expect(ours.events).toEqual(theirs.events)
  })

  test('the span of its Worker is a child of that of the call', async () => {
    const { queueName, pipeline, optionsOf } = make()
    const request = await otel.within('request', () => pipeline.enqueue(order(1), recorder()))
    const [ours] = otel.spans(`add ${queueName}.place`)
    expect((await optionsOf(1)).tm).toBe(JSON.stringify({ traceparent: traceparentOf(idsOf(ours)) }))
    const { connection } = database
    const worker = open(new MAJORS[major].Worker(queueName, async () => {}, { connection, telemetry: otel.telemetry }))
    await once(worker, 'completed')
    await worker.close()
    const [theirs] = otel.spans(`process ${queueName}`)
    expect(idsOf(theirs)).toMatchObject({ traceId: request.traceId, parentId: idsOf(ours).spanId })
  })

  test('many calls are the span that queue.addBulk is, which all their jobs point to', async () => {
    const { queueName, pipeline, idOf, optionsOf } = make()
    const numbers = [1, 2, 3]
    const jobs = numbers.map((no) => ({ name: 'place', data: order(no), opts: { jobId: idOf(no) } }))
    const request = await otel.within('request', async () => {
      await queueOf(major, queueName).addBulk(jobs)
      await pipeline.enqueueMany(numbers.map(order), recorder())
    })
    const [theirs, ours] = otel.spans(`addBulk ${queueName}`)
    const counts = { created: 3, existing: 0, deduplicated: 0, rejected: 0 }
    const told = Object.fromEntries(Object.entries(counts).map(([k, n]) => [`enqueue_boundary.outcome.${k}`, n]))
    expect(shown(ours)).toEqual({ ...shown(theirs), attributes: { ...theirs.attributes, ...told } })
    expect(idsOf(ours)).toMatchObject({ traceId: request.traceId, parentId: request.spanId })
    expect(otel.spans(`add ${queueName}.place`)).toEqual([])
    const tm = JSON.stringify({ traceparent: traceparentOf(idsOf(ours)) })
    for (const no of numbers) expect(await optionsOf(no)).toMatchObject({ tm })
  })

  const GIVEN = [
    undefined,
    {},
    { metadata: '{"traceparent":"a"}' },
    { metadata: '"' },
    { omitContext: true },
    { omitContext: false },
    { metadata: '{"traceparent":"a"}', omitContext: false },
    { metadata: '{"traceparent":"a"}', omitContext: true },
  ]
  const CASES = GIVEN.flatMap((given) =>
    ['add', 'addBulk'].flatMap((operation) => [true, false].map((traced) => [given, operation, traced])),
  )
  test.each(CASES)(
    'options with telemetry %j are stored as by %s, telemetry there: %j',
    async (given, operation, traced) => {
      const telemetry = traced ? otel.telemetry : undefined
      const { queueName, pipeline, idOf, optionsOf } = make({ telemetry })
      const queue = queueOf(major, queueName, { telemetry })
      const jobOptions = { attempts: 2, ...(given && { telemetry: given }) }
      const opts = { ...jobOptions, jobId: idOf(1) }
      if (operation === 'add') {
        await queue.add('place', order(1), opts)
        await pipeline.enqueue(order(1), recorder(), { jobOptions })
      } else {
        await queue.addBulk([{ name: 'place', data: order(1), opts }])
        await pipeline.enqueueMany([order(1)], recorder(), { jobOptions })
      }
      const theirs = JSON.parse(await database.redis.hget(`referee${major}:${queueName}:${idOf(1)}`, 'opts'))
      const [first, second] = otel.spans().filter(({ name }) => name.startsWith('add'))
      // Each has its own span.
      if (traced && theirs.tm) theirs.tm = theirs.tm.replace(idsOf(first).spanId, idsOf(second).spanId)
      if (traced && theirs.tm) theirs.tm = theirs.tm.replace(idsOf(first).traceId, idsOf(second).traceId)
      // What BullMQ's addBulk leaves where the context is omitted: a worker takes it for none.
      if (theirs.tm === false) delete theirs.tm
      expect(await optionsOf(1)).toEqual(theirs)
    },
  )
})

test('a pipeline whose options omit the context has its jobs begin traces of their own', async () => {
  for (const jobOptions of [{ telemetry: { omitContext: true } }, () => ({ telemetry: { omitContext: true } })]) {
    const { queueName, pipeline, optionsOf } = make({ jobOptions })
    await pipeline.enqueue(order(1), recorder())
    await pipeline.enqueueMany([order(2)], recorder())
    for (const no of [1, 2]) {
      const options = await optionsOf(no)
      expect(options).toMatchObject({ omc: true })
      expect(options).not.toHaveProperty('tm')
    }
    // There are spans all the same.
    expect(otel.spans(`add ${queueName}.place`)).toHaveLength(1)
  }
})

describe('the span is current in the code of the caller, for its own spans to be children', () => {
  const mark = (name) => otel.tracer.startSpan(name).end()
  const seen = (parent, names) => {
    const { spanId } = idsOf(otel.spans(parent)[0])
    expect(names.map((name) => [name, otel.spans(name).map((span) => idsOf(span).parentId)])).toEqual(
      names.map((name) => [name, [spanId]]),
    )
  }
  const standard = {
    '~standard': {
      version: 1,
      vendor: 'test',
      async validate(value) {
        mark('validate')
        await null
        mark('validate later')
        return { value }
      },
    },
  }
  const authorize = async () => {
    mark('authorize')
    await null
    mark('authorize later')
    return true
  }
  const names = ['validate', 'validate later', 'authorize', 'authorize later', 'jobOptions', 'insert', 'commit']
  const definition = {
    schema: standard,
    jobOptions() {
      mark('jobOptions')
      return {}
    },
  }

  test('of a call', async () => {
    const { queueName, pipeline } = make(definition)
    const createPending = async () => {
      mark('insert')
      await null
      mark('commit')
    }
    await pipeline.enqueue(order(1), { createPending }, { authorize })
    seen(`add ${queueName}.place`, names)
    // What comes after the call is not in it.
    mark('after')
    expect(idsOf(otel.spans('after')[0]).parentId).toBeUndefined()
  })

  test('of a call whose schema is judged natively and that nobody authorises', async () => {
    const { queueName, pipeline } = make()
    await pipeline.enqueue(order(1), { createPending: () => mark('insert') })
    seen(`add ${queueName}.place`, ['insert'])
  })

  test.each(['createPendingMany', 'createPending'])('of many, by %s', async (method) => {
    const { queueName, pipeline } = make(definition)
    const insert = async () => {
      mark('insert')
      await null
      mark('commit')
    }
    await pipeline.enqueueMany([order(1)], { [method]: insert }, { authorize })
    seen(`addBulk ${queueName}`, names)
  })
})

describe('a job that is there already', () => {
  test('is told as it is to the caller', async () => {
    const { queueName, pipeline } = make()
    await pipeline.enqueue(order(1), recorder())
    await pipeline.enqueue(order(1), recorder())
    const [, span] = otel.spans(`add ${queueName}.place`)
    expect(span.attributes).toMatchObject({
      'enqueue_boundary.outcome': 'existing',
      'enqueue_boundary.existing.state': 'waiting',
      'enqueue_boundary.existing.same_data': true,
    })
    expect(span.events).toEqual([])
  })

  test('keeps the span that it was made in', async () => {
    const { pipeline, optionsOf } = make()
    await pipeline.enqueue(order(1), recorder())
    const before = await optionsOf(1)
    await pipeline.enqueue(order(1), recorder())
    expect(await optionsOf(1)).toEqual(before)
  })

  test('stands for another by deduplication, and is named', async () => {
    const { queueName, pipeline, idOf } = make({ jobOptions: { deduplication: { id: 'one' } } })
    await pipeline.enqueue(order(1), recorder())
    await pipeline.enqueue(order(2), recorder())
    const [, span] = otel.spans(`add ${queueName}.place`)
    expect(span.attributes).toMatchObject({
      'bullmq.job.id': idOf(2),
      'enqueue_boundary.outcome': 'deduplicated',
      'enqueue_boundary.existing.job.id': idOf(1),
      'enqueue_boundary.existing.state': 'waiting',
    })
  })
})

describe('a call that fails ends its span, with what went wrong and where', () => {
  class RowError extends Error {
    name = 'RowError'
  }
  const fails = (createPending) => ({ createPending })
  const never = fails(() => new Promise(() => {}))
  const CASES = [
    ['an input', 'validate', 'INVALID_INPUT', (pipeline) => pipeline.enqueue({}, recorder())],
    ['a storage that is none', 'validate', 'ERR_INVALID_ARG_TYPE', (pipeline) => pipeline.enqueue(order(1), null)],
    [
      'a getter',
      'validate',
      'RangeError',
      (pipeline) =>
        pipeline.enqueue(
          {
            get org() {
              throw new RangeError('no')
            },
          },
          recorder(),
        ),
    ],
    [
      'another tenant',
      'validate',
      'TENANT_MISMATCH',
      (pipeline) => pipeline.enqueue(order(1), recorder(), { caller: { org: 'globex' } }),
    ],
    [
      'who may not',
      'authorise',
      'FORBIDDEN',
      (pipeline) => pipeline.enqueue(order(1), recorder(), { authorize: () => false }),
    ],
    [
      'an authority that hangs',
      'authorise',
      'AUTHORIZE_TIMEOUT',
      (pipeline) => pipeline.enqueue(order(1), recorder(), { authorize: () => new Promise(() => {}), timeoutMs: 1 }),
    ],
    [
      'a storage that throws',
      'record',
      'RowError',
      (pipeline) =>
        pipeline.enqueue(
          order(1),
          fails(() => {
            throw new RowError('23505')
          }),
        ),
    ],
    [
      'a storage that rejects with no error',
      'record',
      '_OTHER',
      (pipeline) =>
        pipeline.enqueue(
          order(1),
          fails(() => Promise.reject('no')),
        ),
    ],
    [
      'a storage that hangs',
      'record',
      'STORAGE_TIMEOUT',
      (pipeline) => pipeline.enqueue(order(1), never, { timeoutMs: 1 }),
    ],
    [
      'a parent that is not there',
      'enqueue',
      'MISSING_PARENT',
      (pipeline) => pipeline.enqueue(order(1), recorder(), { jobOptions: { parent: { id: 'x', queue: 'bull:x' } } }),
    ],
    [
      'other data',
      'enqueue',
      'ID_CONFLICT',
      async (pipeline) => {
        await pipeline.enqueue({ ...order(1), note: 'a' }, recorder())
        return pipeline.enqueue({ ...order(1), note: 'b' }, recorder())
      },
    ],
    [
      'a pipeline that is closed',
      'validate',
      'CLOSED',
      async (pipeline) => {
        await pipeline.close()
        return pipeline.enqueue(order(1), recorder())
      },
    ],
  ]

  test.each(CASES)('%s: in %s, %s', async (_, step, type, fail) => {
    const noted = { ...schema, properties: { ...schema.properties, note: { type: 'string' } } }
    const { queueName, pipeline } = make({ schema: noted, tenant: 'org', onConflict: 'reject' })
    const reason = await rejection(fail(pipeline))
    const span = otel.spans(`add ${queueName}.place`).at(-1)
    expect(span.ended).toBe(true)
    expect(span.attributes).toMatchObject({
      'bullmq.queue.name': queueName,
      'enqueue_boundary.outcome': 'rejected',
      'enqueue_boundary.step': step,
      'error.type': type,
    })
    // What has no id yet has none, and not an empty one.
    expect(span.attributes['bullmq.job.id']).not.toBe('')
    const [exception] = span.events
    expect(exception).toMatchObject({
      name: 'exception',
      attributes: { 'exception.message': reason.message ?? reason },
    })
  })

  test('as BullMQ records the error of an add', async () => {
    const { queueName, pipeline } = make()
    const jobOptions = { parent: { id: 'x', queue: 'bull:x' } }
    const theirs = await rejection(queueOf(6, queueName).add('place', order(1), { ...jobOptions, jobId: 'a' }))
    await rejection(pipeline.enqueue(order(1), recorder(), { jobOptions }))
    const [first, second] = otel.spans(`add ${queueName}.place`)
    expect(first.events.map(({ name }) => name)).toEqual(['exception'])
    expect(second.events.map(({ name }) => name)).toEqual(['exception'])
    expect(first.events[0].attributes['exception.message']).toBe(theirs.message)
    expect(second.attributes).toMatchObject(
      Object.fromEntries(Object.entries(first.attributes).filter(([name]) => name.startsWith('bullmq.queue'))),
    )
  })

  test('a Redis that is away, and the id of the job is told', async () => {
    const { queueName, pipeline, idOf } = make({ connection: 'redis://127.0.0.1:1' })
    await rejection(pipeline.enqueue(order(1), recorder()))
    const [span] = otel.spans(`add ${queueName}.place`)
    expect(span.attributes).toMatchObject({ 'error.type': 'QUEUE_UNAVAILABLE', 'bullmq.job.id': idOf(1) })
  })

  test('many: each refusal is counted, and the bulk itself fails only where it rejects', async () => {
    const { queueName, pipeline } = make()
    await pipeline.enqueueMany([order(1), {}, order(1)], recorder())
    async function* inputs() {
      yield order(2)
      throw new RowError('cursor')
    }
    await rejection(pipeline.enqueueMany(inputs(), recorder()))
    const [whole, broken] = otel.spans(`addBulk ${queueName}`)
    expect(whole.attributes).toMatchObject({
      'bullmq.job.bulk.count': 3,
      'enqueue_boundary.outcome.created': 1,
      'enqueue_boundary.outcome.existing': 1,
      'enqueue_boundary.outcome.rejected': 1,
    })
    expect(whole.events).toEqual([])
    expect(broken.attributes).toMatchObject({ 'bullmq.job.bulk.count': 1, 'error.type': 'RowError' })
    expect(broken.events.map(({ name }) => name)).toEqual(['exception'])
  })
})

test('a tracer whose spans have a status gets one', async () => {
  const statuses = []
  const tracer = {
    startSpan(...args) {
      const span = otel.telemetry.tracer.startSpan(...args)
      return Object.assign(Object.create(span), { setStatus: (status) => statuses.push(status) })
    },
  }
  const { pipeline } = make({ telemetry: { ...otel.telemetry, tracer } })
  await rejection(pipeline.enqueue({}, recorder()))
  await pipeline.enqueue(order(1), recorder())
  expect(statuses).toEqual([{ code: 2, message: 'INVALID_INPUT' }])
})
