'use strict'
// Quotas over processes, whatever their clocks say, over very many tenants, and beside one that floods.
const { Redis } = require('ioredis')
const { runChild } = require('../support/child.js')
const { Clock } = require('../support/clock.js')
const { SLOW, input, outcomes, storage, tally, useQuotas } = require('../support/quotas.js')
const { useDatabase } = require('../support/redis.js')
const { rejection } = require('../support/tickets.js')

const database = useDatabase()
const quotas = useQuotas(database)

/** Enqueues for so many milliseconds, as fast as it can, and prints when each call was let through, by the server's clock. */
const flood = (queueName, quota, ms) => `
  const { Pipeline } = require('.')
  const pipeline = new Pipeline({
    queueName: ${JSON.stringify(queueName)}, jobName: 'work', tenant: 'org', jobId: ['org', 'item'],
    schema: ${JSON.stringify(quotas.schema)}, quota: ${JSON.stringify(quota)}, onQuotaUnavailable: 'closed',
    connection: ${JSON.stringify(database.url)}, timeoutMs: 60_000,
  })
  const end = performance.now() + ${ms}
  let queued = 0, refused = 0, at = 0
  const storage = { createPending() {} }
  async function caller() {
    while (performance.now() < end) {
      try {
        await pipeline.enqueue({ org: 'acme', item: process.pid + '-' + at++ }, storage)
        queued++
      } catch (error) {
        if (error.code !== 'QUOTA_EXCEEDED') throw error
        refused++
        await new Promise((resolve) => setTimeout(resolve, Math.min(error.retryAfterMs, 5)))
      }
    }
  }
  Promise.all(Array.from({ length: 20 }, caller))
    .then(() => pipeline.close())
    .then(() => console.log(JSON.stringify({ queued, refused, clock: Date.now() })))`

async function run(program, env) {
  const { code, stdout, stderr } = await runChild(program, { bare: true, env })
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout)
}

/** The server's time in microseconds. */
async function serverTime(redis) {
  const [seconds, rest] = await redis.time()
  return Number(seconds) * 1e6 + Number(rest)
}

test('four processes, whose clocks are hours apart, are together never one call over the rate', async () => {
  const queueName = quotas.newQueue()
  const rate = { limit: 200, periodMs: 1000, burst: 50 }
  const clocks = [0, 3_600_000, -3_600_000, 0].map((offset) => {
    const clock = new Clock()
    clock.set(offset)
    return clock
  })
  const begun = await serverTime(database.redis)
  const all = await Promise.all(clocks.map((clock) => run(flood(queueName, { rate }, 1500), clock.env)))
  const ms = ((await serverTime(database.redis)) - begun) / 1000
  for (const clock of clocks) clock.remove()
  const clock = all.map((it) => it.clock)
  expect(Math.max(...clock) - Math.min(...clock)).toBeGreaterThan(7_000_000)
  const queued = all.reduce((sum, it) => sum + it.queued, 0)
  expect(all.reduce((sum, it) => sum + it.refused, 0)).toBeGreaterThan(0)
  expect(queued).toBeGreaterThanOrEqual(rate.burst)
  expect(queued).toBeLessThanOrEqual(rate.burst + (ms * rate.limit) / rate.periodMs)
  expect(await database.redis.llen(`bull:${queueName}:wait`)).toBe(queued)
})

test('three processes that race for a backlog, or for a burst, get it whole and not one more', async () => {
  for (const quota of [{ backlog: 75 }, { rate: { limit: 75, periodMs: SLOW } }]) {
    const queueName = quotas.newQueue()
    const all = await Promise.all([1, 2, 3].map(() => run(flood(queueName, quota, 700))))
    expect(all.reduce((sum, it) => sum + it.queued, 0)).toBe(75)
    expect(await database.redis.llen(`bull:${queueName}:wait`)).toBe(75)
  }
})

test('10 000 tenants at once have each its own', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline(
    { rate: { limit: 2, periodMs: SLOW }, backlog: 3 },
    { queueName, timeoutMs: 240_000 },
  )
  const calls = Array.from({ length: 30_000 }, (_, at) => pipeline.enqueue(input(`org-${at % 10_000}`), storage))
  expect(tally(await outcomes(calls))).toEqual({ queued: 20_000, rate: 10_000 })
  expect(await database.redis.hlen(`bull:${queueName}:quota:rates`)).toBe(10_001)
  expect(await database.redis.pttl(`bull:${queueName}:quota:rates`)).toBeGreaterThan(0)
})

describe('rates of however many tenants', () => {
  /** As it is a minute later: the field `about` begins with the time at which the hash becomes the one before. */
  const itIsTime = async (rates) => {
    const about = await database.redis.hget(rates, 'about')
    await database.redis.hset(rates, 'about', about.replace(/^\d+/, '1'))
  }

  test('take no room once they are made good', async () => {
    const queueName = quotas.newQueue()
    const [rates, before] = [`bull:${queueName}:quota:rates`, `bull:${queueName}:quota:rates-before`]
    const pipeline = quotas.pipeline({ rate: { limit: 1000, periodMs: 1000 } }, { queueName })
    const enqueue = async (...orgs) => outcomes(orgs.map((org) => pipeline.enqueue(input(org), storage)))
    await enqueue(...Array.from({ length: 2000 }, (_, at) => `org-${at}`))
    await itIsTime(rates)
    await enqueue('one')
    expect([await database.redis.hlen(rates), await database.redis.hlen(before)]).toEqual([2, 2001])
    const left = await database.redis.pttl(before)
    expect(left > 0 && left <= 61_000).toBe(true)
    // The next waits until those are gone.
    await enqueue('two')
    await itIsTime(rates)
    await enqueue('three')
    expect(await database.redis.hlen(before)).toBe(2001)
    await database.redis.del(before)
    await itIsTime(rates)
    await enqueue('four')
    expect([await database.redis.hlen(rates), await database.redis.hlen(before)]).toEqual([2, 4])
  })

  test('hold a tenant until then, whichever of the two it is in', async () => {
    const queueName = quotas.newQueue()
    const rates = `bull:${queueName}:quota:rates`
    const pipeline = quotas.pipeline({ rate: { limit: 2, periodMs: SLOW } }, { queueName })
    const enqueue = async (org) => (await outcomes([pipeline.enqueue(input(org), storage)]))[0]
    expect([await enqueue('a'), await enqueue('a'), await enqueue('b')]).toEqual(['queued', 'queued', 'queued'])
    await itIsTime(rates)
    expect([await enqueue('c'), await enqueue('a'), await enqueue('b'), await enqueue('b')]).toEqual([
      'queued',
      'rate',
      'queued',
      'rate',
    ])
    const failing = { createPending: () => Promise.reject(new Error('no')) }
    await expect(pipeline.enqueue(input('d'), failing)).rejects.toThrow('no')
    await itIsTime(rates)
    // What goes back of a rate among those before is kept among those of now.
    const [left] = await outcomes([pipeline.enqueue(input('c'), failing)])
    expect(left).toBe('no')
    await pipeline.states(['none'])
    expect([await enqueue('c'), await enqueue('c')]).toEqual(['queued', 'rate'])
  })

  test('stay given back for as long as the one before has what they were', async () => {
    const queueName = quotas.newQueue()
    const rates = `bull:${queueName}:quota:rates`
    const limits = { slow: { limit: 1, periodMs: SLOW }, fast: { limit: 1000, periodMs: 1000 } }
    const pipeline = quotas.pipeline((org) => ({ rate: limits[org] }), { queueName })
    const failing = {
      async createPending() {
        await itIsTime(rates)
        await pipeline.enqueue(input('fast'), storage)
        throw new Error('no')
      },
    }
    await expect(pipeline.enqueue(input('slow'), failing)).rejects.toThrow('no')
    await pipeline.states(['none'])
    expect(await database.redis.hexists(`${rates}-before`, 't:slow')).toBe(1)
    expect(await database.redis.hexists(rates, 't:slow')).toBe(1)
    expect(await database.redis.pttl(rates)).toBeGreaterThan(SLOW - 600_000)
  })

  test('are kept no longer because a clock was set back', async () => {
    const queueName = quotas.newQueue()
    const [rates, before] = [`bull:${queueName}:quota:rates`, `bull:${queueName}:quota:rates-before`]
    const pipeline = quotas.pipeline({ rate: { limit: 1000, periodMs: 1000 } }, { queueName })
    await pipeline.enqueue(input(), storage)
    const about = await database.redis.hget(rates, 'about')
    await database.redis.hset(
      rates,
      'about',
      about.replace(/^\d+/, (turn) => `${turn}0`),
    )
    await pipeline.enqueue(input(), storage)
    expect(await database.redis.hlen(before)).toBe(2)
  })
})

test('a tenant whose storage hangs takes its own places and nobody else’s', async () => {
  const pipeline = quotas.pipeline({ inFlight: 10 }, { maxInFlight: 20, onQuotaUnavailable: undefined })
  const hanging = { createPending: () => new Promise(() => {}) }
  const flooding = Array.from({ length: 500 }, () => pipeline.enqueue(input('flood'), hanging, { timeoutMs: 2000 }))
  const others = await outcomes(Array.from({ length: 8 }, (_, at) => pipeline.enqueue(input(`quiet-${at}`), storage)))
  expect(others).toEqual(Array(8).fill('queued'))
  expect(tally(await outcomes(flooding))).toEqual({ STORAGE_TIMEOUT: 10, inFlight: 490 })
  // Without it they fill the pipeline.
  const without = quotas.pipeline(undefined, { maxInFlight: 20, onQuotaUnavailable: undefined })
  const filling = Array.from({ length: 500 }, () => without.enqueue(input('flood'), hanging, { timeoutMs: 500 }))
  expect((await rejection(without.enqueue(input('quiet'), storage))).code).toBe('OVERLOADED')
  await outcomes(filling)
})

test('what a call with a quota costs: one script more, and what that asks for all calls of a batch', async () => {
  const { OwnServer } = require('../support/redis.js')
  const server = await OwnServer.start()
  const redis = new Redis(server.url)
  const spent = async (work) => {
    await redis.config('RESETSTAT')
    await work()
    const info = await redis.info('commandstats')
    const calls = Array.from(info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name, count]) => [
      name,
      Number(count),
    ])
    return Object.fromEntries(calls.filter(([name]) => !/config|info/.test(name)))
  }
  const own = { queueName: quotas.newQueue(), connection: server.url }
  const held = quotas.pipeline({ rate: { limit: 1_000_000, periodMs: 1000 }, backlog: 1_000_000 }, own)
  const plain = quotas.pipeline(undefined, { ...own, onQuotaUnavailable: undefined })
  for (const pipeline of [held, plain]) await pipeline.enqueue(input(), storage)
  const one = (pipeline) => spent(() => pipeline.enqueue(input(), storage))
  const [without, having] = [await one(plain), await one(held)]
  expect(having.evalsha - without.evalsha).toBe(1)
  const together = (pipeline, count) =>
    spent(() => Promise.all(Array.from({ length: count }, () => pipeline.enqueue(input(), storage))))
  const [few, many] = [await together(plain, 1000), await together(held, 1000)]
  // 16 and 8 were measured.
  expect(many.evalsha).toBeLessThan(3 * few.evalsha + 8)
  const more = Object.entries(many).reduce((sum, [name, count]) => sum + count - (few[name] ?? 0), 0)
  // A place in the backlog for each, and some for each script.
  expect(more).toBeLessThan(1000 + 40 * many.evalsha)
  await redis.quit()
  await server.stop()
})
