'use strict'
// Jobs that come one after the other and are nearly alike are each stored as what they are, and before what is asked of the queue.
const { createRedisBackend } = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)

test.each([
  [
    ['x', { jobId: 'a', attempts: 3 }],
    ['ix', { attempts: 3 }],
  ],
  [
    ['ix', { attempts: 3 }],
    ['x', { jobId: 'a', attempts: 3 }],
  ],
  [
    ['', { jobId: 'a' }],
    ['i', {}],
  ],
  [
    ['n', { jobId: 'a' }],
    ['', {}],
  ],
])('names that differ by a letter where ids do are two names: %j, %j', async (...jobs) => {
  const { queue } = queues.queue(queues.name())
  const added = []
  for (const [name, opts] of jobs) added.push(await queue.add(name, {}, opts))
  const stored = await Promise.all(added.map(({ id }) => queue.getJob(id)))
  expect(stored.map(({ name, opts: { jobId, attempts } }) => [name, { jobId, attempts }])).toEqual(
    jobs.map(([name, { jobId, attempts = 0 }], at) => [name, { jobId: jobId ?? added[at].opts.jobId, attempts }]),
  )
})

test('a timestamp that is text is BullMQ’s to take', async () => {
  const name = queues.name()
  const { queue } = queues.queue(name)
  const timestamp = '1700000000000'
  const job = await queue.add('go', {}, { timestamp })
  const own = await queues.plain(name).add('go', {}, { timestamp })
  const [ours, theirs] = await Promise.all([job, own].map(({ id }) => queue.getJob(id)))
  expect(ours.timestamp).toBe(theirs.timestamp)
})

test('what is asked of a queue waits for the jobs before it, though one behind them was refused', async () => {
  const backend = boundaryBackend(createRedisBackend, { maxInFlight: 8 })
  const { queue } = queues.queue(queues.name(), { backend })
  await expect(queue.getWaitingCount()).resolves.toBe(0)
  const adds = Array.from({ length: 20 }, (_, at) => queue.add('go', {}, { jobId: `a${at}` }))
  await expect(Promise.race(adds)).rejects.toMatchObject({ code: 'OVERLOADED' })
  const waiting = await queue.getWaitingCount()
  const added = (await Promise.allSettled(adds)).filter(({ status }) => status === 'fulfilled')
  expect(waiting).toBe(added.length)
  expect(waiting).toBeGreaterThan(0)
})
