'use strict'
// Jobs that are children of another: the parent learns of them as of those that BullMQ adds.
const { keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { usePipelines } = require('../support/pipelines.js')
const { useDatabase } = require('../support/redis.js')
const { OTHER, TICKET, useStates } = require('../support/states.js')
const { jobId, jobKey, rejection } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const { activate, bothFromHere, seedJob } = useStates(database, bullmq)
const pipeline = usePipelines()

const timestamp = 1_800_000_000_000
const parent = { id: 'p1', queue: 'bull:orders' }
const parentKey = 'bull:orders:p1'
const PLACED = { timestamp: 1_700_000_000_000 }

beforeEach(() => database.redis.flushdb())

/** Has a Queue or a FlowProducer of `orders` do something, and closes it. */
async function withOrders(major, kind, act) {
  const Kind = bullmq.exports(major)[kind]
  const options = { connection: database.connection, skipMetasUpdate: true }
  const it = kind === 'Queue' ? new Kind('orders', options) : new Kind(options)
  it.on('error', () => {})
  try {
    return await act(it)
  } finally {
    await it.close()
  }
}

const placeOrder = (major, options) =>
  withOrders(major, 'Queue', (orders) => orders.add('place', {}, { jobId: 'p1', ...PLACED, ...options }))

/** A parent that waits for the job of OTHER. */
const placeFlow = (major, options) =>
  withOrders(major, 'FlowProducer', (flows) =>
    flows.add({
      name: 'place',
      queueName: 'orders',
      opts: { jobId: 'p1', ...PLACED, ...options },
      children: [
        {
          name: 'triage',
          queueName: 'ticket-triage',
          data: OTHER,
          opts: { jobId: jobId(OTHER), timestamp: PLACED.timestamp },
        },
      ],
    }),
  )

/** A parent whose other child has come to its end, so that it waits for nothing but what a test adds. */
async function placeBare(major, options) {
  await placeFlow(major, options)
  await database.redis.del(`${parentKey}:dependencies`, jobKey(OTHER))
  await database.redis.lrem(keyOf('wait'), 0, jobId(OTHER))
}

async function complete(queue, major, options) {
  await seedJob(queue, TICKET, options)
  const job = await activate(major)
  await job.moveToCompleted({ some: 'result' }, 'a worker', false)
}

async function compare(queue, options) {
  const enqueue = pipeline(options)
  let result
  const { expected, actual } = await bothFromHere(
    () => referenceAdd(queue, TICKET, options),
    async () => {
      result = await enqueue(TICKET)
    },
  )
  expect(actual).toEqual(expected)
  return { result, left: actual }
}

describe.each([6, 5])('beside BullMQ %d', (major) => {
  test.each([
    ['that waits', {}, () => placeOrder(major)],
    ['that waits, of a delayed child', { delay: 5000 }, () => placeOrder(major)],
    ['that waits, of a prioritised child', { priority: 5 }, () => placeOrder(major)],
    ['that waits, of a lifo child', { lifo: true }, () => placeOrder(major)],
    ['that waits for another child', {}, () => placeFlow(major)],
    ['that is to fail with its child', { failParentOnFailure: true }, () => placeFlow(major)],
    ['that is to go on without its child', { continueParentOnFailure: true }, () => placeFlow(major)],
    ['that is to ignore its child', { ignoreDependencyOnFailure: true }, () => placeFlow(major)],
    ['that is to lose its child', { removeDependencyOnFailure: true }, () => placeFlow(major)],
    ['that is delayed', { failParentOnFailure: false }, () => placeOrder(major, { delay: 60_000 })],
  ])('a child of a parent %s is the same', async (_, options, seed) => {
    await seed()
    const { result, left } = await compare(await bullmq.queue(major), { ...options, parent, timestamp })
    expect(result).toEqual({ jobId: jobId(TICKET), status: 'queued', created: true })
    expect(left[`${parentKey}:dependencies`].value).toContain(jobKey(TICKET))
  })

  test('a parent of the same queue is one as well', async () => {
    const queue = await bullmq.queue(major)
    await seedJob(queue, OTHER)
    await compare(queue, { parent: { id: jobId(OTHER), queue: 'bull:ticket-triage' }, timestamp })
  })

  test('a parent with a strange name is one as well', async () => {
    const queue = await bullmq.queue(major)
    const strange = { id: 'the "first"/\n1', queue: 'a:b:c d' }
    await database.redis.hset(`${strange.queue}:${strange.id}`, 'name', 'place')
    await compare(queue, { parent: strange, timestamp })
  })

  test('a parent that is not there is the same refusal, and nothing is written', async () => {
    const queue = await bullmq.queue(major)
    await seedJob(queue, OTHER)
    const before = await dump(database.redis)
    for (const more of [{}, { delay: 5 }, { priority: 5 }]) {
      await expect(referenceAdd(queue, TICKET, { parent, ...more })).rejects.toMatchObject({ code: -5 })
      const error = await rejection(pipeline({ parent, ...more })(TICKET))
      expect(error).toMatchObject({ code: 'MISSING_PARENT', outcome: 'refused', jobId: jobId(TICKET) })
      expect(await dump(database.redis)).toEqual(before)
    }
  })

  test('in one tick, a child without its parent keeps the others from nothing', async () => {
    await placeFlow(major)
    const enqueue = pipeline()
    const tickets = ['a', 'b', 'c'].map((ticketId) => ({ ...TICKET, ticketId }))
    const calls = tickets.map((ticket, n) => enqueue(ticket, { parent: n === 1 ? { ...parent, id: 'gone' } : parent }))
    const ends = await Promise.allSettled(calls)
    expect(ends.map(({ status, reason }) => reason?.code ?? status)).toEqual([
      'fulfilled',
      'MISSING_PARENT',
      'fulfilled',
    ])
    expect((await database.redis.smembers(`${parentKey}:dependencies`)).sort()).toEqual(
      [OTHER, tickets[0], tickets[2]].map(jobKey).sort(),
    )
  })

  // --- a child whose id is there already ----------------------------------------------------------------------------

  const duplicate = (state) => ({
    jobId: jobId(TICKET),
    status: 'queued',
    created: false,
    existing: { state, sameData: true },
  })

  test.each([
    ['a waiting one', 'waiting', (queue) => seedJob(queue, TICKET)],
    ['a delayed one', 'delayed', (queue) => seedJob(queue, TICKET, { delay: 60_000 })],
    ['one of the same parent', 'waiting', (queue) => seedJob(queue, TICKET, { parent })],
  ])('a child that is there already, %s, gets the parent', async (_, state, seed) => {
    await placeFlow(major)
    const queue = await bullmq.queue(major)
    await database.redis.del(keyOf('wait'))
    await seed(queue)
    const { result } = await compare(queue, { parent, failParentOnFailure: true, timestamp })
    expect(result).toEqual(duplicate(state))
    expect(await database.redis.hget(jobKey(TICKET), 'parentKey')).toBe(parentKey)
  })

  test.each([
    ['and is put behind those that wait', {}],
    ['and is delayed again', { delay: 5000 }],
    ['and goes by its priority', { priority: 5 }],
  ])('a child that has completed counts as one that is processed, which lets the parent go %s', async (_, options) => {
    const queue = await bullmq.queue(major)
    await complete(queue, major)
    await placeBare(major, options)
    const { result, left } = await compare(queue, { parent, timestamp })
    expect(result).toEqual(duplicate('completed'))
    expect(left['bull:orders:waiting-children']).toBeUndefined()
    expect(left[`${parentKey}:processed`].value).toEqual({ [jobKey(TICKET)]: '{"some":"result"}' })
  })

  test('a parent that waits for others as well does not go', async () => {
    const queue = await bullmq.queue(major)
    await complete(queue, major)
    await placeFlow(major)
    const { left } = await compare(queue, { parent, timestamp })
    expect(left['bull:orders:waiting-children'].value).toHaveLength(1)
  })

  test.each(['pause', 'setGlobalConcurrency'])(
    'a parent whose queue has been told to %s wakes nobody',
    async (method) => {
      const queue = await bullmq.queue(major)
      await complete(queue, major)
      await placeBare(major)
      // Only with its version in the meta is it known whose way of pausing that is.
      const orders = new (bullmq.exports(major).Queue)('orders', { connection: database.connection })
      await orders.getVersion()
      await orders.waitUntilReady()
      await orders[method](0)
      await orders.close()
      await compare(queue, { parent, timestamp })
    },
  )

  test('a child of another parent that is there is the same refusal, and only the counter has moved', async () => {
    const queue = await bullmq.queue(major)
    await placeFlow(major)
    await seedJob(queue, TICKET, { parent })
    await withOrders(major, 'Queue', (orders) => orders.add('place', {}, { jobId: 'p2', ...PLACED }))
    const other = { parent: { ...parent, id: 'p2' }, timestamp }
    const counter = keyOf('id')
    const withoutCounter = ({ [counter]: _, ...rest }) => rest
    const before = withoutCounter(await dump(database.redis))
    await expect(referenceAdd(queue, TICKET, other)).rejects.toMatchObject({ code: -7 })
    expect(withoutCounter(await dump(database.redis))).toEqual(before)
    const error = await rejection(pipeline(other)(TICKET))
    expect(error).toMatchObject({ code: 'PARENT_CONFLICT', outcome: 'refused', jobId: jobId(TICKET) })
    expect(withoutCounter(await dump(database.redis))).toEqual(before)
  })

  test('a job that has a parent is a plain duplicate where none is given', async () => {
    const queue = await bullmq.queue(major)
    await placeFlow(major)
    await seedJob(queue, TICKET, { parent })
    const { result } = await compare(queue, { timestamp })
    expect(result).toMatchObject({ created: false })
  })
})

// 5 leaves such a child to nobody, and says it is a duplicate.
test('a child of another parent that is gone gets the new one, as with BullMQ 6', async () => {
  const queue = await bullmq.queue(6)
  await placeFlow(6)
  await seedJob(queue, TICKET, { parent })
  await withOrders(6, 'Queue', (orders) => orders.add('place', {}, { jobId: 'p2', ...PLACED }))
  await database.redis.del(parentKey)
  const { left } = await compare(queue, { parent: { ...parent, id: 'p2' }, timestamp })
  expect(left['bull:orders:p2:dependencies'].value).toEqual([jobKey(TICKET)])
})

test.each([6, 5])('with Workers of BullMQ %d a parent runs after its children, with their results', async (major) => {
  const { Worker } = bullmq.exports(major)
  await placeFlow(major)
  const enqueue = pipeline({ parent })
  const tickets = ['a', 'b', 'c'].map((ticketId) => ({ ...TICKET, ticketId }))
  await Promise.all(tickets.map((ticket, n) => enqueue(ticket, n === 2 ? { priority: 3 } : undefined)))
  const order = []
  const orders = new Worker(
    'orders',
    async (job) => {
      order.push('p1')
      return job.getChildrenValues()
    },
    { connection: database.connection },
  )
  orders.on('error', () => {})
  try {
    const done = new Promise((resolve) => orders.once('completed', (_, values) => resolve(values)))
    await bullmq.worker(major, async (job) => {
      order.push(job.id)
      return job.data.ticketId
    })
    expect(await done).toEqual(
      Object.fromEntries([OTHER, ...tickets].map((ticket) => [jobKey(ticket), ticket.ticketId])),
    )
    expect(order).toEqual([...[OTHER, ...tickets].map(jobId), 'p1'])
  } finally {
    await orders.close()
  }
})
