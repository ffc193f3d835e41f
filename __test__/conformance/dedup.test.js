'use strict'
// Deduplication in all its modes, against a winner in every state: the same keys as with BullMQ, and the answer says which
// job is there.
//
// What BullMQ 5.81 does otherwise than 6.7 is done as 6.7 does it: 5 writes a `debounced` event before each `deduplicated`
// one, leaves a key whose job is lost as it is, keeps what is stored in `dn` for a job that is replaced, and does not know
// `reschedule`.
const { keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { usePipelines } = require('../support/pipelines.js')
const { useDatabase } = require('../support/redis.js')
const { OTHER, TICKET, useStates } = require('../support/states.js')
const { jobId, jobKey } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const { activate, bothFromHere, seedJob } = useStates(database, bullmq)
const pipeline = usePipelines()

const timestamp = 1_800_000_000_000
const KEY = keyOf('de:d')
const NEXT = keyOf('dn:d')
/** What the winner's time began with, and what that of the jobs after it does. */
const [FIRST_TTL, TTL] = [60_000, 600_000]

beforeEach(() => database.redis.flushdb())

const MODES = {
  simple: {},
  throttle: { ttl: TTL },
  'a ttl of 0': { ttl: 0 },
  extend: { ttl: TTL, extend: true },
  'extend without a ttl': { extend: true },
  replace: { replace: true },
  'replace with a ttl': { replace: true, ttl: TTL },
  'replace and extend': { replace: true, ttl: TTL, extend: true },
  keepLastIfActive: { keepLastIfActive: true },
  'keepLastIfActive with a ttl': { keepLastIfActive: true, ttl: TTL },
  'keepLastIfActive and extend': { keepLastIfActive: true, ttl: TTL, extend: true },
  'keepLastIfActive and replace': { keepLastIfActive: true, replace: true, ttl: TTL },
  reschedule: { reschedule: true },
  'reschedule and extend': { reschedule: true, ttl: TTL, extend: true },
  'reschedule and keepLastIfActive': { reschedule: true, keepLastIfActive: true },
  'reschedule and replace': { reschedule: true, replace: true },
}

const winnerOf = (queue, more, ttl) => seedJob(queue, OTHER, { deduplication: { id: 'd', ttl }, ...more })

async function complete(queue, major, ttl) {
  await winnerOf(queue, {}, ttl)
  const job = await activate(major)
  await job.moveToCompleted('done', 'a worker', false)
}

async function lose(queue, ttl) {
  await winnerOf(queue, {}, ttl)
  await database.redis.del(jobKey(OTHER))
}

const keepAnother = () => database.redis.hset(NEXT, { name: 'triage', data: '{}', opts: '{}', jid: 'before' })

const WINNERS = {
  'with no winner': async () => {},
  'with a waiting winner': (queue, _, ttl) => winnerOf(queue, {}, ttl),
  'with a delayed winner': (queue, _, ttl) => winnerOf(queue, { delay: 60_000 }, ttl),
  'with a prioritised winner': (queue, _, ttl) => winnerOf(queue, { priority: 4 }, ttl),
  'with an active winner': async (queue, major, ttl) => {
    await winnerOf(queue, {}, ttl)
    await activate(major)
  },
  'with a completed winner': complete,
  'with a winner that is gone': (queue, _, ttl) => lose(queue, ttl),
  'with the data of another kept for a delayed winner': async (queue, _, ttl) => {
    await winnerOf(queue, { delay: 60_000 }, ttl)
    await keepAnother()
  },
  'with the data of another kept for an active winner': async (queue, major, ttl) => {
    await winnerOf(queue, {}, ttl)
    await activate(major)
    await keepAnother()
  },
}

const KINDS = {
  plain: {},
  delayed: { delay: 5000 },
  prioritised: { priority: 3 },
  lifo: { lifo: true },
}

/** Only BullMQ 6 does this as we do. */
const onlySix = (mode, winner) =>
  winner === 'with a winner that is gone' ||
  ('reschedule' in MODES[mode] && /delayed/.test(winner)) ||
  ('replace' in MODES[mode] && winner === 'with the data of another kept for a delayed winner')

const withoutDebounced = (entries) => entries.filter(([[, event]]) => event !== 'debounced')

/** What both leave, with whether the key is kept for as long as the winner has it, longer, or for ever. */
async function compare(
  queue,
  options,
  act = (enqueue) => enqueue(TICKET),
  add = () => referenceAdd(queue, TICKET, options),
) {
  const { redis } = database
  const enqueue = pipeline(options)
  const remaining = []
  let result
  const time = async () => {
    const left = await redis.pttl(KEY)
    remaining.push(left < 0 ? left : left > FIRST_TTL ? 'longer' : 'as before')
  }
  const { expected, actual } = await bothFromHere(
    async () => {
      await add()
      await time()
    },
    async () => {
      result = await act(enqueue)
      await time()
    },
  )
  const events = keyOf('events')
  expected[events].value = withoutDebounced(expected[events].value)
  expect(actual).toEqual(expected)
  expect(remaining[1]).toBe(remaining[0])
  return { result, left: actual }
}

const cases = [6, 5].flatMap((major) =>
  Object.keys(WINNERS).flatMap((winner) =>
    Object.keys(MODES)
      .filter((mode) => major === 6 || !onlySix(mode, winner))
      .map((mode) => ({ major, winner, mode })),
  ),
)

describe.each(cases)('$mode, $winner, beside BullMQ $major', ({ major, winner, mode }) => {
  test.each(major === 6 ? Object.keys(KINDS) : ['delayed'])('a %s job', async (kind) => {
    for (const ttl of [undefined, FIRST_TTL]) {
      await database.redis.flushdb()
      const queue = await bullmq.queue(major)
      await WINNERS[winner](queue, major, ttl)
      const [holder, state] = [await database.redis.get(KEY), await queue.getJobState(jobId(OTHER))]
      const options = { ...KINDS[kind], deduplication: { id: 'd', ...MODES[mode] }, timestamp }
      const { result, left } = await compare(queue, options)
      const own = { jobId: jobId(TICKET) }
      if (left[jobKey(TICKET)] !== undefined) {
        expect(result).toEqual({ ...own, status: 'queued', created: true })
        expect(left[jobKey(TICKET)].value.deid).toBe('d')
      } else {
        expect(holder).toBe(jobId(OTHER))
        const existing = { jobId: holder, state: winner.endsWith('gone') ? expect.any(String) : state }
        expect(result).toEqual({ ...own, status: 'deduplicated', created: false, existing })
      }
    }
  })
})

test.each([6, 5])(
  'an id that is there already is a duplicate, whoever has the key, as with BullMQ %d',
  async (major) => {
    const queue = await bullmq.queue(major)
    await seedJob(queue, TICKET)
    await winnerOf(queue, { delay: 60_000 })
    const { result, left } = await compare(queue, { deduplication: { id: 'd', replace: true }, timestamp })
    expect(result).toMatchObject({ status: 'queued', created: false, existing: { state: 'waiting' } })
    expect(left[KEY].value).toBe(jobId(OTHER))
  },
)

test.each(Object.keys(MODES))('%s, eight jobs in one tick', async (mode) => {
  const queue = await bullmq.queue(6)
  const deduplication = { id: 'd', ...MODES[mode] }
  const jobs = Array.from({ length: 8 }, (_, n) => ({
    ticket: { ...TICKET, ticketId: `B-${n}` },
    // Those of one kind, as only these have an order among each other.
    options: { delay: 5000 + n, timestamp, deduplication },
  }))
  const { result } = await compare(
    queue,
    {},
    (enqueue) => Promise.all(jobs.map(({ ticket, options }) => enqueue(ticket, options))),
    async () => {
      for (const { ticket, options } of jobs) await referenceAdd(queue, ticket, options)
    },
  )
  const created = result.filter((each) => each.created).length
  expect(created).toBe(MODES[mode].replace ? 8 : 1)
})

test('deduplication ids of several kinds are keys of their own', async () => {
  const queue = await bullmq.queue(6)
  for (const id of ['a:b', '印刷', 'two words', '"quoted"\n', 'x'.repeat(1000)]) {
    await database.redis.flushdb()
    const { left } = await compare(queue, { deduplication: { id }, timestamp })
    expect(left[keyOf(`de:${id}`)].value).toBe(jobId(TICKET))
  }
})

describe.each([6, 5])('with a Worker of BullMQ %d', (major) => {
  test('the last of the jobs that came while the first was processed is run after it', async () => {
    const enqueue = pipeline({ deduplication: { id: 'd', keepLastIfActive: true } })
    const tickets = ['first', 'dropped', 'last'].map((ticketId) => ({ ...TICKET, ticketId }))
    await enqueue(tickets[0])
    let goOn
    const mayEnd = new Promise((resolve) => {
      goOn = resolve
    })
    const ran = []
    const worker = await bullmq.worker(
      major,
      async (job) => {
        ran.push(job.data)
        if (ran.length === 1) await mayEnd
      },
      { autorun: false },
    )
    const active = new Promise((resolve) => worker.once('active', resolve))
    const both = new Promise((resolve) => {
      worker.on('completed', () => ran.length === 2 && resolve())
    })
    worker.run()
    await active
    for (const ticket of tickets.slice(1)) {
      expect(await enqueue(ticket)).toMatchObject({ status: 'deduplicated', existing: { state: 'active' } })
    }
    goOn()
    await both
    expect(ran).toEqual([tickets[0], tickets[2]])
  })

  test('a job that is finished makes room for the next', async () => {
    const enqueue = pipeline({ deduplication: { id: 'd' } })
    const worker = await bullmq.worker(major, async () => 'done')
    const completed = () => new Promise((resolve) => worker.once('completed', resolve))
    for (const ticketId of ['one', 'two']) {
      const end = completed()
      expect(await enqueue({ ...TICKET, ticketId })).toMatchObject({ status: 'queued', created: true })
      await end
    }
  })
})
