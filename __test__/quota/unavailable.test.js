'use strict'
// Quotas while something fails: Redis, the way to it, the record. What is taken, what goes back.
const { once } = require('node:events')
const { useFaults } = require('../support/faults.js')
const { SLOW, input, letsThrough, outcomes, storage, tally, useQuotas } = require('../support/quotas.js')
const { freePort, useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const database = useDatabase()
const quotas = useQuotas(database)
const on = useFaults()

const slow = (limit) => ({ rate: { limit, periodMs: SLOW } })
const many = (count, org) => Array.from({ length: count }, () => input(org))
const enqueue = (pipeline, ...inputs) => outcomes(inputs.map((it) => pipeline.enqueue(it, storage)))

describe('with Redis away', () => {
  test('closed refuses with 503 and no record, and never with 429', async () => {
    const nowhere = { host: '127.0.0.1', port: await freePort() }
    const pipeline = quotas.pipeline({ ...slow(1), backlog: 1 }, { connection: nowhere })
    const records = recorder()
    const error = await rejection(pipeline.enqueue(input(), records, { timeoutMs: 2000 }))
    expect(error).toMatchObject({ code: 'QUOTA_UNAVAILABLE', status: 503, outcome: 'refused', retryable: true })
    expect([error.headers, error.cause.code]).toEqual([{ 'retry-after': '1' }, 'ECONNREFUSED'])
    expect(records.records).toEqual([])
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, waitingForRedis: 0, bytes: 0, uncheckedQuotas: 0 })
  })

  test('open makes the record while there is time, is counted, and goes on when Redis is back', async () => {
    const server = await on.absentServer()
    const pipeline = quotas.pipeline(slow(1), { connection: server.url, onQuotaUnavailable: 'open' })
    const records = recorder()
    const calls = many(3).map((it) => pipeline.enqueue(it, records, { timeoutMs: 200 }))
    expect(await outcomes(calls)).toEqual(Array(3).fill('QUEUE_UNAVAILABLE'))
    expect([records.records.length, pipeline.stats().uncheckedQuotas]).toEqual([3, 3])
    const waiting = many(3).map((it) => pipeline.enqueue(it, records, { timeoutMs: 20_000 }))
    await until(() => records.records.length === 6)
    await server.up()
    expect(await outcomes(waiting)).toEqual(['queued', 'queued', 'queued'])
    expect(tally(await enqueue(pipeline, ...many(3)))).toEqual({ queued: 1, rate: 2 })
  })

  test('a server that is stopped amid the question is unavailable too', async () => {
    const server = await on.server()
    const pipeline = quotas.pipeline(slow(9), { connection: server.url })
    await enqueue(pipeline, input())
    server.freeze()
    const calls = many(20).map((it) => pipeline.enqueue(it, storage, { timeoutMs: 100 }))
    expect(tally(await outcomes(calls))).toEqual({ QUOTA_UNAVAILABLE: 20 })
  })

  test.each(['hset', 'set', 'rpush', 'pexpire', 'hmget', 'time'])(
    'a user who may not run %s is MISCONFIGURED, and nothing is taken',
    async (command) => {
      const server = await on.server()
      const admin = on.client(server.url)
      const setUser = (...rules) => admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', ...rules)
      await setUser(`-${command}`)
      const connection = { port: server.port, username: 'web', password: 'secret' }
      const pipeline = quotas.pipeline({ ...slow(1), backlog: 1 }, { connection })
      const error = await rejection(pipeline.enqueue(input(), storage))
      expect([error.code, error.status, error.cause.code]).toEqual(['MISCONFIGURED', 500, 'NOPERM'])
      expect(await admin.keys('*')).toEqual([])
      await setUser()
      expect(await enqueue(pipeline, ...many(2))).toEqual(['queued', 'rate'])
    },
  )

  test('what was said to a call is not kept where its rate is not', async () => {
    const server = await on.server()
    const admin = on.client(server.url)
    await admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', '-pexpire')
    const connection = { port: server.port, username: 'web', password: 'secret' }
    const pipeline = quotas.pipeline(slow(1), { connection })
    expect(await enqueue(pipeline, input())).toEqual(['MISCONFIGURED'])
    // Nothing else takes it away in the time of a call, which is a minute.
    const left = await Promise.all((await admin.keys('*')).map((key) => admin.pttl(key)))
    expect(left.every((ms) => ms <= 1)).toBe(true)
  })

  test.each(['lrange', 'ltrim'])('so is one who may not run %s, once a backlog is full', async (command) => {
    const server = await on.server()
    const admin = on.client(server.url)
    const setUser = (...rules) => admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', ...rules)
    await setUser(`-${command}`)
    const connection = { port: server.port, username: 'web', password: 'secret' }
    const queueName = quotas.newQueue()
    const pipeline = quotas.pipeline({ ...slow(9), backlog: 2 }, { connection, queueName })
    expect(await enqueue(pipeline, ...many(3, 'new'))).toEqual(['queued', 'queued', 'MISCONFIGURED'])
    expect(await enqueue(pipeline, ...many(2, 'new'))).toEqual(['MISCONFIGURED', 'MISCONFIGURED'])
    const base = `bull:${queueName}:quota`
    expect(await admin.llen(`${base}:t:new:backlog:ids`)).toBe(2)
    expect(await admin.pttl(`${base}:t:new:backlog:ids`)).toBeGreaterThan(0)
    await setUser()
    expect(await enqueue(pipeline, ...many(2, 'new'))).toEqual(['backlog', 'backlog'])
  })

  test('keys of another type are MISCONFIGURED, and nothing is taken', async () => {
    const queueName = quotas.newQueue()
    await database.redis.set(`bull:${queueName}:quota:t:acme:backlog:ids`, 'x')
    const pipeline = quotas.pipeline({ ...slow(1), backlog: 1 }, { queueName })
    expect(await enqueue(pipeline, input())).toEqual(['MISCONFIGURED'])
    expect(await database.redis.exists(`bull:${queueName}:quota:rates`)).toBe(0)
  })
})

describe('what was taken goes back', () => {
  const both = { ...slow(3), backlog: 3 }

  test.each([
    ['createPending rejects', { createPending: () => Promise.reject(new Error('no')) }, {}],
    [
      'createPending throws',
      {
        createPending: () => {
          throw new Error('no')
        },
      },
      {},
    ],
    ['createPending takes too long', { createPending: () => new Promise(() => {}) }, { timeoutMs: 300 }],
  ])('when %s', async (_, failing, options) => {
    const pipeline = quotas.pipeline(both)
    const calls = many(3).map((it) => pipeline.enqueue(it, failing, options))
    expect((await outcomes(calls)).includes('queued')).toBe(false)
    expect(await letsThrough(pipeline, 3)).toMatch(/rate|backlog/)
  })

  test('when createPendingMany rejects', async () => {
    const pipeline = quotas.pipeline(both)
    await pipeline.enqueueMany(many(3), { createPendingMany: () => Promise.reject(new Error('no')) })
    expect(await letsThrough(pipeline, 3)).toMatch(/rate|backlog/)
  })

  test('when Redis refuses the job', async () => {
    const server = await on.server()
    const admin = on.client(server.url)
    const name = quotas.newQueue()
    const other = quotas.pipeline(both, { connection: server.url, queueName: name })
    const spoiling = { createPending: () => admin.set(`bull:${name}:events`, 'x') }
    expect(await outcomes([other.enqueue(input(), spoiling)])).toEqual(['MISCONFIGURED'])
    await admin.del(`bull:${name}:events`)
    expect(await letsThrough(other, 3)).toMatch(/rate|backlog/)
  })

  test('but not of a call whose job may be there', async () => {
    const server = await on.server()
    const pipeline = quotas.pipeline(both, { connection: server.url })
    const freezing = { createPending: () => server.freeze() }
    const calls = many(3).map((it) => pipeline.enqueue(it, freezing, { timeoutMs: 500 }))
    const ends = await outcomes(calls)
    server.thaw()
    expect(ends.includes('queued')).toBe(false)
    const unknown = ends.filter((it) => it === 'OUTCOME_UNKNOWN').length
    await pipeline.states(['none'])
    const next = tally(await enqueue(pipeline, ...many(4)))
    expect(next.queued ?? 0).toBeLessThanOrEqual(3 - unknown)
  })
})

test('a call that asks again after a lost answer takes nothing twice, and is told the same', async () => {
  const server = await on.server()
  const proxy = await on.proxy(server.port)
  const pipeline = quotas.pipeline({ ...slow(40), backlog: 40 }, { connection: proxy.url })
  await enqueue(pipeline, input('warm'))
  for (let round = 0; round < 10; round++) {
    const org = `again-${round}`
    // The answer is lost after some of its bytes, or before any.
    proxy.cutReply(round === 0 ? 1 : 7 * round, 'reset')
    const cut = once(proxy, 'cut')
    const all = tally(await enqueue(pipeline, ...many(60, org)))
    await cut
    proxy.heal()
    expect(all.queued).toBe(40)
    expect((all.rate ?? 0) + (all.backlog ?? 0)).toBe(20)
  }
})
