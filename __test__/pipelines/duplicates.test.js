'use strict'
// What becomes of a job whose id is there already: the table of docs/jobs.md, cell by cell, over jobs of ours and of both
// majors of BullMQ.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { FaultyProxy } = require('../../tools/proxy.js')
const { keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { runChild } = require('../support/child.js')
const { dump, dumpAfter, restore, snapshot } = require('../support/keyspace.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const TOKEN = 'a worker'
// A fixed one, so that a job that was there is never taken for the one that a call makes.
const BEFORE = { timestamp: 1_700_000_000_000 }

const opened = []
const open = (options) => {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: database.url, timeoutMs: 60_000, ...options })
  opened.push(pipeline)
  return pipeline
}
const enqueue = (pipeline, ticket, options) => pipeline.enqueue(ticket, recorder(), options)

beforeEach(() => database.redis.flushdb())
afterEach(async () => {
  await Promise.all(opened.splice(0).map((pipeline) => pipeline.close()))
})

/** Who may have made the job that is there. */
const MAKERS = {
  us: async (ticket, options) => {
    await enqueue(open(), ticket, { jobOptions: { ...BEFORE, ...options } })
    return bullmq.queue(6)
  },
  'BullMQ 5': (ticket, options) => madeBy(5, ticket, options),
  'BullMQ 6': (ticket, options) => madeBy(6, ticket, options),
}

async function madeBy(major, ticket, options) {
  const queue = await bullmq.queue(major)
  await referenceAdd(queue, ticket, { ...BEFORE, ...options })
  return queue
}

const majorOf = (maker) => (maker === 'BullMQ 5' ? 5 : 6)

/** Takes the next job as a worker does. */
async function take(major) {
  const worker = await bullmq.worker(major, null, { autorun: false })
  return worker.getNextJob(TOKEN, { block: false })
}

const complete = async (major) => (await take(major)).moveToCompleted('done', TOKEN, false)
const fail = async (major) => (await take(major)).moveToFailed(new Error('no answer'), TOKEN, false)
const once = { attempts: 1 }

/** Makes a parent in another queue, for a job to have. */
async function makeParent() {
  await database.redis.hset('bull:parents:p', {
    name: 'p',
    data: '{}',
    opts: '{}',
    timestamp: 1,
    delay: 0,
    priority: 0,
  })
  await database.redis.zadd('bull:parents:waiting-children', 1, 'p')
  return { parent: { id: 'p', queue: 'bull:parents' } }
}

// `ended` is what the job came to, where it did and nothing keeps it.
const STATES = {
  waiting: { make: (make) => make() },
  delayed: { make: (make) => make({ delay: 3_600_000, timestamp: Date.now() }) },
  prioritized: { make: (make) => make({ priority: 5 }) },
  'waiting-children': {
    async make(make, { major, id }) {
      await make()
      const job = await take(major)
      await database.redis.sadd(`${keyOf(id)}:dependencies`, keyOf('a-child'))
      expect(await job.moveToWaitingChildren(TOKEN)).toBe(true)
    },
  },
  active: {
    async make(make, { major }) {
      await make()
      await take(major)
    },
  },
  completed: {
    ended: 'completed',
    async make(make, { major }) {
      await make()
      await complete(major)
    },
  },
  failed: {
    ended: 'failed',
    async make(make, { major }) {
      await make(once)
      await fail(major)
    },
  },
  'completed, with a parent': {
    async make(make, { major }) {
      await make(await makeParent())
      await complete(major)
    },
  },
  'failed, with a parent': {
    async make(make, { major }) {
      await make({ ...once, ...(await makeParent()) })
      await fail(major)
    },
  },
  'completed, with children': {
    async make(make, { major, id }) {
      await make()
      await complete(major)
      await database.redis.hset(`${keyOf(id)}:processed`, keyOf('a-child'), '1')
    },
  },
  'failed, with children': {
    async make(make, { major, id }) {
      await make(once)
      await fail(major)
      await database.redis.zadd(`${keyOf(id)}:unsuccessful`, 1, keyOf('a-child'))
    },
  },
  unknown: {
    async make(make, { id }) {
      await make()
      await database.redis.lrem(keyOf('wait'), 1, id)
    },
  },
}

const REUSE = { never: [], afterFailed: ['failed'], afterFinished: ['failed', 'completed'] }
const ROWS = Object.entries(STATES).flatMap(([title, state]) =>
  Object.keys(MAKERS).map((maker) => [title, maker, state]),
)

/** The keys of a queue but those that a call writes whatever it finds. */
async function jobsOf(redis) {
  const { [keyOf('events')]: _events, [keyOf('id')]: _id, [keyOf('meta')]: _meta, ...rest } = await dump(redis)
  return rest
}

describe.each(ROWS)('a job that is %s, made by %s', (title, maker, { make, ended }) => {
  const state = title.split(',')[0]

  test.each(Object.keys(REUSE))('with idReuse %s', async (idReuse) => {
    const { redis } = database
    const ticket = newTicket()
    const at = { major: majorOf(maker), id: jobId(ticket) }
    await make((options) => MAKERS[maker](ticket, options), at)
    const before = await jobsOf(redis)
    const result = await enqueue(open({ idReuse }), ticket)
    if (REUSE[idReuse].includes(ended)) {
      expect(result).toEqual({ jobId: at.id, status: 'queued', created: true })
      expect(await redis.lrange(keyOf('wait'), 0, -1)).toEqual([at.id])
      expect(await redis.zscore(keyOf(ended), at.id)).toBeNull()
      expect(await redis.hexists(jobKey(ticket), 'finishedOn')).toBe(0)
    } else {
      const existing = { state, sameData: true }
      expect(result).toEqual({ jobId: at.id, status: 'queued', created: false, existing })
      expect(await jobsOf(redis)).toEqual(before)
    }
  })
})

test.each(Object.keys(REUSE))('where there is no job it is created, with idReuse %s', async (idReuse) => {
  const ticket = newTicket()
  const created = { jobId: jobId(ticket), status: 'queued', created: true }
  expect(await enqueue(open({ idReuse }), ticket)).toEqual(created)
})

describe.each([6, 5])('a job of BullMQ %d that makes room', (major) => {
  test.each([
    ['failed', fail, {}],
    ['completed', complete, {}],
    ['failed', fail, { deduplication: { id: 'd', ttl: 3_600_000 } }],
    ['completed', complete, { deduplication: { id: 'd', ttl: 3_600_000 } }],
  ])('when it %s leaves what job.remove() and an add leave', async (state, end, options) => {
    const { redis } = database
    const ticket = newTicket()
    const queue = await madeBy(major, ticket, { ...once, ...options })
    await end(major)
    const job = await queue.getJob(jobId(ticket))
    expect(await job.getState()).toBe(state)
    await job.log('a line')
    if (options.deduplication) await redis.hset(keyOf('dn:d'), { name: 'triage', data: '{}', opts: '{}' })
    // A worker may wait for another moment.
    await redis.del(keyOf('marker'))
    const image = await snapshot(redis)
    const expected = await dumpAfter(redis, async () => {
      await job.remove()
      await referenceAdd(queue, ticket)
    })
    await restore(redis, image)
    const pipeline = open({ idReuse: 'afterFinished' })
    const actual = await dumpAfter(redis, () => enqueue(pipeline, ticket))
    expect(actual).toEqual(expected)
  })
})

test('a deduplication that another job stands for stays when a job of it makes room', async () => {
  const { redis } = database
  const ticket = newTicket()
  await madeBy(6, ticket, { ...once, deduplication: { id: 'd', ttl: 3_600_000 } })
  await fail(6)
  await redis.set(keyOf('de:d'), 'another')
  expect(await enqueue(open({ idReuse: 'afterFailed' }), ticket)).toMatchObject({ created: true })
  expect(await redis.get(keyOf('de:d'))).toBe('another')
})

describe('sameData', () => {
  const definition = { ...ticketTriageDefinition, schema: true, jobId: () => 'ticket-triage:a:b', record: [] }
  const long = 'x'.repeat(70_000)

  test.each([
    ['the same bytes', '{"a":1,"b":[]}', { a: 1, b: [] }, true],
    ['members in another order', '{"b":{"d":1,"c":2},"a":1}', { a: 1, b: { c: 2, d: 1 } }, true],
    ['spaces and escapes', '{ "a": "\\u0078\\/" }', { a: 'x/' }, true],
    ['items in another order', '{"a":[2,1]}', { a: [1, 2] }, false],
    ['an empty object for an empty array', '{"a":{}}', { a: [] }, false],
    ['an empty array for an empty object', '{"a":[]}', { a: {} }, false],
    [
      'empty arrays, beside all that could stand for them',
      '{"b":[],"a":[0.5,1.5,8.5]}',
      { a: [0.5, 1.5, 8.5], b: [] },
      true,
    ],
    ['brackets in a text, with a space', '{"a":"[ ]"}', { a: '[]' }, false],
    ['a number written otherwise', '{"a":1.0,"b":1e2}', { a: 1, b: 100 }, true],
    ['another number', '{"a":1}', { a: 2 }, false],
    ['the text of a number', '{"a":"1"}', { a: 1 }, false],
    ['null for nothing', '{"a":1,"b":null}', { a: 1 }, false],
    ['one member more', '{"a":1,"b":2}', { a: 1 }, false],
    ['no JSON at all', '{"a"', { a: 1 }, false],
    ['nothing', '', { a: 1 }, false],
    ['over 64 KiB, members in another order', `{"b":"${long}","a":1}`, { a: 1, b: long }, true],
    ['over 64 KiB, of the same length', `{"a":2,"b":"${long}"}`, { a: 1, b: long }, false],
    ['over 64 KiB, of another length', `{"a":1, "b":"${long}"}`, { a: 1, b: long }, false],
  ])('of %s', async (_, stored, input, sameData) => {
    const { redis } = database
    await redis.hset(keyOf('ticket-triage:a:b'), { name: 'triage', data: stored, timestamp: 1 })
    const pipeline = open(definition)
    expect(await enqueue(pipeline, input)).toMatchObject({ created: false, existing: { state: 'unknown', sameData } })
    // Of a job that goes through the other script too.
    const delayed = await enqueue(pipeline, input, { jobOptions: { delay: 5 } })
    expect(delayed).toMatchObject({ created: false, existing: { state: 'unknown', sameData } })
  })

  test('is told of many long jobs in one batch, of which Redis sends back what is there', async () => {
    const { redis } = database
    const pipeline = open({ ...definition, jobId: ({ id }) => `ticket-triage:a:${id}` })
    const inputs = Array.from({ length: 128 }, (_, id) => ({ id: `${id}`, a: 'x'.repeat(15_000) }))
    for (const { id, a } of inputs) await redis.hset(keyOf(`ticket-triage:a:${id}`), 'data', JSON.stringify({ a, id }))
    const results = await Promise.all(inputs.map((input) => enqueue(pipeline, input)))
    for (const result of results) expect(result.existing).toEqual({ state: 'unknown', sameData: true })
  })
})

test('ids of winners that are long do not break the link', async () => {
  const { redis } = database
  const winner = 'w'.repeat(20_000)
  await redis.set(keyOf('de:d'), winner)
  await redis.hset(keyOf(winner), 'name', 'triage')
  const pipeline = open()
  const tickets = Array.from({ length: 64 }, () => newTicket())
  const jobOptions = { deduplication: { id: 'd' } }
  const results = await Promise.all(tickets.map((ticket) => enqueue(pipeline, ticket, { jobOptions })))
  for (const result of results) expect(result).toMatchObject({ status: 'deduplicated', existing: { jobId: winner } })
})

describe("onConflict 'reject'", () => {
  test.each(Object.keys(MAKERS))(
    'refuses other data than those of a job by %s, and leaves that as it is',
    async (maker) => {
      const ticket = newTicket()
      await MAKERS[maker](ticket)
      const before = await jobsOf(database.redis)
      const error = await rejection(enqueue(open({ onConflict: 'reject' }), { ...ticket, summary: 'Another' }))
      expect(error).toMatchObject({ code: 'ID_CONFLICT', status: 409, jobId: jobId(ticket) })
      expect(await jobsOf(database.redis)).toEqual(before)
    },
  )

  test('takes the same data in another order, and other data for a job that makes room', async () => {
    const { tenantId, ticketId, summary } = newTicket()
    await madeBy(6, { summary, ticketId, tenantId }, once)
    const pipeline = open({ onConflict: 'reject', idReuse: 'afterFailed' })
    const ticket = { tenantId, ticketId, summary }
    expect(await enqueue(pipeline, ticket)).toMatchObject({ created: false, existing: { sameData: true } })
    await fail(6)
    expect(await enqueue(pipeline, { ...ticket, summary: 'Another' })).toMatchObject({ created: true })
  })
})

describe('callers that race for an id', () => {
  const created = (results) => results.filter((result) => result.created)

  test.each([
    ['in one pipeline', 1],
    ['in two pipelines with a connection each', 2],
  ])('%s: one is created, and the others find that one', async (_, count) => {
    const { redis } = database
    const names = ['one', 'two'].slice(0, count)
    const pipelines = names.map((connectionName) =>
      open({ idReuse: 'afterFailed', connection: { ...database.connection, connectionName } }),
    )
    for (const pipeline of pipelines) await enqueue(pipeline, newTicket())
    await redis.del(keyOf('wait'))
    for (let round = 0; round < 20; round++) {
      const ticket = newTicket()
      await madeBy(6, ticket, once)
      await fail(6)
      const results = await Promise.all(Array.from({ length: 40 }, (_, at) => enqueue(pipelines[at % count], ticket)))
      expect(created(results)).toHaveLength(1)
      expect(await redis.lrange(keyOf('wait'), 0, -1)).toEqual([jobId(ticket)])
      await redis.del(keyOf('wait'))
    }
  })

  test('leave one that is active as it is', async () => {
    const { redis } = database
    const ticket = newTicket()
    await madeBy(6, ticket)
    await take(6)
    const before = await jobsOf(redis)
    const pipelines = [open({ idReuse: 'afterFinished' }), open({ idReuse: 'afterFailed' })]
    const results = await Promise.all(Array.from({ length: 100 }, (_, at) => enqueue(pipelines[at % 2], ticket)))
    for (const { existing } of results) expect(existing).toEqual({ state: 'active', sameData: true })
    expect(await jobsOf(redis)).toEqual(before)
  })

  test('in several processes: of each id one is created', async () => {
    const { redis } = database
    const ids = Array.from({ length: 100 }, (_, at) => `ticket-triage:child:race${at}`)
    for (const id of ids) {
      await redis.hset(keyOf(id), { name: 'triage', data: '{}', timestamp: 1 })
      await redis.zadd(keyOf('failed'), 1, id)
    }
    const { code, stdout, stderr } = await runChild(
      `
      const { fork } = require('node:child_process')
      const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(`${__dirname}/../..`)})
      if (process.send) {
        const pipeline = new Pipeline({ ...ticketTriageDefinition, idReuse: 'afterFinished', timeoutMs: 60000 })
        const burst = () => Promise.all(Array.from({ length: 100 }, (_, i) => pipeline.enqueue(ticket('race' + i), storage)))
        process.once('message', () => burst().then((results) => {
          process.send(results.filter(({ created }) => created).map(({ jobId }) => jobId))
          process.disconnect()
        }))
        // Connected first, so that none has a head start.
        pipeline.enqueue(ticket('warm'), storage).then(() => process.send('ready'))
      } else {
        const racers = Array.from({ length: 3 }, () => fork('/dev/null', { execArgv: [...process.execArgv] }))
        let ready = 0
        const created = []
        for (const racer of racers) racer.on('message', (said) => {
          if (said !== 'ready') created.push(...said)
          else if (++ready === 3) for (const each of racers) each.send('go')
        })
        process.once('beforeExit', () => console.log(JSON.stringify(created)))
      }`,
      { env: { REDIS_URL: database.url } },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout).sort()).toEqual([...ids].sort())
    const waiting = await redis.lrange(keyOf('wait'), 0, -1)
    expect(waiting.filter((id) => id.includes('race')).sort()).toEqual([...ids].sort())
  })
})

describe('a job whose answer was lost and that was sent again', () => {
  let proxy
  beforeEach(async () => {
    proxy = await FaultyProxy.start(database.connection.port)
  })
  afterEach(() => proxy.stop())

  /** Makes a call whose answer is lost, and does `meanwhile` before it can go out again. */
  async function lose(pipeline, ticket, meanwhile, options) {
    const { redis } = database
    await enqueue(pipeline, newTicket())
    await redis.del(keyOf('wait'))
    proxy.treat('down', { garble: () => Buffer.alloc(0) })
    const call = enqueue(pipeline, ticket, options)
    while (!(await redis.exists(jobKey(ticket)))) {}
    await proxy.refuse()
    await meanwhile()
    proxy.heal()
    await proxy.accept()
    return call
  }

  const cases = Object.keys(REUSE).flatMap((idReuse) => [
    { idReuse, title: 'waits' },
    { idReuse, title: 'failed since', end: fail },
    { idReuse, title: 'is completed since', end: complete },
  ])
  test.each(cases)('and that $title is created, once, with idReuse $idReuse', async ({ idReuse, end }) => {
    const { redis } = database
    const url = `${proxy.url}/${database.connection.db}`
    const pipeline = open({ idReuse, connection: url, jobOptions: once })
    const ticket = newTicket()
    const result = await lose(pipeline, ticket, async () => end?.(6))
    expect(result).toEqual({ jobId: jobId(ticket), status: 'queued', created: true })
    expect(await redis.llen(keyOf('wait'))).toBe(end ? 0 : 1)
    const added = (await redis.xrange(keyOf('events'), '-', '+')).filter(
      ([, [, event, , id]]) => event === 'added' && id === jobId(ticket),
    )
    expect(added).toHaveLength(1)
  })

  test.each([fail, complete])(
    'as a delayed one, promoted and ended since, does not take its own place',
    async (end) => {
      const { redis } = database
      const url = `${proxy.url}/${database.connection.db}`
      const pipeline = open({ idReuse: 'afterFinished', connection: url, jobOptions: { ...once, delay: 3_600_000 } })
      const ticket = newTicket()
      const queue = await bullmq.queue(6)
      const result = await lose(pipeline, ticket, async () => {
        await (await queue.getJob(jobId(ticket))).promote()
        await end(6)
      })
      expect(result).toEqual({ jobId: jobId(ticket), status: 'queued', created: true })
      expect(await redis.zcard(keyOf('delayed'))).toBe(1)
      expect(await redis.llen(keyOf('wait'))).toBe(0)
    },
  )
})
