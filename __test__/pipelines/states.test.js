'use strict'
// `states`: what it takes, what it costs, and how it ends where Redis does not answer.
const { createHook } = require('node:async_hooks')
const { Redis } = require('ioredis')
const { Pipeline, ticketTriageDefinition } = require('../..')
const { useFaults } = require('../support/faults.js')
const { OwnServer, freePort, useDatabase } = require('../support/redis.js')
const { jobId, newTicket, recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const on = useFaults()
const opened = []
afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))

function pipelineAt(connection, more) {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, ...more })
  opened.push(pipeline)
  return pipeline
}

test.each([
  ['nothing', undefined, 'jobIds must be an array of ids of jobs'],
  ['one id', 'a', 'jobIds must be an array of ids of jobs'],
  ['a Set', new Set(['a']), 'jobIds must be an array of ids of jobs'],
  ['a number among the ids', ['a', 7], 'jobIds must be an array of strings; jobIds[1] is none'],
  ['a String object', [Object('a')], 'jobIds must be an array of strings; jobIds[0] is none'],
  ['a hole', Array(1), 'jobIds must be an array of strings; jobIds[0] is none'],
])('%s is refused, with the place of what is wrong', async (_, ids, message) => {
  const error = await rejection(pipelineAt(database.url).states(ids))
  expect([error.code, error.status, error.cause.message]).toEqual(['ERR_INVALID_ARG_TYPE', 500, message])
})

test.each([
  [null, 'ERR_INVALID_ARG_TYPE'],
  [{ timeoutMs: '1' }, 'ERR_INVALID_ARG_TYPE'],
  [{ timeoutMs: 0 }, 'ERR_OUT_OF_RANGE'],
])('options %j are refused', async (options, code) => {
  expect(await rejection(pipelineAt(database.url).states(['a'], options))).toMatchObject({ code })
})

test('no ids are answered without Redis, and ids that were changed meanwhile are as they were', async () => {
  expect(await pipelineAt({ port: await freePort(), host: '127.0.0.1' }).states([])).toEqual([])
  const ids = ['a']
  const asked = pipelineAt(database.url).states(ids)
  ids.push('b')
  expect(await asked).toEqual(['missing'])
})

test('it sees what was enqueued before by the same pipeline, and by others', async () => {
  const pipeline = pipelineAt(database.url)
  const [one, other] = [newTicket(), newTicket()]
  await pipeline.enqueue(one, recorder())
  await pipelineAt(database.url).enqueue(other, recorder(), { jobOptions: { delay: 60_000 } })
  expect(await pipeline.states([one, other, newTicket()].map(jobId))).toEqual(['waiting', 'delayed', 'missing'])
})

test('40 000 ids are asked for in scripts of 64, and calls of others get through meanwhile', async () => {
  const server = await OwnServer.start()
  const redis = new Redis(server.url)
  const pipeline = pipelineAt(server.url)
  const tickets = Array.from({ length: 20 }, () => newTicket())
  for (const ticket of tickets) await pipeline.enqueue(ticket, recorder())
  const ids = Array.from({ length: 40_000 }, (_, at) => (at % 2000 === 0 ? jobId(tickets[at / 2000]) : `none:${at}:x`))
  await redis.config('RESETSTAT')
  let answered = false
  const asked = pipeline.states(ids, { timeoutMs: 120_000 }).finally(() => {
    answered = true
  })
  let meanwhile = 0
  while (!answered) {
    await pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 120_000 })
    if (!answered) meanwhile += 1
  }
  const states = await asked
  expect(states.map((state, at) => [state, at]).filter(([state]) => state !== 'missing')).toEqual(
    tickets.map((_, at) => ['waiting', at * 2000]),
  )
  expect(meanwhile).toBeGreaterThan(10)
  const info = await redis.info('commandstats')
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)[1])
  expect(calls - meanwhile).toBeGreaterThanOrEqual(40_000 / 64)
  expect(calls - meanwhile).toBeLessThan(40_000 / 64 + 60)
  await redis.quit()
  await server.stop()
})

test('questions of one turn share scripts, with up to 64 ids in each', async () => {
  const server = await OwnServer.start()
  const redis = new Redis(server.url)
  const pipeline = pipelineAt(server.url)
  await pipeline.states(['warm'])
  await redis.config('RESETSTAT')
  const asked = await Promise.all(Array.from({ length: 200 }, (_, at) => pipeline.states([`${at}`, 'x'])))
  expect(asked).toEqual(Array(200).fill(['missing', 'missing']))
  expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))[1])).toBe(7)
  await redis.quit()
  await server.stop()
})

describe('where Redis does not answer', () => {
  test('it is QUEUE_UNAVAILABLE when the time is over, whether it was asked or not', async () => {
    const nowhere = pipelineAt({ host: '127.0.0.1', port: await freePort() }, { timeoutMs: 2000 })
    const error = await rejection(nowhere.states(['a']))
    // Nothing was to be enqueued, and the sentence speaks of no job that was not.
    const message = 'the queue cannot say now where jobs are'
    const expected = { code: 'QUEUE_UNAVAILABLE', status: 503, retryable: true, outcome: 'not-sent', message }
    expect(error).toMatchObject(expected)
    expect(error.cause.code).toBe('ECONNREFUSED')
    expect('jobId' in error).toBe(false)
    expect(error.toProblem().detail).toBe(message)
    const call = await rejection(nowhere.enqueue(newTicket(), recorder(), { timeoutMs: 50 }))
    expect(call.message).toBe('the queue cannot take the job now; it was not enqueued')

    const server = await on.server()
    const pipeline = pipelineAt(server.url)
    expect(await pipeline.states(['a'])).toEqual(['missing'])
    server.freeze()
    expect(await rejection(pipeline.states(['a'], { timeoutMs: 50 }))).toMatchObject(expected)
    const many = Array.from({ length: 5000 }, (_, at) => `${at}`)
    expect(await rejection(pipeline.states(many, { timeoutMs: 50 }))).toMatchObject(expected)
    expect(pipeline.stats().inFlight).toBe(0)
  })

  test('more than a million ids at once are OVERLOADED, in words that are of ids', async () => {
    const server = await on.server()
    const pipeline = pipelineAt(server.url)
    await pipeline.states(['a'])
    server.freeze()
    // They are handed over so many at a time.
    const ids = Array.from({ length: 1024 }, (_, at) => `${at}`)
    const asked = Array.from({ length: 977 }, () => pipeline.states(ids, { timeoutMs: 120_000 }))
    const error = await rejection(Promise.race(asked))
    expect(error).toMatchObject({
      code: 'OVERLOADED',
      message: 'too many jobs are asked for at once; nothing was asked',
      retryAfterMs: 1000,
    })
    server.thaw()
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  })

  test('a question that was on its way when the link broke is asked again', async () => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    const pipeline = pipelineAt(proxy.url)
    await pipeline.states(['a'])
    server.freeze()
    const asked = pipeline.states(['a', 'b'], { timeoutMs: 60_000 })
    await new Promise((resolve) => proxy.once('up', resolve))
    proxy.reset()
    server.thaw()
    expect(await asked).toEqual(['missing', 'missing'])
  })

  test('a user who may not ask is MISCONFIGURED, and one who may not look into a set hears unknown', async () => {
    const server = await on.server()
    const admin = on.client(server.url)
    const setUser = (...rules) => admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', ...rules)
    await setUser('-exists')
    const pipeline = pipelineAt({ port: server.port, username: 'web', password: 'secret' })
    const error = await rejection(pipeline.states(['a']))
    expect(error).toMatchObject({ code: 'MISCONFIGURED', status: 500 })
    expect(error.cause).toMatchObject({
      code: 'NOPERM',
      message: expect.stringMatching(/^Redis does not say where jobs are/),
    })
    await setUser('+exists', '-zscore')
    await admin.hset('bull:ticket-triage:a', 'name', 'x')
    expect(await pipeline.states(['a', 'b'])).toEqual(['unknown', 'missing'])
  })

  test('a closed pipeline says CLOSED, and close() waits for what was asked', async () => {
    const pipeline = pipelineAt(database.url)
    const asked = pipeline.states(Array.from({ length: 3000 }, (_, at) => `${at}`))
    await Promise.all([pipeline.close(), expect(asked).resolves.toHaveLength(3000)])
    expect(await rejection(pipeline.states(['a']))).toMatchObject({ code: 'CLOSED', status: 503 })
    expect(await rejection(pipeline.states([]))).toMatchObject({ code: 'CLOSED' })
  })
})

test('asking leaves nothing behind', async () => {
  const alive = new Set()
  const hook = createHook({
    init: (id, type) => type === 'Timeout' && alive.add(id),
    destroy: (id) => alive.delete(id),
  })
  const pipeline = pipelineAt(database.url)
  await pipeline.states(['a'])
  hook.enable()
  await pipeline.states(['a', 'b'])
  hook.disable()
  expect(alive.size).toBe(0)
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, waitingForRedis: 0, bytes: 0 })
})
