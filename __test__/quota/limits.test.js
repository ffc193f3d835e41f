'use strict'
// What a quota holds a tenant to, what counts, and what is said of a call that is over.
const { AsyncLocalStorage } = require('node:async_hooks')
const { useBullmq } = require('../support/bullmq.js')
const { SLOW, input, letsThrough, outcomes, storage, tally, useQuotas } = require('../support/quotas.js')
const { useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const quotas = useQuotas(database)
const bullmq = useBullmq(database)

const slow = (limit, more) => ({ rate: { limit, periodMs: SLOW, ...more } })
const enqueue = (pipeline, ...inputs) => outcomes(inputs.map((it) => pipeline.enqueue(it, storage)))
const many = (count, org) => Array.from({ length: count }, () => input(org))

describe('a rate', () => {
  test('lets a tenant use its burst at once and refuses the next call before its record', async () => {
    const pipeline = quotas.pipeline(slow(100, { burst: 3 }))
    const records = recorder()
    const calls = many(5).map((it) => pipeline.enqueue(it, records))
    expect(await outcomes(calls)).toEqual(['queued', 'queued', 'queued', 'rate', 'rate'])
    expect(records.records).toHaveLength(3)
    expect(await enqueue(pipeline, ...many(3, 'other'))).toEqual(['queued', 'queued', 'queued'])
  })

  test('says which limit, what it is, and when to come back', async () => {
    const pipeline = quotas.pipeline({ rate: { limit: 2, periodMs: 3_600_000 }, backlog: 9, inFlight: 7 })
    await enqueue(pipeline, ...many(2))
    const error = await rejection(pipeline.enqueue(input('acme', 'x'), storage))
    expect(error).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      status: 429,
      retryable: true,
      outcome: 'refused',
      expose: true,
    })
    const { retryAfterMs } = error
    expect(retryAfterMs).toBeGreaterThan(1_700_000)
    expect(retryAfterMs).toBeLessThanOrEqual(1_800_000)
    expect(error.quota).toEqual({ limit: 'rate', max: 2, remaining: 0, retryAfterMs, periodMs: 3_600_000 })
    expect(error.message).toBe('the tenant enqueues more than 2 jobs in 3600000 ms; nothing was recorded or enqueued')
    const seconds = Math.ceil(retryAfterMs / 1000)
    const headers = {
      'retry-after': `${seconds}`,
      'ratelimit-policy': '"rate";q=2;w=3600, "backlog";q=9, "inFlight";q=7;qu="concurrent-requests"',
      ratelimit: `"rate";r=0;t=${seconds}`,
    }
    expect(error.headers).toEqual(headers)
    expect(error.toProblem()).toMatchObject({ status: 429, quota: error.quota, retryAfterMs, jobId: error.jobId })
    const response = error.toResponse()
    expect(response.status).toBe(429)
    for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name)).toBe(value)
  })

  test('lets one more through when it said it would, and not before', async () => {
    const pipeline = quotas.pipeline({ rate: { limit: 1, periodMs: 300 } })
    const first = Date.now()
    await enqueue(pipeline, input())
    const { retryAfterMs } = await rejection(pipeline.enqueue(input(), storage))
    expect(retryAfterMs).toBeLessThanOrEqual(300)
    while ((await enqueue(pipeline, input()))[0] !== 'queued') {}
    expect(Date.now() - first).toBeGreaterThanOrEqual(299)
  })
})

describe('a backlog', () => {
  test.each([6, 5])('counts jobs until BullMQ %d has ended them, however they end', async (major) => {
    const queueName = quotas.newQueue()
    // One that is removed keeps its place until its call's time is over.
    const pipeline = quotas.pipeline({ backlog: 3 }, { queueName, timeoutMs: 3000 })
    const { Queue, Worker } = bullmq.exports(major)
    const { connection } = database
    const worker = new Worker(queueName, null, { connection, autorun: false })
    const queue = new Queue(queueName, { connection, skipMetasUpdate: true })
    const next = () => worker.getNextJob('t', { block: false })
    try {
      expect(await enqueue(pipeline, ...many(4))).toEqual(['queued', 'queued', 'queued', 'backlog'])
      const error = await rejection(pipeline.enqueue(input(), storage))
      expect(error.quota).toEqual({ limit: 'backlog', max: 3, remaining: 0, retryAfterMs: 1000 })
      const running = await next()
      expect(await enqueue(pipeline, input())).toEqual(['backlog'])
      await running.moveToCompleted('done', 't', false)
      expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'backlog'])
      await (await next()).moveToFailed(new Error('no'), 't')
      expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'backlog'])
      const [waiting] = await queue.getWaiting()
      await waiting.remove()
      expect(await letsThrough(pipeline, 1)).toBe('backlog')
      await queue.drain()
      expect(await letsThrough(pipeline, 3)).toBe('backlog')
      await queue.obliterate({ force: true })
      expect(await letsThrough(pipeline, 3)).toBe('backlog')
      // A dashboard sees nothing but jobs.
      expect(await queue.getJobCounts('wait', 'active', 'completed', 'failed', 'delayed')).toMatchObject({ wait: 3 })
    } finally {
      await Promise.all([worker.close(), queue.close()])
    }
  })

  test('has room again at once where jobs are removed as they complete', async () => {
    const queueName = quotas.newQueue()
    const pipeline = quotas.pipeline({ backlog: 2 }, { queueName, jobOptions: { removeOnComplete: true } })
    const { Worker } = bullmq.exports(6)
    const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
    try {
      for (let round = 0; round < 20; round++) {
        expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'queued'])
        // The note that a job is there goes out behind its answer, on the same link.
        await pipeline.states(['none'])
        for (let job = 0; job < 2; job++)
          await (await worker.getNextJob('t', { block: false })).moveToCompleted('', 't', false)
      }
    } finally {
      await worker.close()
    }
  })

  test('of more jobs than are looked at together finds those that ended, and keeps no more ids than it needs', async () => {
    const queueName = quotas.newQueue()
    const pipeline = quotas.pipeline({ backlog: 400 }, { queueName, timeoutMs: 5000 })
    expect(tally(await enqueue(pipeline, ...many(420)))).toEqual({ queued: 400, backlog: 20 })
    const { Queue } = bullmq.exports(6)
    const queue = new Queue(queueName, { connection: database.connection, skipMetasUpdate: true })
    const jobs = await queue.getWaiting()
    for (const job of jobs.slice(0, 300)) await job.remove()
    expect(await letsThrough(pipeline, 300)).toBe('backlog')
    await queue.obliterate({ force: true })
    await queue.close()
    const key = `bull:${queueName}:quota:t:acme:backlog:ids`
    expect(await database.redis.llen(key)).toBeLessThanOrEqual(400)
  })

  test('and a rate are both asked, and a call that one of them refuses takes nothing of the other', async () => {
    const pipeline = quotas.pipeline({ ...slow(3), backlog: 2 })
    expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'queued'])
    expect(await enqueue(pipeline, ...many(5))).toEqual(Array(5).fill('backlog'))
    const wide = quotas.pipeline({ ...slow(2), backlog: 9 })
    expect(tally(await enqueue(wide, ...many(9)))).toEqual({ queued: 2, rate: 7 })
  })
})

describe('calls in flight', () => {
  test('are counted here, and without Redis', async () => {
    const pipeline = quotas.pipeline({ inFlight: 2 }, { onQuotaUnavailable: undefined })
    let go
    const held = new Promise((resolve) => {
      go = resolve
    })
    const holding = { createPending: () => held }
    const calls = many(2).map((it) => pipeline.enqueue(it, holding))
    const error = await rejection(pipeline.enqueue(input(), storage))
    expect(error.quota).toEqual({ limit: 'inFlight', max: 2, remaining: 0, retryAfterMs: 1000 })
    expect(await enqueue(pipeline, input('other'))).toEqual(['queued'])
    go()
    expect(await outcomes(calls)).toEqual(['queued', 'queued'])
    expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'queued'])
  })

  test.each([
    ['its record fails', { createPending: () => Promise.reject(new Error('no')) }, {}],
    [
      'createPending throws',
      {
        createPending: () => {
          throw new Error('no')
        },
      },
      {},
    ],
    ['its time is over', { createPending: () => new Promise(() => {}) }, { timeoutMs: 1 }],
    ['it is there already', storage, {}],
  ])('a call lets go when %s', async (_, failing, options) => {
    const pipeline = quotas.pipeline({ inFlight: 1 })
    const same = input()
    await enqueue(pipeline, same)
    await outcomes([pipeline.enqueue(same, failing, options)])
    expect(await enqueue(pipeline, input())).toEqual(['queued'])
    expect(pipeline.stats().inFlight).toBe(0)
  })
})

test('a job that is there already takes nothing and is not refused', async () => {
  const pipeline = quotas.pipeline({ ...slow(2), backlog: 2 })
  const [one, two] = many(2)
  expect(await enqueue(pipeline, one, two)).toEqual(['queued', 'queued'])
  expect(await enqueue(pipeline, one, two, one)).toEqual(['existing', 'existing', 'existing'])
  const fresh = quotas.pipeline(slow(3))
  for (let round = 0; round < 5; round++) await enqueue(fresh, one)
  expect(await enqueue(fresh, ...many(3))).toEqual(['queued', 'queued', 'rate'])
})

test('of calls that race for one id one is counted', async () => {
  const pipeline = quotas.pipeline({ ...slow(8), backlog: 8 })
  const same = input()
  expect(tally(await enqueue(pipeline, ...Array(4).fill(same)))).toEqual({ queued: 1, existing: 3 })
  await pipeline.states(['none'])
  expect(tally(await enqueue(pipeline, ...many(8)))).toEqual({ queued: 7, rate: 1 })
})

test('a job that makes room is a new one, and counts', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline(slow(2), { queueName, idReuse: 'afterFailed' })
  const { Worker } = bullmq.exports(6)
  const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
  const same = input()
  const again = async () => {
    await (await worker.getNextJob('t', { block: false })).moveToFailed(new Error('no'), 't')
    return enqueue(pipeline, same)
  }
  expect(await enqueue(pipeline, same, same)).toEqual(['queued', 'existing'])
  await pipeline.states(['none'])
  expect([await again(), await again()]).toEqual([['queued'], ['rate']])
  await worker.close()
})

test('in many each input counts, and one that is over is an outcome like any other', async () => {
  const pipeline = quotas.pipeline(slow(3))
  const made = []
  const records = { createPendingMany: (all) => void made.push(...all) }
  const all = await pipeline.enqueueMany(many(10), records)
  expect(all.map(({ status }) => status)).toEqual([...Array(3).fill('queued'), ...Array(7).fill('rejected')])
  for (const { error, jobId } of all.slice(3)) expect([error.code, error.jobId]).toEqual(['QUOTA_EXCEEDED', jobId])
  expect(made).toHaveLength(3)
})

test('a tenant that is no text is told so, and a long or strange one has a quota like any other', async () => {
  const schema = { type: 'object', properties: { ...quotas.schema.properties, org: true }, required: ['item'] }
  const loose = quotas.pipeline(slow(1), { schema, jobId: ({ item }) => `x-${item}` })
  for (const org of [7, null, {}]) {
    const error = await rejection(loose.enqueue(input(org), storage))
    expect([error.code, error.issues[0].path]).toEqual(['INVALID_INPUT', ['org']])
  }
  expect(await enqueue(loose, { item: 'none' })).toEqual(['INVALID_INPUT'])
  for (const org of ['', 'a:b', '{x}', '印刷', '\u0000', 'x'.repeat(100_000), '__proto__']) {
    expect(await enqueue(loose, input(org), input(org))).toEqual(['queued', 'rate'])
  }
})

test('createPending is called in the stores of its own call', async () => {
  const pipeline = quotas.pipeline({ ...slow(100), backlog: 100 })
  const store = new AsyncLocalStorage()
  const seen = []
  const noting = { createPending: () => void seen.push(store.getStore()) }
  await Promise.all(Array.from({ length: 20 }, (_, at) => store.run(at, () => pipeline.enqueue(input(), noting))))
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at))
})

test('everything that is kept of a tenant runs out', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline({ rate: { limit: 10, periodMs: 100 }, backlog: 10 }, { queueName })
  await enqueue(pipeline, ...many(3))
  await pipeline.states(['none'])
  const keys = await database.redis.keys(`bull:${queueName}:quota:*`)
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    const left = await database.redis.pttl(key)
    // It may have run out since it was listed.
    expect([key, left === -2 || (left > 0 && left <= 604_800_000)]).toEqual([key, true])
  }
  expect(keys).toContain(`bull:${queueName}:quota:t:acme:backlog:ids`)
})
