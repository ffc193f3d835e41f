'use strict'
// Places in a backlog that are hard to keep count of: of two calls for one id, of a job that takes the place of one that ended.
const { once, EventEmitter } = require('node:events')
const { useBullmq } = require('../support/bullmq.js')
const { SLOW, input, outcomes, storage, tally, useQuotas } = require('../support/quotas.js')
const { numbers } = require('../support/numbers.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const quotas = useQuotas(database)
const bullmq = useBullmq(database)

const enqueue = (pipeline, ...inputs) => outcomes(inputs.map((it) => pipeline.enqueue(it, storage)))

/** A storage whose one record is made, or not, when the test says so. */
function slowStorage() {
  const told = new EventEmitter()
  const begun = once(told, 'begun')
  const made = withResolvers()
  const createPending = () => {
    told.emit('begun')
    return made.promise
  }
  return { createPending, begun, make: made.resolve, fail: made.reject }
}

function withResolvers() {
  const all = {}
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }))
  return all
}

test.each(['before', 'after'])(
  'a call that fails %s another of its id was enqueued takes no place from that',
  async (when) => {
    const pipeline = quotas.pipeline({ backlog: 1 })
    const [one, two, same] = [slowStorage(), slowStorage(), input()]
    const first = pipeline.enqueue(same, one)
    await one.begun
    const second = pipeline.enqueue(same, two)
    await two.begun
    const fail = async () => {
      one.fail(new Error('there already'))
      await expect(first).rejects.toThrow('there already')
      await pipeline.states(['none'])
      expect(await enqueue(pipeline, input())).toEqual(['backlog'])
    }
    if (when === 'before') await fail()
    two.make()
    expect(await outcomes([second])).toEqual(['queued'])
    if (when === 'after') await fail()
    await pipeline.states(['none'])
    expect(await enqueue(pipeline, input())).toEqual(['backlog'])
  },
)

test('a job that takes the place of one that failed has it from when its call is admitted until it has ended', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline({ backlog: 1 }, { queueName, idReuse: 'afterFailed' })
  const { Worker } = bullmq.exports(6)
  const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
  const fail = async () => (await worker.getNextJob('t', { block: false })).moveToFailed(new Error('no'), 't')
  try {
    const same = input()
    expect(await enqueue(pipeline, same)).toEqual(['queued'])
    await fail()
    const slow = slowStorage()
    const again = pipeline.enqueue(same, slow)
    await slow.begun
    expect(await enqueue(pipeline, input())).toEqual(['backlog'])
    slow.make()
    expect(await outcomes([again])).toEqual(['queued'])
    await pipeline.states(['none'])
    expect(await enqueue(pipeline, input())).toEqual(['backlog'])
    await fail()
    expect(await enqueue(pipeline, input())).toEqual(['queued'])
  } finally {
    await worker.close()
  }
})

test('a backlog runs out however many jobs it begins with', async () => {
  for (let count = 9; count < 17; count++) {
    const queueName = quotas.newQueue()
    const pipeline = quotas.pipeline({ backlog: 50 }, { queueName })
    await enqueue(pipeline, ...Array.from({ length: count }, () => input()))
    expect(await database.redis.pttl(`bull:${queueName}:quota:t:acme:backlog:ids`)).toBeGreaterThan(0)
  }
})

test('a backlog runs out when the place of its only job was written anew', async () => {
  const queueName = quotas.newQueue()
  const pipeline = quotas.pipeline({ backlog: 9 }, { queueName, jobOptions: { removeOnComplete: true } })
  expect(await enqueue(pipeline, input())).toEqual(['queued'])
  await pipeline.states(['none'])
  expect(await database.redis.pttl(`bull:${queueName}:quota:t:acme:backlog:ids`)).toBeGreaterThan(0)
})

test('a backlog is kept for a week from the last call, though a writer began with a call that took nothing', async () => {
  const queueName = quotas.newQueue()
  const key = `bull:${queueName}:quota:t:acme:backlog:ids`
  const same = input()
  const one = quotas.pipeline({ backlog: 9 }, { queueName })
  expect(await enqueue(one, same)).toEqual(['queued'])
  await database.redis.pexpire(key, 60_000)
  // By another name of the server it has a link of its own.
  const other = quotas.pipeline(
    { backlog: 9 },
    { queueName, connection: database.url.replace('127.0.0.1', 'localhost') },
  )
  expect(await enqueue(other, same)).toEqual(['existing'])
  expect(await enqueue(other, input())).toEqual(['queued'])
  expect(await database.redis.pttl(key)).toBeGreaterThan(60_000)
})

describe('of two calls for one id', () => {
  const begin = async (pipeline, it) => {
    const slow = slowStorage()
    const call = pipeline.enqueue(it, slow)
    await slow.begun
    return { ...slow, call: outcomes([call]) }
  }

  test('each of another tenant, the one that is a duplicate gives its place back, whoever looked meanwhile', async () => {
    const pipeline = quotas.pipeline({ backlog: 1 }, { jobId: ({ item }) => item })
    const same = input('one')
    const first = await begin(pipeline, same)
    const second = await begin(pipeline, { ...same, org: 'other' })
    first.make()
    expect(await first.call).toEqual(['queued'])
    expect(await enqueue(pipeline, input('other'))).toEqual(['backlog'])
    second.make()
    expect(await second.call).toEqual(['existing'])
    await pipeline.states(['none'])
    expect(await enqueue(pipeline, input('other'))).toEqual(['queued'])
  })

  test.each([
    ['is removed as it completes', 'moveToCompleted', { jobOptions: { removeOnComplete: true } }],
    ['fails and makes room', 'moveToFailed', { idReuse: 'afterFailed' }],
  ])('the one that is to come has its place still where the job of the other %s', async (_, end, options) => {
    const queueName = quotas.newQueue()
    const pipeline = quotas.pipeline({ backlog: 1 }, { queueName, ...options })
    const { Worker } = bullmq.exports(6)
    const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
    try {
      const same = input()
      const [first, second] = [await begin(pipeline, same), await begin(pipeline, same)]
      first.make()
      expect(await first.call).toEqual(['queued'])
      // They are looked at while the job is there, and when it has ended.
      expect(await enqueue(pipeline, input())).toEqual(['backlog'])
      await (await worker.getNextJob('t', { block: false }))[end](new Error('no'), 't', false)
      expect(await enqueue(pipeline, input())).toEqual(['backlog'])
      second.make()
      expect(await second.call).toEqual(['queued'])
      expect(await enqueue(pipeline, input())).toEqual(['backlog'])
    } finally {
      await worker.close()
    }
  })
})

test('a tenant whose limits change between two calls that go together is counted as one', async () => {
  let asked = 0
  // Of a name so long it is asked for each call.
  const rate = { limit: 3, periodMs: SLOW }
  const pipeline = quotas.pipeline(() => ({ rate, backlog: 4 + (asked++ % 2) }), { jobId: ({ item }) => item })
  const calls = Array.from({ length: 10 }, () => input('x'.repeat(300)))
  expect(tally(await enqueue(pipeline, ...calls))).toEqual({ queued: 3, rate: 7 })
})

test.each([1, 2, 3])('a backlog has as many jobs as a list of those that have not ended says (%d)', async (seed) => {
  const draw = numbers(seed)
  const most = 3 + draw(9)
  const queueName = quotas.newQueue()
  const vanish = draw(2) === 0
  const jobOptions = { removeOnComplete: vanish, removeOnFail: false }
  const pipeline = quotas.pipeline({ backlog: most }, { queueName, idReuse: 'afterFailed', jobOptions })
  const { Worker } = bullmq.exports(6)
  const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
  const states = new Map()
  let [refused, ended] = [0, 0]
  const open = () => [...states].filter(([, state]) => state === 'open').map(([id]) => id)
  const jobId = (it) => `${queueName}:${it.org}:${it.item}`
  const steps = {
    async enqueue(it = input()) {
      const state = states.get(jobId(it))
      const expected =
        state === 'open' || state === 'completed' ? 'existing' : open().length < most ? 'queued' : 'backlog'
      expect([await enqueue(pipeline, it), open().length]).toEqual([[expected], open().length])
      if (expected === 'queued') states.set(jobId(it), 'open')
      refused += expected === 'backlog' ? 1 : 0
    },
    async again() {
      const ids = [...states.keys()]
      if (ids.length === 0) return
      const [, org, item] = ids[draw(ids.length)].split(':')
      await steps.enqueue({ org, item })
    },
    async failToRecord() {
      const storage = { createPending: () => Promise.reject(new Error('no')) }
      const [outcome] = await outcomes([pipeline.enqueue(input(), storage)])
      expect(outcome).toBe(open().length < most ? 'no' : 'backlog')
    },
    async work() {
      const job = await worker.getNextJob('t', { block: false })
      if (job === undefined) return
      ended += 1
      const fails = draw(3) === 0
      if (fails) await job.moveToFailed(new Error('no'), 't')
      else await job.moveToCompleted('', 't', false)
      if (vanish && !fails) states.delete(job.id)
      else states.set(job.id, fails ? 'failed' : 'completed')
    },
  }
  const names = ['enqueue', 'enqueue', 'again', 'failToRecord', 'work', 'work']
  try {
    for (let step = 0; step < 150; step++) {
      await steps[names[draw(names.length)]]()
      // What goes back does so behind the answer, on the same link.
      await pipeline.states(['none'])
    }
  } finally {
    await worker.close()
  }
  expect([refused, ended].every((count) => count > 5)).toBe(true)
})
