'use strict'
// The tracing channels `enqueue-boundary:enqueue` and `enqueue-boundary:enqueueMany` of node:diagnostics_channel.
const { AsyncLocalStorage } = require('node:async_hooks')
const diagnostics = require('node:diagnostics_channel')
const { enqueueTicketTriage, Pipeline } = require('../..')
const { runChild } = require('../support/child.js')
const { useOtel } = require('../support/otel.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, newTicket, recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const otel = useOtel()
const one = diagnostics.tracingChannel('enqueue-boundary:enqueue')
const many = diagnostics.tracingChannel('enqueue-boundary:enqueueMany')

const undo = []
afterEach(() => Promise.all(undo.splice(0).map((it) => it())))

let last = 0
function make(options) {
  last += 1
  const queueName = `channel-${last}`
  const schema = { type: 'object', properties: { no: { type: 'string' } }, required: ['no'] }
  const definition = { queueName, jobName: 'place', schema, jobId: ['no'], connection: database.url }
  const pipeline = new Pipeline({ ...definition, ...options })
  undo.push(() => pipeline.close())
  return { pipeline, queueName }
}
const order = (no) => ({ no: String(no) })

const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

/** Everything that is published from here on: what of the channel, and a context as it was then. */
function listen(channel, note = () => {}) {
  const heard = []
  const subscribers = {}
  for (const part of PARTS) {
    subscribers[part] = (context) => {
      heard.push({ part, context, ...context, steps: context.steps?.map(({ name }) => name), noted: note() })
    }
  }
  channel.subscribe(subscribers)
  undo.push(() => channel.unsubscribe(subscribers))
  return heard
}

const partsOf = (heard) => heard.map(({ part }) => part)

test('a call is published from its start to its end, with its steps', async () => {
  const { pipeline, queueName } = make()
  const heard = listen(one)
  const result = await pipeline.enqueue(order(1), recorder(), { authorize: async () => true })
  expect(partsOf(heard)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  const [start, end, , asyncEnd] = heard
  expect(start).toMatchObject({ queueName, jobName: 'place', steps: ['validate'] })
  expect(start.jobId).toBeUndefined()
  expect(end.steps).toEqual(['validate', 'authorise'])
  expect(asyncEnd).toMatchObject({
    jobId: `${queueName}-1`,
    outcome: 'created',
    steps: ['validate', 'authorise', 'record', 'enqueue', 'settle'],
    result,
  })
  expect(asyncEnd.error).toBeUndefined()
  const { context } = asyncEnd
  expect(heard.every((it) => it.context === context)).toBe(true)
  const times = context.steps.map(({ at }) => at)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(times.at(-1)).toBeLessThanOrEqual(performance.now())
})

test('nothing of an input is published but the id', async () => {
  const { pipeline } = make()
  const heard = listen(one)
  await pipeline.enqueue({ no: '1', secret: 'hunter2' }, recorder(), { authorize: () => true })
  expect(JSON.stringify(heard)).not.toMatch('hunter2')
})

test('a job that is there already is told, also to whom the caller is told less', async () => {
  const ticket = newTicket()
  const heard = listen(one)
  await enqueueTicketTriage(ticket, recorder())
  await enqueueTicketTriage(ticket, recorder())
  const [first, second] = heard.filter(({ part }) => part === 'asyncEnd')
  expect(first).toMatchObject({ queueName: 'ticket-triage', jobName: 'triage', outcome: 'created' })
  expect(second).toMatchObject({
    jobId: jobId(ticket),
    outcome: 'existing',
    existing: { state: 'waiting', sameData: true },
    result: { jobId: jobId(ticket), status: 'queued' },
  })
})

const fails = { createPending: () => Promise.reject(new Error('no row')) }
test.each([
  ['in validate', (pipeline) => pipeline.enqueue({}, recorder()), ['validate', 'settle']],
  ['before that', (pipeline) => pipeline.enqueue(order(1), null), ['validate', 'settle']],
  [
    'in authorise',
    (pipeline) => pipeline.enqueue(order(1), recorder(), { authorize: () => false }),
    ['validate', 'authorise', 'settle'],
  ],
  ['in record', (pipeline) => pipeline.enqueue(order(1), fails), ['validate', 'record', 'settle']],
  [
    'in enqueue',
    (pipeline) => pipeline.enqueue(order(1), recorder(), { jobOptions: { parent: { id: 'x', queue: 'bull:x' } } }),
    ['validate', 'record', 'enqueue', 'settle'],
  ],
])('an error %s is published, once', async (_, call, steps) => {
  const { pipeline } = make()
  const heard = listen(one)
  const error = await rejection(call(pipeline))
  expect(partsOf(heard)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(heard.at(-1)).toMatchObject({ outcome: 'rejected', steps })
  expect(heard.at(-1).error).toBe(error)
})

test('whoever listens to one part alone hears it', async () => {
  const { pipeline } = make()
  for (const part of PARTS) {
    const heard = []
    const subscriber = ({ outcome }) => heard.push(outcome)
    one[part].subscribe(subscriber)
    await pipeline.enqueue(order(1), recorder())
    await rejection(pipeline.enqueue({}, recorder()))
    one[part].unsubscribe(subscriber)
    expect(heard).toHaveLength(part === 'error' ? 1 : 2)
  }
})

test('the stores of the caller are there in all parts, and those that are bound are in its code', async () => {
  const { pipeline, queueName } = make()
  const request = new AsyncLocalStorage()
  const bound = new AsyncLocalStorage()
  one.start.bindStore(bound, ({ queueName }) => `span of ${queueName}`)
  undo.push(() => one.start.unbindStore(bound))
  const heard = listen(one, () => request.getStore())
  const seen = []
  const note = () => seen.push([request.getStore(), bound.getStore()])
  const authorize = async () => {
    await null
    note()
    return true
  }
  const after = await request.run('r1', async () => {
    await pipeline.enqueue(order(1), { createPending: note }, { authorize })
    await rejection(pipeline.enqueue({}, recorder()))
    return bound.getStore()
  })
  expect(seen).toEqual(Array(2).fill(['r1', `span of ${queueName}`]))
  expect(new Set(heard.map(({ noted }) => noted))).toEqual(new Set(['r1']))
  expect(after).toBeUndefined()
})

test('what an APM binds is the parent of the span that the telemetry makes', async () => {
  const { pipeline, queueName } = make({ telemetry: otel.telemetry })
  const outer = []
  const bound = new AsyncLocalStorage()
  one.start.bindStore(bound, () => 'bound')
  undo.push(() => one.start.unbindStore(bound))
  const { tracer } = otel.telemetry
  const startSpan = jest.spyOn(tracer, 'startSpan').mockImplementation((...args) => {
    outer.push(bound.getStore())
    startSpan.mockRestore()
    return tracer.startSpan(...args)
  })
  const heard = listen(one)
  await pipeline.enqueue(order(1), recorder())
  expect(outer).toEqual(['bound'])
  expect(otel.spans(`add ${queueName}.place`)).toHaveLength(1)
  expect(partsOf(heard)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
})

test('a subscriber that throws is an uncaught exception of its own, and the calls go on', async () => {
  const program = `
    const { tracingChannel } = require('node:diagnostics_channel')
    const no = (part) => () => { throw new Error(part) }
    const parts = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']
    for (const name of ['enqueue', 'enqueueMany']) {
      tracingChannel('enqueue-boundary:' + name).subscribe(Object.fromEntries(parts.map((part) => [part, no(part)])))
    }
    const thrown = []
    process.on('uncaughtException', ({ message }) => thrown.push(message))
    const { Pipeline, ticketTriageDefinition } = require('.')
    const pipeline = new Pipeline(ticketTriageDefinition)
    async function main() {
      const { created } = await pipeline.enqueue(ticket('thrower'), storage)
      const { code } = await pipeline.enqueue({}, storage).catch((error) => error)
      const [{ status }] = await pipeline.enqueueMany([ticket('thrower')], storage)
      await new Promise(setImmediate)
      console.log(JSON.stringify({ created, code, status, thrown: thrown.length }))
    }
    main()
  `
  const { code, stdout, stderr } = await runChild(program, { env: { REDIS_URL: database.url } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual({ created: true, code: 'INVALID_INPUT', status: 'queued', thrown: 4 + 5 + 4 })
})

test.each([
  ['takes the steps from it', (context) => delete context.steps],
  ['freezes the steps', ({ steps }) => steps && Object.freeze(steps)],
  ['writes other counts into it', (context) => Object.assign(context, { total: 'x', created: null })],
])('a subscriber that %s changes nothing for calls', async (_, start) => {
  const { pipeline, queueName } = make({ telemetry: otel.telemetry })
  for (const channel of [one, many]) {
    channel.subscribe({ start })
    undo.push(() => channel.unsubscribe({ start }))
  }
  expect(await pipeline.enqueue(order(1), recorder())).toMatchObject({ created: true })
  expect(await rejection(pipeline.enqueue({}, recorder()))).toMatchObject({ code: 'INVALID_INPUT' })
  const outcomes = await pipeline.enqueueMany([order(2), {}], recorder())
  expect(outcomes.map(({ status }) => status)).toEqual(['queued', 'rejected'])
  expect(otel.spans(`addBulk ${queueName}`)[0].attributes).toMatchObject({
    'bullmq.job.bulk.count': 2,
    'enqueue_boundary.outcome.created': 1,
    'enqueue_boundary.outcome.rejected': 1,
  })
})

test('one that freezes it, which Node itself cannot do with, keeps no call from its end', async () => {
  const { pipeline } = make()
  let left = 1
  const start = (context) => {
    if (left-- > 0) Object.freeze(context)
  }
  for (const channel of [one, many]) {
    channel.subscribe({ start })
    undo.push(() => channel.unsubscribe({ start }))
  }
  const [, ...others] = await Promise.allSettled([1, 2, 3].map((no) => pipeline.enqueue(order(no), recorder())))
  expect(others.map(({ value }) => value?.created)).toEqual([true, true])
  left = 1
  await Promise.allSettled([pipeline.enqueueMany([order(4)], recorder())])
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, outcomes: { created: 4, rejected: {} } })
})

test('many calls are published as one, with how many came to what', async () => {
  const { pipeline, queueName } = make()
  const heard = [listen(many), listen(one)]
  const outcomes = await pipeline.enqueueMany([order(1), order(1), {}], recorder())
  expect(partsOf(heard[0])).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  expect(heard[0][0]).toMatchObject({ queueName, jobName: 'place', total: 0 })
  expect(heard[0].at(-1)).toMatchObject({ total: 3, created: 1, existing: 1, deduplicated: 0, rejected: 1 })
  expect(heard[0].at(-1).result).toBe(outcomes)
  expect(heard[1]).toEqual([])

  const error = await rejection(pipeline.enqueueMany(5, recorder()))
  expect(partsOf(heard[0]).slice(4)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  expect(heard[0].at(-1).error).toBe(error)
})

test('a call is heard by whoever listened when it began', async () => {
  const { pipeline } = make()
  let open
  const opened = new Promise((resolve) => {
    open = resolve
  })
  const early = pipeline.enqueue(order(1), { createPending: () => opened })
  const heard = listen(one)
  const late = pipeline.enqueue(order(2), recorder())
  open()
  const [, { jobId: id }] = await Promise.all([early, late])
  expect(new Set(heard.map(({ context }) => context.jobId))).toEqual(new Set([id]))
})

test('where nobody listens, no clock is read', async () => {
  const program = `
    const { performance } = require('node:perf_hooks')
    let read = 0
    const { now } = performance
    performance.now = () => {
      read += 1
      return now.call(performance)
    }
    const storage = { createPending() {} }
    const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
    const { tracingChannel } = require('node:diagnostics_channel')
    const { Pipeline, ticketTriageDefinition } = require('.')
    const pipeline = new Pipeline(ticketTriageDefinition)
    const each = async (number) => {
      const before = read
      await pipeline.enqueue(ticket('clock' + number), storage)
      await pipeline.enqueueMany([ticket('clocks' + number)], storage)
      await pipeline.enqueue({}, storage).catch(() => {})
      return read - before
    }
    async function main() {
      const quiet = await each(1)
      const channel = tracingChannel('enqueue-boundary:enqueue')
      const subscriber = () => {}
      channel.end.subscribe(subscriber)
      const heard = await each(2)
      channel.end.unsubscribe(subscriber)
      console.log(JSON.stringify([quiet, heard, await each(3)]))
    }
    main()
  `
  const { stdout, stderr } = await runChild(program, { bare: true, env: { REDIS_URL: database.url } })
  expect(stderr).toBe('')
  const [quiet, heard, again] = JSON.parse(stdout)
  expect([quiet, again]).toEqual([0, 0])
  // The start, the record, the enqueueing and the end of one; the start and the end of the other.
  expect(heard).toBe(6)
})

test('a runtime without tracing channels enqueues all the same', async () => {
  const program = `
    // Node itself needs them to print.
    const { stdout } = process
    delete require('node:diagnostics_channel').tracingChannel
    const { Pipeline, ticketTriageDefinition } = require('.')
    const storage = { createPending() {} }
    const pipeline = new Pipeline(ticketTriageDefinition)
    async function main() {
      const ticket = { tenantId: 'child', ticketId: 'bare', summary: 's' }
      const { created } = await pipeline.enqueue(ticket, storage)
      const [{ created: again }] = await pipeline.enqueueMany([ticket], storage)
      stdout.write([created, again].join())
    }
    main()
  `
  const child = await runChild(program, { bare: true, env: { REDIS_URL: database.url } })
  expect(child).toMatchObject({ code: 0, stdout: 'true,false', stderr: '' })
})
