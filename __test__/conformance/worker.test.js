'use strict'
// Unmodified Workers and QueueEvents of both majors take what the boundary wrote.
const { once } = require('node:events')
const { enqueueTicketTriage } = require('../..')
const { JOB_OPTIONS, keyOf, useBullmq } = require('../support/bullmq.js')
const { runChild } = require('../support/child.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)

const enqueue = (ticket) => enqueueTicketTriage(ticket, recorder())
const newTickets = (count) => Array.from({ length: count }, () => newTicket())

beforeEach(() => database.redis.flushdb())

/** The first argument of each of the next `count` events. Ask before the cause. */
function next(emitter, event, count) {
  return new Promise((resolve) => {
    const seen = []
    emitter.on(event, (first) => {
      seen.push(first)
      if (seen.length === count) resolve(seen)
    })
  })
}

/** Resolves once a worker on this file's database sleeps on the marker. */
async function workerSleeps() {
  const asleep = new RegExp(` flags=\\S*b.* db=${database.connection.db} .* cmd=bzpopmin `)
  while (!asleep.test(await database.redis.client('LIST'))) {}
}

describe.each([6, 5])('BullMQ %d', (major) => {
  test('a Worker runs our jobs in order, with the id, name, data and options of the reference', async () => {
    const tickets = newTickets(20)
    for (const ticket of tickets) await enqueue(ticket)
    const worker = await bullmq.worker(major, async (job) => job.data.ticketId)
    const jobs = await next(worker, 'completed', 20)
    expect(jobs.map(({ id, name, data, opts, returnvalue }) => ({ id, name, data, opts, returnvalue }))).toEqual(
      tickets.map((ticket) => ({
        id: jobId(ticket),
        name: 'triage',
        data: ticket,
        opts: { ...JOB_OPTIONS, jobId: jobId(ticket) },
        returnvalue: ticket.ticketId,
      })),
    )
    expect(await jobs[0].getState()).toBe('completed')
  })

  test('a Worker that sleeps on an empty queue is woken by our job', async () => {
    // An hour, so that nothing but our marker can wake it before the test is given up.
    const worker = await bullmq.worker(major, async () => 'done', { drainDelay: 3600 })
    await workerSleeps()
    const ticket = newTicket()
    const completed = next(worker, 'completed', 1)
    await enqueue(ticket)
    const [job] = await completed
    expect(job.id).toBe(jobId(ticket))
  })

  test('a job that keeps failing is tried three times, 5 and 10 seconds apart, and then stays failed', async () => {
    const worker = await bullmq.worker(major, async () => {
      throw new Error('the model gives no answer')
    })
    const attempt = async (start) => {
      const failed = next(worker, 'failed', 1)
      const before = Date.now()
      await start()
      const [job] = await failed
      return { job, before, after: Date.now() }
    }
    const ticket = newTicket()
    let start = () => enqueue(ticket)
    for (const delay of [5000, 10_000]) {
      const { job, before, after } = await attempt(start)
      expect(await job.getState()).toBe('delayed')
      const due = Math.floor((await database.redis.zscore(keyOf('delayed'), job.id)) / 4096)
      expect(due).toBeGreaterThanOrEqual(before + delay)
      expect(due).toBeLessThanOrEqual(after + delay)
      // Instead of waiting until it is due.
      start = () => job.promote()
    }
    const { job } = await attempt(start)
    expect(await job.getState()).toBe('failed')
    expect(job.attemptsMade).toBe(3)
    expect(await database.redis.hmget(jobKey(ticket), 'atm', 'failedReason')).toEqual([
      '3',
      'the model gives no answer',
    ])
  })

  test('of 1005 completed jobs the last 1000 are kept', async () => {
    const worker = await bullmq.worker(major, async () => 'done', { concurrency: 50 })
    const completed = next(worker, 'completed', 1005)
    await Promise.all(newTickets(1005).map(enqueue))
    await completed
    const kept = await database.redis.zrange(keyOf('completed'), 0, -1)
    expect(kept).toHaveLength(1000)
    expect((await database.redis.keys(keyOf('ticket-triage:*'))).sort()).toEqual(kept.map(keyOf).sort())
  })

  test.each([
    ['completed', 86_400],
    ['failed', 604_800],
  ])('a %s job is removed when another one does the same %d seconds later', async (state, age) => {
    const { UnrecoverableError } = bullmq.exports(major)
    const worker = await bullmq.worker(major, async () => {
      if (state === 'failed') throw new UnrecoverableError('the ticket makes no sense')
    })
    const finish = async (ticket) => {
      const finished = next(worker, state, 1)
      await enqueue(ticket)
      await finished
    }
    const [old, recent, last] = newTickets(3)
    await finish(old)
    await finish(recent)
    // As if they had finished a minute too early, and a minute too late, to be removed.
    const finishedSecondsAgo = (ticket, seconds) =>
      database.redis.zadd(keyOf(state), 'XX', 'CH', Date.now() - seconds * 1000, jobId(ticket))
    expect(await finishedSecondsAgo(old, age + 60)).toBe(1)
    expect(await finishedSecondsAgo(recent, age - 60)).toBe(1)
    await finish(last)
    expect(await database.redis.zrange(keyOf(state), 0, -1)).toEqual([recent, last].map(jobId))
    expect(await database.redis.exists(jobKey(old))).toBe(0)
  })

  test('QueueEvents sees our job added and waiting, and a second call for it duplicated', async () => {
    const events = await bullmq.events(major)
    const seen = []
    for (const event of ['added', 'waiting', 'duplicated'])
      events.on(event, (fields) => seen.push({ event, ...fields }))
    const duplicated = once(events, 'duplicated')
    const ticket = newTicket()
    await enqueue(ticket)
    await enqueue(ticket)
    await duplicated
    expect(seen).toEqual([
      { event: 'added', jobId: jobId(ticket), name: 'triage' },
      { event: 'waiting', jobId: jobId(ticket) },
      { event: 'duplicated', jobId: jobId(ticket) },
    ])
  })
})

test('two processes that enqueue the same tickets at once make one job of each', async () => {
  const tickets = newTickets(200)
  const ready = []
  const onLine = (line, child) => {
    if (line !== 'ready') return
    ready.push(child)
    if (ready.length === 2) for (const each of ready) each.kill('SIGUSR2')
  }
  const program = `
    const untilTold = setInterval(() => {}, 1e6)
    process.once('SIGUSR2', async () => {
      clearInterval(untilTold)
      const calls = ${JSON.stringify(tickets)}.map((ticket) => enqueueTicketTriage(ticket, storage))
      console.log(JSON.stringify(await Promise.all(calls)))
    })
    console.log('ready')
  `
  const ends = await Promise.all([runChild(program, { onLine }), runChild(program, { onLine })])
  const queued = tickets.map((ticket) => ({ jobId: jobId(ticket), status: 'queued' }))
  for (const { code, stdout, stderr } of ends) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout.split('\n')[1])).toEqual(queued)
  }
  expect((await database.redis.lrange(keyOf('wait'), 0, -1)).sort()).toEqual(tickets.map(jobId).sort())
  const kinds = (await database.redis.xrange(keyOf('events'), '-', '+')).map(([, fields]) => fields[1])
  expect(kinds.filter((kind) => kind === 'added')).toHaveLength(200)
  expect(kinds.filter((kind) => kind === 'duplicated')).toHaveLength(200)
})
