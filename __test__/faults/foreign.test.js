'use strict'
// What others left in the keys of the queue.
const { keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { expectAll, useFaults } = require('../support/faults.js')
const { dump } = require('../support/keyspace.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const on = useFaults()
const row = 24

beforeEach(() => database.redis.flushdb())

/** A pipeline and what it was put up against. */
function begin(about) {
  const pipeline = on.pipeline({ connection: database.url })
  return { pipeline, fault: on.fault({ row, ...about, pipeline }) }
}

test('a key of the wrong type refuses every call with an error for the operator, and not a byte is left', async () => {
  const { redis } = database
  const { fault } = begin({ fault: 'key of the wrong type', done: 'each key of the queue in turn set to a string' })
  await fault.burst(5)
  for (const key of ['wait', 'meta', 'id', 'events', 'marker'].map(keyOf)) {
    await redis.rename(key, 'aside')
    await (key === keyOf('id') ? redis.rpush(key, 'x') : redis.set(key, 'x'))
    const before = await dump(redis)
    expectAll(await fault.burst(20), {
      code: 'MISCONFIGURED',
      outcome: 'refused',
      error: { status: 500, retryable: false, cause: { message: expect.stringContaining('WRONGTYPE') } },
    })
    expect(await dump(redis)).toEqual(before)
    await redis.rename('aside', key)
  }
  await fault.recovers()
  await fault.ends(redis)
})

describe.each([5, 6])('a queue that BullMQ %i paused', (major) => {
  test('takes jobs, and its worker gets all of them once it is resumed', async () => {
    const { redis } = database
    const { fault } = begin({ fault: `paused by BullMQ ${major}`, done: '`queue.pause()`, later `resume()`' })
    await bullmq.announce(major)
    const queue = await bullmq.queue(major)
    await queue.pause()
    const outcomes = await fault.burst(50, { jobOptions: undefined })
    expectAll(outcomes, { code: 'queued' })
    // Where each major looks for them: 6 leaves them in `wait`, 5 parks them in `paused`.
    expect(await redis.llen(keyOf(major === 5 ? 'paused' : 'wait'))).toBe(50)
    await fault.recovers()
    await fault.ends(redis)

    await queue.resume()
    const worker = await bullmq.worker(major, null, { autorun: false })
    const done = []
    for (let job = await worker.getNextJob('t', { block: false }); job; ) {
      done.push(job.id)
      await job.moveToCompleted('done', 't', false)
      job = await worker.getNextJob('t', { block: false })
    }
    expect(done).toEqual(expect.arrayContaining(outcomes.map((outcome) => outcome.jobId)))
  })
})

describe('a job that is there already', () => {
  /** Brings a job of BullMQ's own to each state. */
  const states = {
    waiting: (queue, _, ticket) => referenceAdd(queue, ticket),
    delayed: (queue, _, ticket) => referenceAdd(queue, ticket, { delay: 3_600_000 }),
    prioritized: (queue, _, ticket) => referenceAdd(queue, ticket, { priority: 3 }),
    active: async (queue, worker, ticket) => {
      await referenceAdd(queue, ticket)
      return worker.getNextJob('t', { block: false })
    },
    completed: async (queue, worker, ticket) =>
      (await states.active(queue, worker, ticket)).moveToCompleted('done', 't', false),
    failed: async (queue, worker, ticket) => {
      await referenceAdd(queue, ticket, { attempts: 1 })
      const job = await worker.getNextJob('t', { block: false })
      await job.moveToFailed(new Error('no'), 't', false)
    },
  }

  test.each(Object.keys(states))('and %s stays as it is, and no second one is made', async (state) => {
    const { redis } = database
    const { fault } = begin({ fault: `the job is ${state}`, done: 'a job of BullMQ 6 with the same id' })
    const [queue, worker] = [await bullmq.queue(6), await bullmq.worker(6, null, { autorun: false })]
    const ticket = newTicket()
    await states[state](queue, worker, ticket)
    const before = (await dump(redis))[jobKey(ticket)]
    expectAll(await fault.burst([ticket, ticket]), { code: 'queued' })
    expect((await dump(redis))[jobKey(ticket)]).toEqual(before)
    expect(await (await queue.getJob(jobId(ticket))).getState()).toBe(state)
    await fault.recovers()
    await fault.ends(redis)
  })

  test('in part only, in no list, is left as BullMQ leaves it', async () => {
    const { redis } = database
    const { fault, pipeline } = begin({ fault: 'a stale part of a job', done: 'a hash without data, in no list' })
    const queue = await bullmq.queue(6)
    const [ours, theirs] = [newTicket(), newTicket()]
    for (const ticket of [ours, theirs]) await redis.hset(jobKey(ticket), 'stacktrace', '[]')
    // Not one of the fault's calls, which must each have a job that can run.
    await pipeline.enqueue(ours, recorder())
    await referenceAdd(queue, theirs)
    const { [jobKey(ours)]: left, [jobKey(theirs)]: reference } = await dump(redis)
    expect(left).toEqual(reference)
    expect(await redis.llen(keyOf('wait'))).toBe(0)
    fault.remark('`queued`, as from BullMQ: the id is taken, and nothing runs until the hash is removed')
    await fault.recovers()
    await fault.ends(redis)
  })
})
