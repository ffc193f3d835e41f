'use strict'
// Calls at the same moment share a script, and nothing else: what one job is refused for is not told to the others.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { keyOf } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')
const { newTicket } = require('../support/tickets.js')

const database = useDatabase()
const storage = { createPending() {} }
let pipeline
beforeEach(() => database.redis.flushdb())
afterEach(() => pipeline.close())

/** What calls come to that are made at once, of which those at `bad` are told to do what Redis refuses. */
async function enqueue(count, bad, options) {
  pipeline = new Pipeline({ ...ticketTriageDefinition })
  const own = (at) => (bad.includes(at) ? options : { delay: 60_000 })
  const calls = Array.from({ length: count }, (_, at) =>
    pipeline.enqueue(newTicket(), storage, { jobOptions: own(at) }),
  )
  const settled = await Promise.allSettled(calls)
  return settled.map(({ value, reason }) => value?.created ?? reason)
}

test.each([
  ['a parent whose key is a stream', { parent: { id: 'events', queue: 'bull:ticket-triage' } }],
  ['a parent whose key is a list', { parent: { id: 'wrong', queue: 'bull:ticket-triage' } }],
  ['a deduplication whose key is a list', { deduplication: { id: 'wrong' } }],
])('%s is refused alone', async (_, options) => {
  await database.redis.xadd(keyOf('events'), '*', 'event', 'x')
  for (const name of ['wrong', 'de:wrong']) await database.redis.rpush(keyOf(name), 'x')
  const told = await enqueue(150, [7, 100], options)
  for (const [at, outcome] of told.entries()) {
    if (at !== 7 && at !== 100) expect(outcome).toBe(true)
    else expect(outcome).toMatchObject({ code: 'MISCONFIGURED', outcome: 'refused', cause: { code: 'WRONGTYPE' } })
  }
  expect(await database.redis.zcard(keyOf('delayed'))).toBe(148)
  expect(await database.redis.get(keyOf('id'))).toBe('148')
})

test('a queue that is broken refuses them all', async () => {
  await database.redis.rpush(keyOf('delayed'), 'x')
  const told = await enqueue(20, [], undefined)
  for (const outcome of told) expect(outcome).toMatchObject({ code: 'MISCONFIGURED', outcome: 'refused' })
})
