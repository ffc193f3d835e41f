'use strict'
// A pipeline of one's own: its limits, its state, its end.
const { OwnServer, useDatabase } = require('./support/redis.js')
const { runChild } = require('./support/child.js')
const { NOTHING_ENDED, jobId, jobKey, newTicket, recorder, rejection } = require('./support/tickets.js')
const { until, withClient } = require('../tools/until.js')
const { EnqueueError, Pipeline, ticketTriageDefinition } = require('..')

const database = useDatabase()
const make = (options) => new Pipeline({ ...ticketTriageDefinition, connection: database.connection, ...options })

/** A storage whose records are made when told to. */
function gate() {
  let open
  const opened = new Promise((resolve) => {
    open = resolve
  })
  return { open, createPending: () => opened }
}

test('a pipeline enqueues as enqueueTicketTriage does, and says that the job is new', async () => {
  const pipeline = make()
  const ticket = newTicket()
  const queued = { jobId: jobId(ticket), status: 'queued', created: true }
  await expect(pipeline.enqueue(ticket, recorder())).resolves.toEqual(queued)
  expect(await database.redis.hget(jobKey(ticket), 'data')).toBe(JSON.stringify(ticket))
  await pipeline.close()
})

test('its prefix is that of all keys', async () => {
  const pipeline = make({ prefix: 'mine' })
  const ticket = newTicket()
  await pipeline.enqueue(ticket, recorder())
  const keys = await database.redis.keys('mine:*')
  const names = ['events', 'id', 'marker', 'meta', jobId(ticket), 'wait']
  expect(keys.sort()).toEqual(names.map((name) => `mine:ticket-triage:${name}`).sort())
  await pipeline.close()
})

test('its timeoutMs is the deadline of calls that do not say, and theirs is that of calls that do', async () => {
  const pipeline = make({ timeoutMs: 30 })
  const never = { createPending: () => new Promise(() => {}) }
  for (const [options, waited] of [
    [undefined, '30 ms'],
    [{}, '30 ms'],
    [{ timeoutMs: undefined, authorize: () => true }, '30 ms'],
    [{ timeoutMs: 40 }, '40 ms'],
  ]) {
    const error = await rejection(pipeline.enqueue(newTicket(), never, options))
    expect(error.cause.message).toContain(`did not settle within ${waited}`)
  }
  await pipeline.close()
})

test.each([
  [0.5, '1 ms'],
  [30.2, '31 ms'],
])('a timeoutMs of %p is rounded up, that of a pipeline and that of a call', async (timeoutMs, waited) => {
  const never = { createPending: () => new Promise(() => {}) }
  for (const [ofPipeline, ofCall] of [
    [{ timeoutMs }, undefined],
    [{}, { timeoutMs }],
  ]) {
    const pipeline = make(ofPipeline)
    const error = await rejection(pipeline.enqueue(newTicket(), never, ofCall))
    expect(error.cause.message).toContain(`did not settle within ${waited}`)
    await pipeline.close()
  }
})

test('one call more than maxInFlight is OVERLOADED at once, and calls are taken again when one is settled', async () => {
  const pipeline = make({ maxInFlight: 2 })
  const storage = gate()
  const calls = [newTicket(), newTicket()].map((ticket) => pipeline.enqueue(ticket, storage))
  const refused = recorder()
  const error = await rejection(pipeline.enqueue(newTicket(), refused))
  expect(error).toMatchObject({ code: 'OVERLOADED', status: 503, outcome: 'refused', retryable: true })
  expect(error.retryAfterMs).toBeGreaterThan(0)
  expect(refused.records).toEqual([])
  storage.open()
  await Promise.all(calls)
  await expect(pipeline.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
  await pipeline.close()
})

test('calls that fail in any way leave their place to others', async () => {
  const pipeline = make({ maxInFlight: 1 })
  const failing = {
    createPending() {
      throw new Error('no')
    },
  }
  const never = { createPending: () => new Promise(() => {}) }
  for (let round = 0; round < 5; round++) {
    await rejection(pipeline.enqueue({}, recorder()))
    await rejection(pipeline.enqueue(newTicket(), failing))
    await rejection(pipeline.enqueue(newTicket(), never, { timeoutMs: 1 }))
    await rejection(pipeline.enqueue(newTicket(), recorder(), { authorize: () => false }))
    await rejection(pipeline.enqueue(newTicket(), recorder(), { caller: null }))
    await pipeline.enqueue(newTicket(), recorder())
  }
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0, waitingForRedis: 0 })
  await pipeline.close()
})

test('stats tell what is in flight and how the connection is', async () => {
  const server = await OwnServer.start()
  const pipeline = make({ connection: server.url })
  try {
    const unused = { inFlight: 0, waitingForRedis: 0, bytes: 0, connected: false, connects: 0, closed: false }
    expect(pipeline.stats()).toEqual({ ...unused, ...NOTHING_ENDED })
    const storage = gate()
    const call = pipeline.enqueue(newTicket(), storage)
    expect(pipeline.stats()).toMatchObject({ inFlight: 1, waitingForRedis: 0 })
    expect(pipeline.stats().bytes).toBeGreaterThan(0)
    storage.open()
    await call
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0, connected: true, connects: 1 })
    await server.kill()
    await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 100 }))
    expect(pipeline.stats()).toMatchObject({
      connected: false,
      connects: 1,
      lastProblem: expect.stringMatching(/refused/),
    })
  } finally {
    await pipeline.close()
    await server.stop()
  }
})

describe('reconnect', () => {
  test('goes over to another server; prefix and limits stay', async () => {
    const server = await OwnServer.start()
    const pipeline = make({ connection: server.url, prefix: 'mine' })
    await pipeline.enqueue(newTicket(), recorder())
    expect(pipeline.reconnect(database.connection)).toBeUndefined()
    const ticket = newTicket()
    await pipeline.enqueue(ticket, recorder())
    expect(await database.redis.exists(`mine:ticket-triage:${jobId(ticket)}`)).toBe(1)
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 2 })
    await pipeline.close()
    await server.stop()
  })

  test('keeps the durability', async () => {
    const server = await OwnServer.start()
    const pipeline = make({ connection: 'redis://127.0.0.1:1', durability: 'replica' })
    try {
      // The server says no to a user who asks it to wait for a replica, which nobody does where the primary is enough.
      await withClient(server, (client) => client.acl('SETUSER', 'hasty', 'on', 'nopass', '~*', '+@all', '-wait'))
      pipeline.reconnect({ port: server.port, username: 'hasty' })
      const error = await rejection(pipeline.enqueue(newTicket(), recorder()))
      expect(error).toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        cause: { message: expect.stringMatching(/NOPERM.*wait/i) },
      })
    } finally {
      await pipeline.close()
      await server.stop()
    }
  })

  test('rescues calls that wait for a server that is not there', async () => {
    const pipeline = make({ connection: 'redis://127.0.0.1:1' })
    const call = pipeline.enqueue(newTicket(), recorder())
    await until(() => pipeline.stats().lastProblem !== undefined)
    pipeline.reconnect(database.connection)
    await expect(call).resolves.toMatchObject({ status: 'queued' })
    await pipeline.close()
  })

  test('before the first call opens nothing', async () => {
    const pipeline = make({ connection: 'redis://127.0.0.1:1' })
    pipeline.reconnect(database.connection)
    expect(pipeline.stats()).toMatchObject({ connected: false, connects: 0 })
    await pipeline.enqueue(newTicket(), recorder())
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 1 })
    await pipeline.close()
  })

  test('with options that cannot work, or on a closed pipeline, throws and changes nothing', async () => {
    const pipeline = make()
    for (const [connection, code] of [
      [undefined, 'MISCONFIGURED'],
      [{ url: '' }, 'MISCONFIGURED'],
      [7, 'ERR_INVALID_ARG_TYPE'],
      ['http://127.0.0.1', 'MISCONFIGURED'],
      [{ cluster: [{ port: 1 }] }, 'MISCONFIGURED'],
    ]) {
      expect(() => pipeline.reconnect(connection)).toThrow(expect.objectContaining({ name: 'EnqueueError', code }))
    }
    await pipeline.enqueue(newTicket(), recorder())
    await pipeline.close()
    expect(() => pipeline.reconnect(database.connection)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

describe('close', () => {
  test('waits for the calls in flight, refuses new ones with CLOSED, and gives the connection back', async () => {
    const server = await OwnServer.start()
    const pipeline = make({ connection: server.url })
    const storage = gate()
    const call = pipeline.enqueue(newTicket(), storage)
    const closed = pipeline.close()
    expect(pipeline.close()).toBe(closed)
    const refused = recorder()
    const error = await rejection(pipeline.enqueue(newTicket(), refused))
    expect(error).toBeInstanceOf(EnqueueError)
    expect(error).toMatchObject({ code: 'CLOSED', status: 503, outcome: 'refused' })
    expect(refused.records).toEqual([])
    storage.open()
    await expect(call).resolves.toMatchObject({ status: 'queued' })
    await closed
    await pipeline.close()
    const { Redis } = require('ioredis')
    const client = new Redis(server.url)
    const ours = async () => (await client.client('LIST')).split('\n').filter((line) => /cmd=eval/.test(line))
    while ((await ours()).length > 0) await new Promise(setImmediate)
    client.disconnect()
    await server.stop()
  })

  test('settles calls that cannot be carried out at their deadline, honestly', async () => {
    const pipeline = make({ connection: 'redis://127.0.0.1:1' })
    const call = rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 100 }))
    await pipeline.close()
    expect(await call).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  })

  test('resolves when the code that awaits the last call has run, however many steps it takes', async () => {
    const pipeline = make()
    const storage = gate()
    let steps = 0
    const call = (async () => {
      await pipeline.enqueue(newTicket(), storage)
      while (steps < 100) steps += await 1
    })()
    const closed = pipeline.close()
    storage.open()
    await closed
    expect(steps).toBe(100)
    await call
  })

  test('called by a getter of the very input refuses that call', async () => {
    const pipeline = make()
    let closed
    const input = {
      ...newTicket(),
      get summary() {
        closed = pipeline.close()
        return 'too late'
      },
    }
    expect((await rejection(pipeline.enqueue(input, recorder()))).code).toBe('CLOSED')
    await closed
  })

  test('that is awaited keeps the process until each call that hangs in its storage has ended', async () => {
    const child = await runChild(`
      const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('..'))})
      const pipeline = new Pipeline(ticketTriageDefinition)
      const never = { createPending: () => new Promise(() => {}) }
      // Nor does one that does not hang, and is settled before them, let the process go.
      pipeline.enqueue(ticket('well'), storage)
      for (const timeoutMs of [200, 300, 100]) {
        pipeline.enqueue(ticket('hangs' + timeoutMs), never, { timeoutMs }).catch((e) => console.log(timeoutMs + e.code))
      }
      pipeline.close().then(() => console.log('closed'))`)
    const stdout = '100STORAGE_TIMEOUT\n200STORAGE_TIMEOUT\n300STORAGE_TIMEOUT\nclosed\n'
    expect(child).toMatchObject({ code: 0, stdout, stderr: '' })
  })

  test('of a pipeline that was never used resolves at once', async () => {
    await make().close()
  })

  test.each([
    ['whose connection is good', {}],
    ['whose connection is not set', { connection: undefined }],
    ['whose connection is empty', { connection: '' }],
    [
      'whose connection is absent, with a REDIS_URL that is unusable',
      { connection: database.connection, url: 'http://' },
    ],
  ])('refuses every call with CLOSED whatever its arguments, of a pipeline %s', async (_, { url, ...options }) => {
    const { REDIS_URL } = process.env
    const definition = { ...ticketTriageDefinition, connection: database.connection, ...options }
    if (url !== undefined) {
      delete definition.connection
      process.env.REDIS_URL = url
    }
    try {
      const pipeline = new Pipeline(definition)
      await pipeline.close()
      const refused = recorder()
      for (const [input, storage, told] of [
        [newTicket(), refused],
        [undefined, refused],
        [{}, refused],
        [{ ...newTicket(), summary: 'x'.repeat(2 ** 20) }, refused],
        [newTicket(), undefined],
        [newTicket(), {}],
        [newTicket(), refused, null],
        [newTicket(), refused, { timeoutMs: -1, authorize: 7 }],
        [newTicket(), refused, { caller: null }],
      ]) {
        expect((await rejection(pipeline.enqueue(input, storage, told))).code).toBe('CLOSED')
      }
      expect(refused.records).toEqual([])
    } finally {
      process.env.REDIS_URL = REDIS_URL
    }
  })

  test('shows in stats: at once that it was called, and in the end that there is no connection', async () => {
    const pipeline = make()
    await pipeline.enqueue(newTicket(), recorder())
    expect(pipeline.stats()).toMatchObject({ closed: false, connected: true, connects: 1 })
    const storage = gate()
    const call = pipeline.enqueue(newTicket(), storage)
    const closed = pipeline.close()
    expect(pipeline.stats()).toMatchObject({ closed: true, connected: true, inFlight: 1 })
    storage.open()
    await call
    await closed
    expect(pipeline.stats()).toMatchObject({ closed: true, connected: false, connects: 1, inFlight: 0 })
  })
})

describe('a definition that cannot work is refused where the pipeline is made', () => {
  test.each([
    ['nothing', () => new Pipeline()],
    ['a queue that BullMQ would not take', () => make({ queueName: 'an:other' })],
    ['a schema of tickets without their fields', () => make({ schema: { properties: {} } })],
    ['an option that is not known', () => make({ attempts: 3 })],
    ['an empty prefix', () => make({ prefix: '' })],
    ['a durability that is none', () => make({ durability: 'disk' })],
    ['a timeoutMs that is no number', () => make({ timeoutMs: '1' })],
    ['a timeoutMs of null', () => make({ timeoutMs: null })],
    ['a maxInFlight of null', () => make({ maxInFlight: null })],
    ['a prefix of null', () => make({ prefix: null })],
    ['a durability of null', () => make({ durability: null })],
  ])('%s', (_, build) => {
    expect(build).toThrow(EnqueueError)
    expect(build).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
  })

  test.each([
    ['a maxInFlight of 0', () => make({ maxInFlight: 0 })],
    ['a maxInFlight of 1.5', () => make({ maxInFlight: 1.5 })],
    ['a timeoutMs of 0', () => make({ timeoutMs: 0 })],
  ])('%s', (_, build) => {
    expect(build).toThrow(expect.objectContaining({ name: 'EnqueueError', code: 'ERR_OUT_OF_RANGE' }))
  })
})
