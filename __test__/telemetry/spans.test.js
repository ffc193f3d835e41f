'use strict'
// BullMQ's option `telemetry`, with BullMQ's own adapter to OpenTelemetry: the spans, and what jobs have of them, are those
// that BullMQ itself makes.
const { once } = require('node:events')
const { idsOf, traceparentOf } = require('../support/otel.js')
const { MAJORS, order, useSpans } = require('../support/spans.js')
const { recorder } = require('../support/tickets.js')

const { database, otel, open, make, queueOf } = useSpans()

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
