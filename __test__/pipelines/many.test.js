'use strict'
// Many inputs in one call: each comes to an outcome of its own, in order, and none of them is held longer than needed.
const { AsyncLocalStorage } = require('node:async_hooks')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { z } = require('zod')
const { Pipeline } = require('../..')
const { runChild } = require('../support/child.js')
const { freePort, useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const CHUNK = 250
/** How many inputs go together where there are more than those: those of the first chunk, and of the next. */
const FIRST = 64
const SECOND = 2 * FIRST
const database = useDatabase()

let pipelines = []
afterEach(async () => {
  await Promise.all(pipelines.map((pipeline) => pipeline.close()))
  pipelines = []
})

const schema = z.object({ org: z.string().min(1), no: z.string(), note: z.string().optional() })
const asJson = {
  type: 'object',
  properties: { org: { type: 'string', minLength: 1 }, no: { type: 'string' }, lines: { type: 'array' } },
  required: ['org', 'no'],
}
const asFields = { ...asJson, properties: { org: { type: 'string', minLength: 1 }, no: { type: 'string' } } }

let last = 0
function make(options) {
  last += 1
  const queueName = `many-${last}`
  const definition = { queueName, jobName: 'place', schema, jobId: ['org', 'no'], connection: database.url, ...options }
  const pipeline = new Pipeline(definition)
  pipelines.push(pipeline)
  return { queueName, pipeline, waiting: () => database.redis.llen(`bull:${queueName}:wait`) }
}

const order = (no, org = 'acme') => ({ org, no: String(no) })
const orders = (count) => Array.from({ length: count }, (_, no) => order(no))
function* generate(count) {
  for (let no = 0; no < count; no++) yield order(no)
}

/** A storage that makes records together, and remembers each of its calls. */
function bulkRecorder() {
  const calls = []
  return { calls, createPendingMany: async (records) => void calls.push(records) }
}

function gate() {
  let open
  const opened = new Promise((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const told = ({ status, error, jobId }) => (status === 'queued' ? jobId : (error.code ?? error))

describe.each([
  ['zod', schema],
  ['JSON', asJson],
  ['fields', asFields],
])('with a schema of %s', (_, of) => {
  test('each input comes to what enqueue would come to, in order', async () => {
    const { queueName, pipeline, waiting } = make({ schema: of, tenant: 'org', maxDataBytes: 100 })
    const storage = bulkRecorder()
    const failure = new Error('a getter')
    const throwing = {
      org: 'acme',
      get no() {
        throw failure
      },
    }
    const inputs = [
      ...[order(1), order(2, ''), null, order(3, 'globex'), order('x'.repeat(100)), throwing],
      ...[order('a:b'), order(4), order('no'), order(1)],
    ]
    const authorize = ({ no }, caller) => no !== 'no' && caller.org === 'acme'
    const outcomes = await pipeline.enqueueMany(inputs, storage, { caller: { org: 'acme' }, authorize })
    const id = (no) => `${queueName}:acme:${no}`
    expect(outcomes.map(told)).toEqual([
      ...[id(1), 'INVALID_INPUT', 'INVALID_INPUT', 'TENANT_MISMATCH', 'PAYLOAD_TOO_LARGE', failure],
      ...['INVALID_INPUT', id(4), 'FORBIDDEN', id(1)],
    ])
    const alone = await pipeline.enqueue(order(1), recorder())
    expect({ ...outcomes[7], jobId: '' }).toEqual({ ...(await pipeline.enqueue(order(5), recorder())), jobId: '' })
    expect({ ...outcomes[9], jobId: '' }).toEqual({ ...alone, jobId: '' })
    expect(outcomes[8]).toEqual({ status: 'rejected', error: outcomes[8].error, jobId: id('no') })
    expect(outcomes[1]).toEqual({ status: 'rejected', error: outcomes[1].error })
    expect(storage.calls).toEqual([[1, 4, 1].map((no) => ({ jobId: id(no), ...order(no) }))])
    expect(await waiting()).toBe(3)
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
  })
})

test('there may be no inputs, or nothing but invalid ones', async () => {
  const { pipeline } = make()
  const storage = bulkRecorder()
  expect(await pipeline.enqueueMany([], storage)).toEqual([])
  const outcomes = await pipeline.enqueueMany(Array(3 * CHUNK).fill(7), storage)
  expect(new Set(outcomes.map(told))).toEqual(new Set(['INVALID_INPUT']))
  expect([outcomes.length, storage.calls]).toEqual([3 * CHUNK, []])
})

test('with a listener no outcome is kept, and each is told with its place', async () => {
  const { queueName, pipeline, waiting } = make()
  const heard = []
  const onOutcome = (outcome, index) => void heard.push([index, told(outcome)])
  const inputs = [...orders(CHUNK + 1), null, order('last')]
  const summary = await pipeline.enqueueMany(inputs, bulkRecorder(), { onOutcome })
  expect(summary).toEqual({ total: CHUNK + 3, created: CHUNK + 2, existing: 0, deduplicated: 0, rejected: 1 })
  const ids = inputs.map((input) => (input === null ? 'INVALID_INPUT' : `${queueName}:acme:${input.no}`))
  expect(heard).toEqual(ids.map((id, index) => [index, id]))
  expect(await waiting()).toBe(CHUNK + 2)
})

describe('the storage', () => {
  test('makes the records of a chunk in one call', async () => {
    const { pipeline } = make()
    const storage = { ...bulkRecorder(), createPending: () => Promise.reject(new Error('not this one')) }
    const outcomes = await pipeline.enqueueMany(generate(FIRST + SECOND + CHUNK + 10), storage)
    expect(storage.calls.map(({ length }) => length)).toEqual([FIRST, SECOND, CHUNK, 10])
    expect(storage.calls.flat().map(({ jobId }) => jobId)).toEqual(outcomes.map(told))
  })

  test('makes those of an array that fits into one chunk in one call', async () => {
    const { pipeline } = make()
    const storage = bulkRecorder()
    await pipeline.enqueueMany(orders(CHUNK), storage)
    expect(storage.calls.map(({ length }) => length)).toEqual([CHUNK])
  })

  test('is called as a method, in the stores that the call was made in', async () => {
    const { pipeline } = make({ schema: schema.refine(async () => nextTurn(true)) })
    const context = new AsyncLocalStorage()
    const seen = []
    const note = (storage) => void seen.push([storage.name, context.getStore()])
    class Together {
      name = 'together'
      createPendingMany() {
        note(this)
      }
    }
    class Each {
      name = 'each'
      createPending() {
        note(this)
      }
    }
    const onOutcome = () => note({ name: 'outcome' })
    await context.run('store', () => pipeline.enqueueMany(orders(2), new Together(), { onOutcome }))
    await context.run('store', () => pipeline.enqueueMany(orders(2), new Each(), { onOutcome, concurrency: 1 }))
    const each = (name, count) => Array(count).fill([name, 'store'])
    expect(seen).toEqual([...each('together', 1), ...each('outcome', 2), ...each('each', 2), ...each('outcome', 2)])
  })

  test.each([
    ['rejects', (reason) => Promise.reject(reason)],
    [
      'throws',
      (reason) => {
        throw reason
      },
    ],
  ])('that %s for a chunk has none of it enqueued, and the others go on', async (_, fail) => {
    const { queueName, pipeline, waiting } = make()
    const reason = { not: 'an error' }
    let calls = 0
    const createPendingMany = () => {
      calls += 1
      return calls === 2 ? fail(reason) : undefined
    }
    const outcomes = await pipeline.enqueueMany(orders(3 * CHUNK), { createPendingMany })
    const jobId = `${queueName}:acme:${FIRST}`
    expect(outcomes[FIRST]).toEqual({ status: 'rejected', error: reason, jobId })
    const rest = 3 * CHUNK - FIRST - SECOND
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array(FIRST).fill('queued'),
      ...Array(SECOND).fill('rejected'),
      ...Array(rest).fill('queued'),
    ])
    expect(outcomes[FIRST].error).toBe(reason)
    expect(await waiting()).toBe(FIRST + rest)
  })

  test('that makes one at a time is asked for so many at once', async () => {
    const { queueName, pipeline, waiting } = make()
    let underWay = 0
    let most = 0
    const createPending = async ({ no }) => {
      underWay += 1
      most = Math.max(most, underWay)
      await nextTurn()
      underWay -= 1
      if (no === '7') throw new Error('seven')
    }
    for (const [concurrency, expected] of [
      [undefined, 16],
      [3, 3],
    ]) {
      most = 0
      const outcomes = await pipeline.enqueueMany(orders(300), { createPending }, { concurrency })
      expect(most).toBe(expected)
      expect(outcomes[7]).toMatchObject({
        status: 'rejected',
        jobId: `${queueName}:acme:7`,
        error: { message: 'seven' },
      })
      expect(outcomes.filter(({ status }) => status === 'queued').length).toBe(299)
    }
    expect(await waiting()).toBe(299)
  })

  test('that throws for one record goes on with the next', async () => {
    const { pipeline } = make()
    const createPending = ({ no }) => {
      if (Number(no) % 2 === 0) throw no
    }
    const outcomes = await pipeline.enqueueMany(orders(100), { createPending }, { concurrency: 1 })
    expect(outcomes.map(({ status, error }) => error ?? status)).toEqual(
      orders(100).map(({ no }) => (Number(no) % 2 === 0 ? no : 'queued')),
    )
  })

  test.each([
    ['together', () => ({ createPendingMany: () => new Promise(() => {}) })],
    ['one by one', () => ({ createPending: () => new Promise(() => {}) })],
  ])('that hangs over records %s has nothing of the chunk enqueued', async (_, hang) => {
    const { pipeline, waiting } = make()
    const outcomes = await pipeline.enqueueMany(orders(50), hang(), { timeoutMs: 100 })
    expect(outcomes.map(told)).toEqual(Array(50).fill('STORAGE_TIMEOUT'))
    expect([await waiting(), pipeline.stats().inFlight]).toEqual([0, 0])
  })

  test('that hangs over some records one by one is asked for those of the next chunks', async () => {
    const { pipeline } = make()
    const createPending = ({ no }) => (no < 2 ? new Promise(() => {}) : undefined)
    const outcomes = await pipeline.enqueueMany(orders(100), { createPending }, { timeoutMs: 1000, concurrency: 2 })
    const hung = outcomes.map(told).filter((code) => code === 'STORAGE_TIMEOUT')
    // Two chunks of 16 are under way, and the second waits behind the first.
    expect(hung.length).toBeLessThanOrEqual(32)
    expect(outcomes.slice(32).every(({ status }) => status === 'queued')).toBe(true)
  })
})

test('records that wait behind one that hangs are made when its deadline has passed', async () => {
  let block = true
  const slow = schema.refine(({ no }) => {
    // The second of two chunks of eight begins half the time later.
    if (no === '8' && block) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    if (no === '8') block = false
    return true
  })
  const { pipeline } = make({ schema: slow })
  const context = new AsyncLocalStorage()
  const stores = new Set()
  const createPending = ({ no }) => {
    stores.add(context.getStore())
    return no === '0' ? new Promise(() => {}) : undefined
  }
  const bulk = () => pipeline.enqueueMany(orders(16), { createPending }, { timeoutMs: 1000, concurrency: 1 })
  const outcomes = await context.run('store', bulk)
  expect(outcomes.slice(0, 8).map(told)).toEqual(Array(8).fill('STORAGE_TIMEOUT'))
  expect(outcomes.slice(8).map(({ status }) => status)).toEqual(Array(8).fill('queued'))
  expect(stores).toEqual(new Set(['store']))
})

test('records that wait for one that is never authorised are made in the caller’s stores', async () => {
  const blocking = schema.refine(({ no }) => {
    // The second one begins half the time later, and has as much left when the first one has none.
    if (no === '1') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    return true
  })
  const { pipeline } = make({ schema: blocking })
  const context = new AsyncLocalStorage()
  const seen = []
  const createPendingMany = (records) => void seen.push(context.getStore(), ...records.map(({ no }) => no))
  const authorize = ({ no }) => (no === '0' ? new Promise(() => {}) : true)
  const bulk = () => pipeline.enqueueMany(orders(2), { createPendingMany }, { timeoutMs: 1000, authorize })
  const [first, second] = await context.run('store', bulk)
  expect([told(first), second.status, seen]).toEqual(['AUTHORIZE_TIMEOUT', 'queued', ['store', '1']])
})

describe('inputs', () => {
  test.each([
    ['with records made together', (storage) => storage, 2 * CHUNK],
    ['with records made one by one', () => recorder(), 2 * 128],
  ])('are pulled as they are settled and told, %s', async (_, of, bound) => {
    const { pipeline } = make()
    const count = 20_000
    let pulled = 0
    let heard = 0
    let ahead = 0
    function* counted() {
      for (const input of generate(count)) {
        pulled += 1
        ahead = Math.max(ahead, pulled - heard)
        yield input
      }
    }
    const onOutcome = () => {
      heard += 1
    }
    const summary = await pipeline.enqueueMany(counted(), of(bulkRecorder()), { onOutcome })
    expect(summary).toEqual({ total: count, created: count, existing: 0, deduplicated: 0, rejected: 0 })
    expect(ahead).toBeLessThanOrEqual(bound)
  })

  test('may come asynchronously', async () => {
    const { pipeline, waiting } = make()
    async function* slow() {
      for (const input of generate(CHUNK + 1)) {
        await null
        yield input
      }
    }
    const storage = bulkRecorder()
    const outcomes = await pipeline.enqueueMany(slow(), storage)
    expect(storage.calls.map(({ length }) => length)).toEqual([FIRST, SECOND, CHUNK + 1 - FIRST - SECOND])
    expect([outcomes.length, await waiting()]).toEqual([CHUNK + 1, CHUNK + 1])
  })

  test('that are all refused leave the loop to others', async () => {
    const { pipeline } = make()
    let turns = 0
    let done = false
    const turning = (async () => {
      while (!done) {
        await nextTurn()
        turns += 1
      }
    })()
    await pipeline.enqueueMany(Array(4 * CHUNK).fill(null), bulkRecorder(), { onOutcome: () => {} })
    done = true
    await turning
    expect(turns).toBeGreaterThanOrEqual(4)
  })

  test.each([
    [
      'throw',
      function* () {
        yield* generate(CHUNK + 5)
        throw new Error('the cursor')
      },
    ],
    [
      'reject',
      async function* () {
        yield* generate(CHUNK + 5)
        throw new Error('the cursor')
      },
    ],
  ])('that %s end the call with that, once those before are settled and told', async (_, inputs) => {
    const { pipeline, waiting } = make()
    let heard = 0
    const onOutcome = ({ status }) => {
      heard += status === 'queued' ? 1 : 0
    }
    const error = await rejection(pipeline.enqueueMany(inputs(), bulkRecorder(), { onOutcome }))
    expect([error.message, heard, await waiting()]).toEqual(['the cursor', CHUNK + 5, CHUNK + 5])
    expect(pipeline.stats().inFlight).toBe(0)
  })

  test('of one id come to an outcome each, and make one job', async () => {
    const { queueName, pipeline, waiting } = make()
    const storage = bulkRecorder()
    const outcomes = await pipeline.enqueueMany([order(1), order(1), order(1)], storage)
    expect(outcomes.map(told)).toEqual(Array(3).fill(`${queueName}:acme:1`))
    expect([storage.calls.flat().length, await waiting()]).toEqual([3, 1])
  })
})

describe('a listener', () => {
  test.each([
    [
      'throws',
      (reason) => {
        throw reason
      },
    ],
    ['rejects', (reason) => Promise.reject(reason)],
  ])('that %s stops it: the inputs are closed, and what is under way is settled', async (_, fail) => {
    const { pipeline, waiting } = make()
    const reason = new Error('enough')
    let pulled = 0
    let closed = false
    function* inputs() {
      try {
        for (const input of generate(100_000)) {
          pulled += 1
          yield input
        }
      } finally {
        closed = true
      }
    }
    const onOutcome = (_, index) => (index === 10 ? fail(reason) : undefined)
    expect(await rejection(pipeline.enqueueMany(inputs(), bulkRecorder(), { onOutcome }))).toBe(reason)
    expect([closed, pulled, await waiting()]).toEqual([true, FIRST + SECOND, FIRST + SECOND])
    expect(pipeline.stats().inFlight).toBe(0)
  })

  test('that takes its time is waited for', async () => {
    const { pipeline } = make()
    let busy = 0
    const onOutcome = async (_, index) => {
      busy += 1
      expect(busy).toBe(1)
      if (index % 50 === 0) await nextTurn()
      busy -= 1
    }
    expect(await pipeline.enqueueMany(generate(600), bulkRecorder(), { onOutcome })).toMatchObject({ created: 600 })
  })
})

describe('a schema of the asynchronous kind', () => {
  test('is waited for, and has the records of a chunk made together', async () => {
    const { pipeline } = make({ schema: schema.refine(async ({ no }) => nextTurn(no !== '3'), 'not three') })
    const storage = bulkRecorder()
    const outcomes = await pipeline.enqueueMany(orders(5), storage)
    expect(outcomes[3].error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ message: 'not three' }] })
    expect(storage.calls.map((records) => records.map(({ no }) => no))).toEqual([['0', '1', '2', '4']])
  })

  test.each([
    [
      'validation',
      'VALIDATE_TIMEOUT',
      { schema: schema.refine(({ no }) => (no === '3' ? new Promise(() => {}) : true)) },
    ],
    ['authorisation', 'AUTHORIZE_TIMEOUT', {}],
  ])('whose %s of one input hangs takes its chunk with it, and records nothing', async (_, code, options) => {
    const { pipeline } = make(options)
    const storage = bulkRecorder()
    const authorize = options.schema ? undefined : ({ no }) => (no === '3' ? new Promise(() => {}) : true)
    const outcomes = await pipeline.enqueueMany(orders(5), storage, { timeoutMs: 100, authorize })
    expect(outcomes.map(told)).toEqual(Array(5).fill(code))
    expect([storage.calls, pipeline.stats().inFlight]).toEqual([[], 0])
  })

  test('that holds up the loop past the deadline has nothing recorded', async () => {
    const blocking = schema.refine(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30) !== 'ok')
    const { pipeline } = make({ schema: blocking })
    const storage = bulkRecorder()
    const [first] = await pipeline.enqueueMany(orders(5), storage, { timeoutMs: 50 })
    expect(first.error).toMatchObject({ code: 'VALIDATE_TIMEOUT', jobId: first.jobId })
    expect(storage.calls.flat().map(({ jobId }) => jobId)).not.toContain(first.jobId)
  })
})

test('with Redis away each outcome says that its job was not sent', async () => {
  const { pipeline } = make({ connection: { host: '127.0.0.1', port: await freePort() } })
  const storage = bulkRecorder()
  const outcomes = await pipeline.enqueueMany([order(1), null, order(2)], storage, { timeoutMs: 100 })
  expect(outcomes.map(({ error }) => [error.code, error.outcome])).toEqual([
    ['QUEUE_UNAVAILABLE', 'not-sent'],
    ['INVALID_INPUT', 'refused'],
    ['QUEUE_UNAVAILABLE', 'not-sent'],
  ])
  expect(storage.calls.flat().length).toBe(2)
})

test('a connection that is not set is each outcome’s error', async () => {
  const { pipeline } = make({ connection: undefined })
  const outcomes = await pipeline.enqueueMany(orders(2), bulkRecorder())
  expect(outcomes.map(told)).toEqual(['MISCONFIGURED', 'MISCONFIGURED'])
})

describe('a pipeline that is closed', () => {
  test('in the middle settles what is under way, and the rest is closed', async () => {
    const { pipeline, waiting } = make()
    const { open, opened } = gate()
    const { open: ready, opened: bothAreUnderWay } = gate()
    const calls = []
    const createPendingMany = (records) => {
      if (calls.push(records.length) === 2) ready()
      return opened
    }
    const bulk = pipeline.enqueueMany(generate(3 * CHUNK), { createPendingMany })
    await bothAreUnderWay
    const closing = pipeline.close()
    open()
    const outcomes = await bulk
    await closing
    const sent = FIRST + SECOND
    expect(calls).toEqual([FIRST, SECOND])
    expect(outcomes.slice(0, sent).every(({ status }) => status === 'queued')).toBe(true)
    expect(outcomes.slice(sent).map(told)).toEqual(Array(3 * CHUNK - sent).fill('CLOSED'))
    expect(await waiting()).toBe(sent)
  })

  test('before takes nothing, whatever the arguments', async () => {
    const { pipeline } = make()
    await pipeline.close()
    for (const args of [[orders(1), bulkRecorder()], [], [7, 7, 7]]) {
      expect(await rejection(pipeline.enqueueMany(...args))).toMatchObject({ code: 'CLOSED' })
    }
  })
})

describe('with little room', () => {
  test.each([1, 2, 5, 40])('for %d calls, all inputs go through', async (maxInFlight) => {
    const { pipeline, waiting } = make({ maxInFlight })
    const storage = bulkRecorder()
    const outcomes = await pipeline.enqueueMany(generate(100), storage)
    expect(outcomes.filter(({ status }) => status === 'queued').length).toBe(100)
    expect(Math.max(...storage.calls.map(({ length }) => length))).toBe(Math.max(1, Math.floor(maxInFlight / 4)))
    expect(await waiting()).toBe(100)
  })

  test('that others take, it waits for them to end', async () => {
    const { pipeline } = make({ maxInFlight: 8 })
    const { open, opened } = gate()
    const others = orders(8).map((input) => pipeline.enqueue(input, { createPending: () => opened }))
    const { open: reading, opened: isRead } = gate()
    function* inputs() {
      yield order('a')
      reading()
      yield order('b')
      yield order('c')
    }
    const storage = bulkRecorder()
    const bulk = pipeline.enqueueMany(inputs(), storage)
    await isRead
    await nextTurn()
    expect([storage.calls, pipeline.stats().inFlight]).toEqual([[], 8])
    open()
    const outcomes = await bulk
    expect(outcomes.map(({ status }) => status)).toEqual(['queued', 'queued', 'queued'])
    await Promise.all(others)
  })

  test('for their bytes, inputs go in as many chunks as it takes', async () => {
    const { pipeline } = make({ maxDataBytes: 2 ** 25 })
    const note = 'x'.repeat(2 ** 24)
    function* large() {
      for (const input of generate(20)) yield { ...input, note }
    }
    const calls = []
    const createPendingMany = (records) => {
      calls.push(records.length)
      throw 'nothing of it'
    }
    const outcomes = await pipeline.enqueueMany(large(), { createPendingMany }, { timeoutMs: 120_000 })
    expect(outcomes.map(told)).toEqual(Array(20).fill('nothing of it'))
    expect(calls).toEqual([16, 4])
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
  })
})

describe('arguments', () => {
  const storage = bulkRecorder()

  test.each([
    ['inputs must be', [undefined, storage]],
    ['inputs must be', ['text', storage]],
    ['inputs must be', [order(1), storage]],
    ['inputs must be', [{ [Symbol.iterator]: 7 }, storage]],
    ['storage must be', [[order(1)]]],
    ['storage must be', [[order(1)], null]],
    ['storage must be', [[order(1)], { createPendingMany: 7 }]],
    ['options must be', [[order(1)], storage, null]],
    ['options.onOutcome', [[order(1)], storage, { onOutcome: {} }]],
    ['options.concurrency', [[order(1)], storage, { concurrency: '4' }]],
    ['options.authorize', [[order(1)], storage, { authorize: true }]],
    ['options.timeoutMs', [[order(1)], storage, { timeoutMs: '5' }]],
    ['options.caller', [[order(1)], storage, { caller: { org: 'acme' } }]],
  ])('that are wrong reject: %s (%#)', async (message, args) => {
    const { pipeline } = make()
    const error = await rejection(pipeline.enqueueMany(...args))
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', cause: { message: expect.stringContaining(message) } })
  })

  test.each([{ concurrency: 0 }, { concurrency: 1.5 }, { concurrency: 2e7 }, { timeoutMs: 0 }])(
    'out of range reject: %j',
    async (options) => {
      const { pipeline } = make()
      const error = await rejection(pipeline.enqueueMany([order(1)], storage, options))
      expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    },
  )

  test('that are wrong leave the inputs alone', async () => {
    const { pipeline } = make()
    let pulled = false
    function* inputs() {
      pulled = true
      yield order(1)
    }
    await rejection(pipeline.enqueueMany(inputs(), storage, { concurrency: 0 }))
    expect(pulled).toBe(false)
  })

  test('that a getter throws for reject with that', async () => {
    const { pipeline } = make()
    const failure = new Error('a getter')
    const throwing = {
      get onOutcome() {
        throw failure
      },
    }
    expect(await rejection(pipeline.enqueueMany([], storage, throwing))).toBe(failure)
  })
})

test('what is on Object.prototype is no option, no storage and no outcome', async () => {
  const child = await runChild(`
    Object.assign(Object.prototype, {
      onOutcome: () => { throw new Error('polluted') }, concurrency: 0, caller: { tenantId: 'polluter' }, timeoutMs: 1,
      authorize: () => false, chunk: 7, then: undefined, done: false, status: 'queued', error: 'polluted', jobId: 'polluted',
    })
    const { Pipeline, ticketTriageDefinition } = require('.')
    const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: ${JSON.stringify(database.url)} })
    const slow = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    ;(async () => {
      for (const storing of [{ createPendingMany: slow }, { createPending: slow }]) {
        const outcomes = await pipeline.enqueueMany([ticket('p1'), ticket(''), null, ticket('p2')], storing, {})
        console.log(outcomes.map((it) => it.status + Object.keys(it).length + (Object.hasOwn(it, 'jobId') && it.jobId)).join())
      }
      await pipeline.close()
    })()
  `)
  expect(child.stderr).toBe('')
  const id = (no) => `ticket-triage:child:${no}`
  // What they say of a job that is there is one thing more.
  const line = (members) =>
    `queued${members}${id('p1')},queued${members}${id('')},rejected2false,queued${members}${id('p2')}`
  expect(child.stdout.trim().split('\n')).toEqual([line(3), line(4)])
})
