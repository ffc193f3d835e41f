'use strict'
// From the same bytes, one call of the boundary and one `queue.add` of BullMQ must leave the same keys.
const { enqueueTicketTriage } = require('../..')
const { JOB_OPTIONS, keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { useDatabase } = require('../support/redis.js')
const { TICKET, useStates } = require('../support/states.js')
const { jobId, jobKey } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)

const { bothFromHere, cases, trimmed } = useStates(database, bullmq)

const storage = { createPending() {} }
const burstOf = (tickets) => () => Promise.all(tickets.map((ticket) => enqueueTicketTriage(ticket, storage)))
const inSequence = (queue, tickets) => async () => {
  for (const ticket of tickets) await referenceAdd(queue, ticket)
}

// Trimming drops whole nodes of the stream. By default they are bounded in bytes, some of which depend on the clock.
beforeAll(() => database.redis.config('SET', 'stream-node-max-bytes', 0))
beforeEach(() => database.redis.flushdb())

test.each(cases)(
  'from $title, one call leaves what queue.add of BullMQ $major leaves',
  async ({ seed, state, major }) => {
    const queue = await bullmq.queue(major)
    await seed(queue, major)
    expect(await queue.getJobState(jobId(TICKET))).toBe(state)
    const { expected, actual } = await bothFromHere(
      () => referenceAdd(queue, TICKET),
      () => enqueueTicketTriage(TICKET, storage),
    )
    expect(actual).toEqual(expected)
  },
)

describe.each([6, 5])('50 calls in one tick, two of them for an id that the tick has already', (major) => {
  const tickets = Array.from({ length: 48 }, (_, n) => ({ ...TICKET, ticketId: `B-${n}` }))
  tickets.splice(20, 0, tickets[3])
  tickets.push(tickets[40])

  test.each([10_000, 25, 0])(`leave what 50 adds of BullMQ ${major} leave with opts.maxLenEvents %d`, async (max) => {
    const queue = await bullmq.queue(major)
    await trimmed(queue, max)
    const { expected, actual } = await bothFromHere(inSequence(queue, tickets), burstOf(tickets))
    expect(actual).toEqual(expected)
  })
})

test('a job has exactly the fields, options and data of the reference', async () => {
  const { redis } = database
  await enqueueTicketTriage({ ...TICKET, undeclared: 'x' }, storage)
  const { opts, timestamp, ...fields } = await redis.hgetall(jobKey(TICKET))
  expect(fields).toEqual({ name: 'triage', data: JSON.stringify(TICKET), delay: '0', priority: '0' })
  expect(JSON.parse(opts)).toEqual({ ...JOB_OPTIONS, jobId: jobId(TICKET) })
  expect(timestamp).toMatch(/^\d{13}$/)
  expect(Object.keys(await dump(redis)).sort()).toEqual(
    ['events', 'id', 'marker', 'meta', 'wait', jobId(TICKET)].map(keyOf).sort(),
  )
})
