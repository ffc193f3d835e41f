'use strict'
// A telemetry that fails never breaks a call: it is counted, warned of once, and the call goes on without. One that cannot
// work is said where the pipeline is made.
const { Pipeline } = require('../..')
const { runChild } = require('../support/child.js')
const { useOtel } = require('../support/otel.js')
const { useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const otel = useOtel()

const opened = []
afterEach(() => Promise.all(opened.splice(0).map((pipeline) => pipeline.close())))

let last = 0
const order = (no) => ({ no: String(no) })
const schema = { type: 'object', properties: { no: { type: 'string' } }, required: ['no'] }
function make(telemetry) {
  last += 1
  const queueName = `faulty-${last}`
  const definition = { queueName, jobName: 'place', schema, jobId: ['no'], connection: database.url }
  const pipeline = new Pipeline({ ...definition, telemetry })
  opened.push(pipeline)
  return { pipeline, queueName, waiting: () => database.redis.lrange(`bull:${queueName}:wait`, 0, -1) }
}

/** The real telemetry, but that what `path` names does this instead. */
function failing(path, fail) {
  const wrap = (value, at) => {
    if (typeof value !== 'object' || value === null) return value
    return new Proxy(value, {
      get(target, key) {
        const place = at === '' ? String(key) : `${at}.${String(key)}`
        const found = target[key]
        if (typeof found !== 'function') return wrap(found, place)
        return (...args) => {
          if (place === path) return fail(() => found.apply(target, args))
          const made = found.apply(target, args)
          return ['startSpan', 'createHistogram', 'createCounter'].includes(key) ? wrap(made, key) : made
        }
      },
    })
  }
  return wrap(otel.telemetry, '')
}

const METHODS = [
  'tracer.startSpan',
  'startSpan.setAttributes',
  'startSpan.setSpanOnContext',
  'startSpan.recordException',
  'startSpan.end',
  'contextManager.active',
  'contextManager.getMetadata',
  'contextManager.with',
  'createHistogram.record',
  'createCounter.add',
]
const WAYS = {
  throws() {
    throw new Error('broken')
  },
  'throws what is no error'() {
    throw undefined
  },
  'does its work and throws'(work) {
    work()
    throw new Error('broken')
  },
  rejects: () => Promise.reject(new Error('broken')),
}

test.each(METHODS.flatMap((method) => Object.keys(WAYS).map((way) => [method, way])))(
  '%s that %s breaks no call',
  async (method, way) => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { pipeline, queueName, waiting } = make(failing(method, WAYS[way]))
    const storage = recorder()
    const jobId = `${queueName}-1`
    expect(await pipeline.enqueue(order(1), storage)).toEqual({ jobId, status: 'queued', created: true })
    const fails = () => Promise.reject(new Error('no row'))
    expect(await rejection(pipeline.enqueue(order(2), { createPending: fails }))).toMatchObject({ message: 'no row' })
    expect(await rejection(pipeline.enqueue({}, storage))).toMatchObject({ code: 'INVALID_INPUT' })
    const outcomes = await pipeline.enqueueMany([order(3), {}], storage)
    expect(outcomes.map(({ status }) => status)).toEqual(['queued', 'rejected'])
    // Each was called once, and each job is there once.
    expect(storage.records.map(({ no }) => no)).toEqual(['1', '3'])
    expect(await waiting()).toEqual([`${queueName}-3`, `${queueName}-1`])
    expect(pipeline.stats().telemetryErrors).toBeGreaterThan(1)
    expect(pipeline.stats().outcomes).toEqual({
      created: 2,
      existing: 0,
      deduplicated: 0,
      rejected: { OTHER: 1, INVALID_INPUT: 2 },
    })
    const told = warned.mock.calls.filter(([message]) => message.includes(queueName))
    warned.mockRestore()
    expect(told.length).toBeGreaterThan(0)
    expect(new Set(told.map(([message]) => message)).size).toBe(told.length)
    for (const [message, { code }] of told) {
      expect(code).toBe('ENQUEUE_BOUNDARY_TELEMETRY')
      // What the error says may be a secret.
      expect(message).not.toMatch('broken')
    }
  },
)

test.each(['meter.createHistogram', 'meter.createCounter'])('%s that throws leaves the other', async (method) => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { pipeline, queueName } = make(failing(method, WAYS.throws))
  warned.mockRestore()
  await pipeline.enqueue(order(1), recorder())
  expect(pipeline.stats().telemetryErrors).toBe(1)
  expect(await otel.points(queueName)).toHaveLength(1)
})

const resolves = async (work) => work()
test.each([
  ...['tracer.startSpan', 'startSpan.setSpanOnContext', 'contextManager.active', 'contextManager.getMetadata'].map(
    (method) => [method, 'is async', resolves, 3],
  ),
  ...['meter.createHistogram', 'meter.createCounter'].flatMap((method) => [
    [method, 'is async', resolves, 1],
    [method, 'makes nothing', () => undefined, 1],
  ]),
])('%s that %s is counted, although it does not fail', async (method, _, way, errors) => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { pipeline, queueName } = make(failing(method, way))
  await pipeline.enqueue(order(1), recorder())
  await rejection(pipeline.enqueue({}, recorder()))
  await pipeline.enqueueMany([order(2)], recorder())
  const told = warned.mock.calls.filter(([message]) => message.includes(queueName))
  warned.mockRestore()
  const name = method.replace('startSpan.', 'span.')
  expect(told.filter(([message]) => message.includes(`failed in ${name} `))).toHaveLength(1)
  // Without a context there is none to set a span on either.
  expect(pipeline.stats().telemetryErrors).toBeGreaterThanOrEqual(errors)
})

test('a method is warned of once, whatever its errors are called', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  let thrown = 0
  const { pipeline, queueName } = make(
    failing('startSpan.end', () => {
      thrown += 1
      throw Object.assign(new Error('no'), { name: `Error${thrown}` })
    }),
  )
  for (const no of [1, 2, 3]) await pipeline.enqueue(order(no), recorder())
  const told = warned.mock.calls.filter(([message]) => message.includes(queueName))
  warned.mockRestore()
  expect([thrown, told.length, pipeline.stats().telemetryErrors]).toEqual([3, 1, 3])
})

test('a span whose setStatus cannot even be read hides no error of a call, before Redis or from it', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const tracer = {
    startSpan: (...args) =>
      Object.create(otel.telemetry.tracer.startSpan(...args), {
        setStatus: {
          get() {
            throw new Error('broken')
          },
        },
      }),
  }
  const { pipeline } = make({ ...otel.telemetry, tracer })
  const jobOptions = { parent: { id: 'x', queue: 'bull:x' } }
  const errors = [pipeline.enqueue({}, recorder()), pipeline.enqueue(order(1), recorder(), { jobOptions })]
  const codes = (await Promise.all(errors.map(rejection))).map(({ code }) => code)
  warned.mockRestore()
  expect(codes).toEqual(['INVALID_INPUT', 'MISSING_PARENT'])
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, telemetryErrors: 2 })
  expect(pipeline.stats().outcomes.rejected).toEqual({ INVALID_INPUT: 1, MISSING_PARENT: 1 })
})

/** What `with` may do to the function that it is given, and still each call is made once. */
const WITHS = {
  'never calls it': () => undefined,
  'calls it twice': (_, call) => {
    call()
    return call()
  },
  'calls it later': (_, call) => void setImmediate(call),
  'is async': async (_, call) => call(),
}
test.each(Object.keys(WITHS))('a contextManager whose `with` %s', async (way) => {
  const { contextManager, tracer } = otel.telemetry
  const own = {
    active: () => contextManager.active(),
    getMetadata: (context) => contextManager.getMetadata(context),
    with: WITHS[way],
  }
  const { pipeline, waiting } = make({ tracer, contextManager: own })
  const storage = recorder()
  await pipeline.enqueue(order(1), storage)
  await rejection(pipeline.enqueue({}, storage))
  await pipeline.enqueueMany([order(2)], storage)
  async function* broken() {
    yield order(3)
    throw new Error('cursor')
  }
  await rejection(pipeline.enqueueMany(broken(), storage))
  expect(storage.records.map(({ no }) => no)).toEqual(['1', '2', '3'])
  expect(await waiting()).toHaveLength(3)
  expect(pipeline.stats().telemetryErrors).toBe(0)
})

test.each([
  ['no text', 5, 1],
  ['an empty text', '', 0],
  ['nothing', undefined, 0],
])('metadata that is %s is not stored', async (_, metadata, errors) => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const { pipeline, queueName } = make(failing('contextManager.getMetadata', () => metadata))
  await pipeline.enqueue(order(1), recorder())
  warned.mockRestore()
  expect(JSON.parse(await database.redis.hget(`bull:${queueName}:${queueName}-1`, 'opts'))).not.toHaveProperty('tm')
  expect(pipeline.stats().telemetryErrors).toBe(errors)
})

test('a process whose telemetry is async and rejects goes on', async () => {
  const program = `
    const { Pipeline } = require('.')
    const no = async () => { throw new Error('broken') }
    const span = { setSpanOnContext: (context) => context, setAttributes: no, recordException: no, end: no }
    const telemetry = {
      tracer: { startSpan: () => span },
      contextManager: { active: () => ({}), with: async (context, call) => { await call(); throw new Error('broken') }, getMetadata: () => '{}' },
    }
    const schema = { type: 'object', properties: { no: { type: 'string' } }, required: ['no'] }
    const pipeline = new Pipeline({ queueName: 'faulty-child', jobName: 'place', schema, jobId: ['no'], telemetry })
    async function main() {
      await pipeline.enqueue({ no: '1' }, storage)
      await pipeline.enqueue({}, storage).catch((error) => console.log(error.code))
      await new Promise(setImmediate)
      console.log(pipeline.stats().telemetryErrors > 0)
    }
    main()
  `
  const { code, stdout, stderr } = await runChild(program, { env: { REDIS_URL: database.url } })
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'INVALID_INPUT\ntrue\n' })
  expect(stderr).toMatch(
    /ENQUEUE_BOUNDARY_TELEMETRY.*the telemetry of the queue faulty-child failed in span\.end \(Error\)/,
  )
})

describe('one that cannot work is an error of the definition', () => {
  const { tracer, contextManager, meter } = otel.telemetry
  const object = 'telemetry must be an object with a tracer and a contextManager, as BullMQ takes it'
  test.each([
    [null, [object]],
    ['otel', [object]],
    [true, [object]],
    [
      {},
      [
        'telemetry.tracer must have a method startSpan',
        ...['active', 'with', 'getMetadata'].map((method) => `telemetry.contextManager must have a method ${method}`),
      ],
    ],
    [{ contextManager, tracer: {} }, ['telemetry.tracer must have a method startSpan']],
    [
      { tracer, contextManager: { ...contextManager, with: 5, active() {}, getMetadata() {} } },
      ['telemetry.contextManager must have a method with'],
    ],
    [
      { tracer, contextManager, meter: null },
      ['createCounter', 'createHistogram'].map((method) => `telemetry.meter must have a method ${method}`),
    ],
    [{ tracer, contextManager, meter: { createCounter() {} } }, ['telemetry.meter must have a method createHistogram']],
  ])('%j', (telemetry, messages) => {
    const wrong = { queueName: '', jobName: 'a', schema: true, jobId: () => 'x', telemetry }
    let error
    try {
      new Pipeline(wrong)
    } catch (reason) {
      error = reason
    }
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    expect(error.cause.message.split('; ')).toEqual(['queueName must be a string that is not empty', ...messages])
  })

  test('a meter may be absent, and methods inherited', () => {
    class Manager {
      active() {}
      with() {}
      getMetadata() {}
    }
    for (const given of [undefined, { tracer, contextManager }, { tracer, contextManager: new Manager(), meter }]) {
      expect(() => make(given)).not.toThrow()
    }
  })
})
