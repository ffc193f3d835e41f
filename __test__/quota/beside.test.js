'use strict'
// Quotas beside the rest: what watches calls, sweeps that repair records, a key that is broken, jobs that BullMQ has.
const diagnostics = require('node:diagnostics_channel')
const { useBullmq } = require('../support/bullmq.js')
const { SLOW, input, outcomes, storage, tally, useQuotas } = require('../support/quotas.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const quotas = useQuotas(database)
const bullmq = useBullmq(database)
const slow = (limit) => ({ rate: { limit, periodMs: SLOW } })

test('a call that is watched tells the step in which Redis is asked, and calls that are refused are counted', async () => {
  const pipeline = quotas.pipeline(slow(1))
  const seen = []
  const channel = diagnostics.tracingChannel('enqueue-boundary:enqueue')
  const listener = { asyncEnd: ({ steps }) => seen.push(steps.map(({ name }) => name)) }
  channel.subscribe(listener)
  await outcomes([pipeline.enqueue(input(), storage)])
  await outcomes([pipeline.enqueue(input(), storage)])
  channel.unsubscribe(listener)
  expect(seen).toEqual([
    ['validate', 'admit', 'record', 'enqueue', 'settle'],
    ['validate', 'admit', 'settle'],
  ])
  expect(pipeline.stats().outcomes).toMatchObject({ created: 1, rejected: { QUOTA_EXCEEDED: 1 } })
})

test('a sweep is held to no quota: its records were admitted when they were made', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline({ ...slow(1), backlog: 1, inFlight: 1 }, { queueName })
  await outcomes([pipeline.enqueue(input(), storage)])
  const records = Array.from({ length: 5 }, (_, at) => ({
    jobId: `${queueName}:acme:r${at}`,
    input: input('acme', `r${at}`),
  }))
  const swept = await pipeline.sweep({
    pending: () => records.splice(0),
    onQueued: () => {},
    onFinished: () => {},
  })
  expect(swept).toMatchObject({ created: 5, rejected: 0 })
})

test('a backlog that is broken is in the way of no other tenant', async () => {
  const queueName = quotas.newQueue()
  await database.redis.set(`bull:${queueName}:quota:t:broken:backlog:ids`, 'x')
  const pipeline = quotas.pipeline({ backlog: 2 }, { queueName })
  const orgs = ['a', 'b', 'broken', 'c', 'd', 'e', 'broken', 'f']
  const all = await outcomes(orgs.map((org) => pipeline.enqueue(input(org), storage)))
  expect(all).toEqual(orgs.map((org) => (org === 'broken' ? 'MISCONFIGURED' : 'queued')))
})

test('jobs of one queue that come from two pipelines are counted together', async () => {
  const queueName = quotas.newQueue()
  const [one, other] = [quotas.pipeline(slow(3), { queueName }), quotas.pipeline(slow(3), { queueName })]
  const calls = [one, other, one, other].map((pipeline) => pipeline.enqueue(input(), storage))
  expect(tally(await outcomes(calls))).toEqual({ queued: 3, rate: 1 })
  const elsewhere = quotas.pipeline(slow(3))
  expect(await outcomes([elsewhere.enqueue(input(), storage)])).toEqual(['queued'])
})

test.each([6, 5])('nothing that is kept of quotas is in the way of BullMQ %d', async (major) => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline({ ...slow(100), backlog: 100 }, { queueName })
  const { Queue } = bullmq.exports(major)
  const queue = new Queue(queueName, { connection: database.connection, skipMetasUpdate: true })
  const all = Array.from({ length: 6 }, () => input())
  await outcomes(all.map((it) => pipeline.enqueue(it, storage)))
  expect(await queue.getJobCounts('wait', 'completed', 'failed')).toMatchObject({ wait: 6 })
  expect((await queue.getJobs()).map(({ id }) => id).sort()).toEqual(
    all.map(({ org, item }) => `${queueName}:${org}:${item}`).sort(),
  )
  expect(await queue.getJobs(['wait'], 0, 1)).toHaveLength(2)
  await queue.clean(0, 100, 'wait')
  await queue.drain(true)
  await queue.obliterate({ force: true })
  await queue.close()
  const left = await database.redis.keys(`bull:${queueName}:*`)
  expect(left.every((key) => key.startsWith(`bull:${queueName}:quota:`))).toBe(true)
  for (const key of left) expect(await database.redis.pttl(key)).toBeGreaterThan(0)
})

test('a pipeline without a quota leaves nothing of one', async () => {
  const queueName = quotas.newQueue()
  const plain = quotas.pipeline(undefined, { queueName, onQuotaUnavailable: undefined })
  await outcomes([plain.enqueue(input(), storage)])
  expect('uncheckedQuotas' in plain.stats()).toBe(false)
  expect(await database.redis.keys(`bull:${queueName}:quota:*`)).toEqual([])
})
