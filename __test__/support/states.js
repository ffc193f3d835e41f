'use strict'
// Queues in every state that matters to whoever adds a job, each made by BullMQ itself.
const { keyOf, referenceAdd } = require('./bullmq.js')
const { dumpAfter, restore, snapshot } = require('./keyspace.js')

/** The ticket that a test enqueues. */
const TICKET = {
  tenantId: 'acme',
  ticketId: 'T-1',
  summary: 'The printer prints "blank" pages\n/ 50 %, 印刷できない \ud800',
}
/** One that was there before. */
const OTHER = { tenantId: 'acme', ticketId: 'T-0', summary: 'Came before' }

/**
 * @param {{ connection: object, redis: import('ioredis').Redis }} database what useDatabase() gave
 * @param {object} bullmq what useBullmq() gave
 */
function useStates(database, bullmq) {
  const TOKEN = 'a worker'

  // A fixed timestamp, so that a job of the seed is never taken for the one that a test adds.
  const seedJob = (queue, ticket, options) => referenceAdd(queue, ticket, { timestamp: 1_700_000_000_000, ...options })

  /** Takes the next job as a worker does, and leaves it active. */
  async function activate(major) {
    const worker = await bullmq.worker(major, null, { autorun: false })
    const job = await worker.getNextJob(TOKEN, { block: false })
    expect(await job.getState()).toBe('active')
    // A worker that had to wait for the job would have taken the marker first.
    await database.redis.del(keyOf('marker'))
    return job
  }

  async function fail(queue, major, attempts) {
    await seedJob(queue, TICKET, { attempts })
    const job = await activate(major)
    await job.moveToFailed(new Error('no answer'), TOKEN)
  }

  async function trimmed(queue, maxLenEvents) {
    await database.redis.hset(keyOf('meta'), 'opts.maxLenEvents', maxLenEvents)
    for (let n = 0; n < 130; n++) await seedJob(queue, { ...OTHER, ticketId: `T-${n + 100}` })
  }

  // Each leaves the queue in a state of its own. `only` names the major whose way of pausing it is, `state` what has become
  // of the job whose id the call is for.
  const states = [
    { title: 'an empty Redis', async seed() {} },
    { title: 'a queue that a Queue opened', seed: (_, major) => bullmq.announce(major) },
    { title: 'a waiting job', seed: (queue) => seedJob(queue, OTHER) },
    {
      title: 'another opts.maxLenEvents',
      seed: () => database.redis.hset(keyOf('meta'), 'opts.maxLenEvents', 25),
    },
    { title: 'more events than opts.maxLenEvents allows', seed: (queue) => trimmed(queue, 25) },
    { title: 'an opts.maxLenEvents of 0', seed: (queue) => trimmed(queue, 0) },
    {
      title: 'a queue paused by BullMQ 6 with jobs waiting',
      only: 6,
      async seed(queue, major) {
        await bullmq.announce(major)
        await seedJob(queue, OTHER)
        await queue.pause()
      },
    },
    {
      title: 'a queue paused by BullMQ 6 with no job waiting',
      only: 6,
      async seed(queue, major) {
        await bullmq.announce(major)
        await queue.pause()
      },
    },
    {
      title: 'a queue paused by BullMQ 5 with jobs in `paused`',
      only: 5,
      async seed(queue, major) {
        await bullmq.announce(major)
        await seedJob(queue, OTHER)
        await queue.pause()
        await seedJob(queue, { ...OTHER, ticketId: 'T-00' })
      },
    },
    {
      title: 'a queue paused by BullMQ 5 with no job waiting',
      only: 5,
      async seed(queue, major) {
        await bullmq.announce(major)
        await queue.pause()
      },
    },
    {
      title: 'a paused queue with a global concurrency',
      only: 6,
      async seed(queue, major) {
        await bullmq.announce(major)
        await queue.setGlobalConcurrency(5)
        await queue.pause()
      },
    },
    {
      title: 'a resumed queue',
      async seed(queue, major) {
        await bullmq.announce(major)
        await seedJob(queue, OTHER)
        await queue.pause()
        await queue.resume()
      },
    },
    {
      title: 'a global concurrency that is not reached',
      async seed(queue, major) {
        await queue.setGlobalConcurrency(2)
        await seedJob(queue, OTHER)
        await activate(major)
      },
    },
    {
      title: 'a global concurrency that is reached',
      async seed(queue, major) {
        await queue.setGlobalConcurrency(1)
        await seedJob(queue, OTHER)
        await activate(major)
      },
    },
    { title: 'the id existing as a waiting job', state: 'waiting', seed: (queue) => seedJob(queue, TICKET) },
    {
      title: 'the id existing as a delayed job',
      state: 'delayed',
      seed: (queue) => seedJob(queue, TICKET, { delay: 60_000 }),
    },
    {
      title: 'the id existing as a job that waits for its retry',
      state: 'delayed',
      seed: (queue, major) => fail(queue, major, 3),
    },
    {
      title: 'the id existing as an active job',
      state: 'active',
      async seed(queue, major) {
        await seedJob(queue, TICKET)
        await activate(major)
      },
    },
    {
      title: 'the id existing as a completed job',
      state: 'completed',
      async seed(queue, major) {
        await seedJob(queue, TICKET)
        const job = await activate(major)
        await job.moveToCompleted('done', TOKEN, false)
      },
    },
    { title: 'the id existing as a failed job', state: 'failed', seed: (queue, major) => fail(queue, major, 1) },
  ]

  const cases = states.flatMap(({ only, state = 'unknown', ...rest }) =>
    [6, 5].filter((major) => !only || only === major).map((major) => ({ ...rest, state, major })),
  )

  /** What `reference` and `ours` each leave behind, from the bytes that the database holds now. */
  async function bothFromHere(reference, ours) {
    const image = await snapshot(database.redis)
    const expected = await dumpAfter(database.redis, reference)
    await restore(database.redis, image)
    return { expected, actual: await dumpAfter(database.redis, ours) }
  }

  return { activate, bothFromHere, cases, seedJob, trimmed }
}

module.exports = { OTHER, TICKET, useStates }
