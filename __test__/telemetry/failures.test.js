'use strict'
// How the span of a call that fails ends: with what went wrong, and in which step.
const { order, schema, useSpans } = require('../support/spans.js')
const { recorder, rejection } = require('../support/tickets.js')

const { otel, make, queueOf } = useSpans()

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

test.each(CASES)('%s ends it in %s, with %s', async (_, step, type, fail) => {
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

test('it has the error as BullMQ records that of an add', async () => {
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

test('a Redis that is away ends it, and the id of the job is told', async () => {
  const { queueName, pipeline, idOf } = make({ connection: 'redis://127.0.0.1:1' })
  await rejection(pipeline.enqueue(order(1), recorder()))
  const [span] = otel.spans(`add ${queueName}.place`)
  expect(span.attributes).toMatchObject({ 'error.type': 'QUEUE_UNAVAILABLE', 'bullmq.job.id': idOf(1) })
})

test('of many: each refusal is counted, and the bulk itself fails only where it rejects', async () => {
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
