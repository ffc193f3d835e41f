'use strict'
// What a sweep does about each record, whom it tells, and what ends it.
const { execFileSync } = require('node:child_process')
const { getEventListeners } = require('node:events')
const path = require('node:path')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { Worker } = require('bullmq')
const { Redis } = require('ioredis')
const { z } = require('zod')
const { Pipeline } = require('../..')
const { OwnServer, freePort, useDatabase } = require('../support/redis.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()

const opened = []
afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))

const schema = z.object({ org: z.string().min(1), no: z.string(), note: z.string().optional() })

let last = 0
function make(options) {
  last += 1
  const queueName = `sweep-${last}`
  const definition = { queueName, jobName: 'run', schema, jobId: ['org', 'no'], connection: database.url, ...options }
  const pipeline = new Pipeline(definition)
  opened.push(pipeline)
  const jobId = (no) => `${queueName}:acme:${no}`
  const key = (no) => `bull:${queueName}:${jobId(no)}`
  return {
    queueName,
    pipeline,
    jobId,
    key,
    record: (no, more) => ({ jobId: jobId(no), input: { org: 'acme', no: `${no}` }, ...more }),
    enqueue: (no, jobOptions) => pipeline.enqueue({ org: 'acme', no: `${no}` }, recorder(), { jobOptions }),
    waiting: () => database.redis.llen(`bull:${queueName}:wait`),
  }
}

/** A worker that takes jobs when it is told to. */
function workerOf(queueName) {
  const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
  opened.push(worker)
  const take = () => worker.getNextJob('token', { block: false })
  return {
    take,
    complete: async () => (await take()).moveToCompleted('done', 'token', false),
    fail: async () => (await take()).moveToFailed(new Error('no paper'), 'token', false),
  }
}

/** A table of records, in which each handler notes what it is told. */
function table(records) {
  const told = []
  const note = (what) => (record, job) => void told.push([what, record, job])
  const pages = []
  return {
    told,
    pages,
    pending(page) {
      pages.push(page)
      return records
    },
    onQueued: note('queued'),
    onFinished: note('finished'),
    onDeduplicated: note('deduplicated'),
    onRejected: note('rejected'),
  }
}

const none = { looked: 0, created: 0, existing: 0, deduplicated: 0, finished: 0, rejected: 0, rejections: [] }
const found = (counts, more) => ({
  ...none,
  looked: Object.values(counts).reduce((sum, count) => sum + count, 0),
  ...counts,
  complete: true,
  ...more,
})

describe('the job of a record', () => {
  test('is enqueued where it is nowhere, as the schema has it and without a record', async () => {
    const { pipeline, record, jobId, key } = make({ jobOptions: { attempts: 4 } })
    const rows = table([record(1, { input: { org: 'acme', no: '1', note: 'x', dropped: true } })])
    expect(await pipeline.sweep(rows)).toEqual(found({ created: 1 }))
    expect(rows.told).toEqual([['queued', rows.pending()[0], { jobId: jobId(1), created: true }]])
    const [data, opts] = await database.redis.hmget(key(1), 'data', 'opts')
    expect(JSON.parse(data)).toEqual({ org: 'acme', no: '1', note: 'x' })
    expect(JSON.parse(opts)).toMatchObject({ attempts: 4 })
  })

  test('has the options that its record says, and those of the pipeline where that has none', async () => {
    const { pipeline, record, key } = make({ jobOptions: { attempts: 4 } })
    const given = [record(1, { jobOptions: { priority: 7 } }), record(2, { jobOptions: null })]
    expect(await pipeline.sweep({ pending: () => given })).toMatchObject({ created: 2 })
    const optionsOf = async (no) => JSON.parse(await database.redis.hget(key(no), 'opts'))
    expect(await optionsOf(1)).toMatchObject({ priority: 7, attempts: 4 })
    expect(await optionsOf(2)).toMatchObject({ attempts: 4 })
  })

  test('is left as it is where it has not ended, and told with its state', async () => {
    const { pipeline, queueName, record, enqueue, jobId, key } = make()
    const worker = workerOf(queueName)
    await enqueue(1)
    await worker.take()
    await enqueue(2)
    await enqueue(3, { delay: 60_000 })
    await enqueue(4, { priority: 3 })
    await database.redis.hset(key(5), 'name', 'lost')
    const before = await database.redis.hgetall(key(2))
    const rows = table([1, 2, 3, 4, 5].map((no) => record(no, { input: 'never looked at' })))
    expect(await pipeline.sweep(rows)).toEqual(found({ existing: 5 }))
    const states = ['active', 'waiting', 'delayed', 'prioritized', 'unknown']
    const jobs = states.map((state, at) => ['queued', { jobId: jobId(at + 1), created: false, state }])
    expect(rows.told.map(([what, , job]) => [what, job])).toEqual(jobs)
    expect(await database.redis.hgetall(key(2))).toEqual(before)
  })

  test.each(['never', 'afterFailed', 'afterFinished'])(
    'is not run again with idReuse %s where it has ended',
    async (idReuse) => {
      const { pipeline, queueName, record, enqueue, jobId, waiting } = make({ idReuse })
      const worker = workerOf(queueName)
      await enqueue(1)
      await worker.complete()
      await enqueue(2)
      await worker.fail()
      const rows = table([record(1), record(2)])
      expect(await pipeline.sweep(rows)).toEqual(found({ finished: 2 }))
      expect(rows.told.map(([what, , job]) => [what, job])).toEqual([
        ['finished', { jobId: jobId(1), state: 'completed' }],
        ['finished', { jobId: jobId(2), state: 'failed' }],
      ])
      expect(await waiting()).toBe(0)
    },
  )

  test.each([
    ['fail', 'failed'],
    ['complete', 'completed'],
  ])('is not run again where it was nowhere, and another of it is made to %s before it is sent', async (end, state) => {
    // Validation is where another sweep, and a worker, get ahead of this one. The schema's library may ask twice.
    let ahead
    const slow = schema.refine(async ({ note }) => {
      if (note !== 'other data') return true
      ahead ??= enqueue(1).then(() => worker[end]())
      await ahead
      return true
    })
    const { pipeline, queueName, record, enqueue, jobId, waiting } = make({
      schema: slow,
      idReuse: 'afterFinished',
      onConflict: 'reject',
    })
    const worker = workerOf(queueName)
    const rows = table([record(1, { input: { org: 'acme', no: '1', note: 'other data' } })])
    expect(await pipeline.sweep(rows)).toEqual(found({ finished: 1 }))
    expect(rows.told.map(([what, , job]) => [what, job])).toEqual([['finished', { jobId: jobId(1), state }]])
    expect(await waiting()).toBe(0)
    // The same call by itself has it run again.
    expect(await enqueue(1)).toMatchObject({ created: true })
  })

  test('is run again where it ended and was removed, and its record was not marked', async () => {
    const { pipeline, queueName, record, enqueue, waiting } = make({ jobOptions: { removeOnComplete: true } })
    await enqueue(1)
    await workerOf(queueName).complete()
    expect(await pipeline.sweep({ pending: () => [record(1)] })).toEqual(found({ created: 1 }))
    expect(await waiting()).toBe(1)
  })

  const fields = { type: 'object', properties: { org: { type: 'string' }, no: { type: 'string' } }, required: ['org'] }
  test.each([
    ['fields', { schema: fields }, 'acme', '1'],
    ['JSON', { schema: { ...fields, additionalProperties: true } }, 'acme', '1'],
    ['ids that are encoded', { schema: fields, encodeIds: true }, 'urn:acme', '%1'],
    ['ids that a function makes', { jobId: ({ org, no }) => `${org} ${no}` }, 'acme', '1'],
  ])('is enqueued under the id of its record with %s', async (_, options, org, no) => {
    const { pipeline, queueName } = make(options)
    const input = { org, no }
    const { jobId } = await pipeline.enqueue(input, recorder())
    await database.redis.del(`bull:${queueName}:${jobId}`, `bull:${queueName}:wait`)
    const other = { jobId: `${jobId}x`, input }
    const { created, rejected } = await pipeline.sweep({ pending: () => [{ jobId, input }, other] })
    expect([created, rejected]).toEqual([1, 1])
    expect(await database.redis.lrange(`bull:${queueName}:wait`, 0, -1)).toEqual([jobId])
  })

  test('that is dropped for its deduplication is told of as that', async () => {
    const { pipeline, record, enqueue, jobId } = make({ jobOptions: { deduplication: { id: 'one' } } })
    await enqueue(1)
    const rows = table([record(2)])
    expect(await pipeline.sweep(rows)).toEqual(found({ deduplicated: 1 }))
    const [[what, , job]] = rows.told
    expect([what, job]).toEqual(['deduplicated', { jobId: jobId(2), existing: { jobId: jobId(1), state: 'waiting' } }])
  })
})

describe('a record that is refused', () => {
  test('stops no other, and is told of with what is wrong', async () => {
    const failure = new Error('the schema of a library')
    const throwing = schema.refine(({ no }) => {
      if (no === '3') throw failure
      return true
    })
    const { pipeline, record, jobId, waiting } = make({ schema: throwing })
    const rows = table([
      record(1, { input: { org: '' } }),
      record(2, { input: { org: 'acme', no: 'another' } }),
      record(3),
      { jobId: jobId(4) },
      record(5, { jobOptions: { priority: -1 } }),
      record(6),
      { jobId: 'of no such pipeline', input: { org: 'acme', no: '7' } },
    ])
    const summary = await pipeline.sweep(rows)
    const refused = rows.told.filter(([what]) => what === 'rejected')
    const [, , mismatch] = refused.find(([, { input }]) => input?.no === 'another')
    expect(summary).toEqual(found({ created: 1, rejected: 6 }, { rejections: expect.any(Array) }))
    expect(summary.rejections).toEqual(refused.map(([, given, error]) => ({ record: given, error })))
    expect(refused.map(([, , error]) => error.code ?? error)).toEqual([
      ...[
        'INVALID_INPUT',
        'ERR_INVALID_ARG_TYPE',
        failure,
        'INVALID_INPUT',
        'ERR_OUT_OF_RANGE',
        'ERR_INVALID_ARG_TYPE',
      ],
    ])
    expect(mismatch.cause.message).toBe(
      `the input of the record "${jobId(2)}" makes another job, "${jobId('another')}"`,
    )
    expect(await waiting()).toBe(1)
  })

  test('is one whose handler throws as well: its job is there', async () => {
    const { pipeline, record, enqueue, waiting } = make()
    await enqueue(2)
    const failure = new Error('no database')
    const told = []
    const summary = await pipeline.sweep({
      pending: () => [record(1), record(2), record(3)],
      async onQueued({ jobId }, { created }) {
        if (jobId !== record(3).jobId) throw failure
        told.push(created)
      },
    })
    expect(summary).toEqual(
      found({ created: 1, rejected: 2 }, { rejections: [1, 2].map((no) => ({ record: record(no), error: failure })) }),
    )
    expect(told).toEqual([true])
    expect(await waiting()).toBe(3)
  })

  test('is kept of the first hundred alone', async () => {
    const { pipeline, record } = make()
    const records = Array.from({ length: 250 }, (_, no) => record(no, { input: null }))
    const { rejected, rejections } = await pipeline.sweep({ pending: () => records })
    expect([rejected, rejections.length]).toEqual([250, 100])
  })

  test('ends the sweep where it cannot even be told of', async () => {
    const { pipeline, record, waiting } = make()
    const failure = new Error('no log')
    const onRejected = () => {
      throw failure
    }
    const sweep = pipeline.sweep({ pending: () => [record(1, { input: 7 }), record(2)], onRejected })
    expect(await rejection(sweep)).toBe(failure)
    expect(await waiting()).toBe(1)
  })
})

describe('records', () => {
  test.each([
    ['an array', (records) => records],
    ['a promise of an array', async (records) => records],
    ['a set', (records) => new Set(records)],
    ['a generator', (records) => records.values()],
    [
      'an asynchronous generator',
      async function* (records) {
        for (const record of records) yield await nextTurn(record)
      },
    ],
  ])('may come as %s', async (_, give) => {
    const { pipeline, record, waiting } = make()
    const records = Array.from({ length: 25 }, (_, no) => record(no))
    expect(await pipeline.sweep({ pending: () => give(records), batch: 10 })).toEqual(found({ created: 25 }))
    expect(await waiting()).toBe(25)
  })

  test('are asked for until none is new, with what came last', async () => {
    const { pipeline, record, jobId } = make()
    const records = [1, 2, 3, 4, 5].map((no) => record(no))
    const pages = []
    const before = Date.now()
    const summary = await pipeline.sweep({
      pending(page) {
        pages.push(page)
        return records.filter((it) => it.jobId > page.after).slice(0, page.limit)
      },
      batch: 2,
      olderThanMs: 5000,
    })
    expect(summary).toEqual(found({ created: 5 }))
    expect(pages.map(({ after }) => after)).toEqual(['', jobId(2), jobId(4), jobId(5)])
    for (const { limit, olderThan, olderThanMs } of pages) {
      expect([limit, olderThanMs, olderThan]).toEqual([2, 5000, pages[0].olderThan])
    }
    const late = pages[0].olderThan.getTime() - (before - 5000)
    expect(late).toBeGreaterThanOrEqual(0)
  })

  test('that come twice are looked at once, and those that a query gives again do not keep it from ending', async () => {
    const { pipeline, record } = make()
    const marked = new Set()
    const records = Array.from({ length: 10 }, (_, no) => record(no))
    records.splice(2, 0, record(1))
    let asked = 0
    const summary = await pipeline.sweep({
      // Without an order of its own, and those that no handler marks come again and again.
      pending({ limit }) {
        asked += 1
        return records.filter((it) => !marked.has(it.jobId)).slice(0, limit)
      },
      onQueued: ({ jobId }) => void (jobId.endsWith('0') || marked.add(jobId)),
      batch: 4,
    })
    expect(summary).toEqual(found({ created: 10 }))
    expect(asked).toBe(5)
  })

  test('are at most as many as may be, and the rest is let go of', async () => {
    const { pipeline, record, waiting } = make()
    let pulled = 0
    let closed = false
    const pending = function* () {
      try {
        for (;;) yield record(pulled++)
      } finally {
        closed = true
      }
    }
    const summary = await pipeline.sweep({ pending, batch: 10, limit: 25 })
    expect(summary).toEqual(found({ created: 25 }, { complete: false }))
    expect([pulled, closed, await waiting()]).toEqual([25, true, 25])
  })

  test('that another failed to give end it, once those before are told', async () => {
    const { pipeline, record } = make()
    const failure = new Error('the cursor')
    const rows = table()
    const pending = function* () {
      yield record(1)
      throw failure
    }
    expect(await rejection(pipeline.sweep({ ...rows, pending }))).toBe(failure)
    expect(rows.told.map(([what]) => what)).toEqual(['queued'])
    expect(await rejection(pipeline.sweep({ pending: () => Promise.reject(failure) }))).toBe(failure)
  })

  test('are handed to handlers as methods, some at a time', async () => {
    const { pipeline, record } = make()
    let underWay = 0
    let most = 0
    class Records {
      #records = Array.from({ length: 20 }, (_, no) => record(no))
      concurrency = 3
      pending() {
        return this.#records
      }
      async onQueued() {
        most = Math.max(most, ++underWay)
        await nextTurn(this.#records)
        underWay -= 1
      }
    }
    expect(await pipeline.sweep(new Records())).toEqual(found({ created: 20 }))
    expect(most).toBe(3)
  })

  test('are enqueued when there is room, however little is left by other calls', async () => {
    const { pipeline, record, waiting } = make({ maxInFlight: 2 })
    const records = Array.from({ length: 9 }, (_, no) => record(no))
    let release
    const held = new Promise((resolve) => {
      release = resolve
    })
    const others = [100, 101].map((no) => pipeline.enqueue({ org: 'acme', no: `${no}` }, { createPending: () => held }))
    const sweep = pipeline.sweep({ pending: () => records })
    await nextTurn()
    release()
    expect(await sweep).toEqual(found({ created: 9 }))
    await Promise.all(others)
    expect(await waiting()).toBe(11)
  })
})

describe('what ends a sweep', () => {
  test.each([
    ['nothing', undefined, 'ERR_INVALID_ARG_TYPE', /options/],
    ['no pending', {}, 'ERR_INVALID_ARG_TYPE', /options\.pending/],
    ['null for a handler', { onQueued: null }, 'ERR_INVALID_ARG_TYPE', /options\.onQueued/],
    ['a text for an age', { olderThanMs: '5' }, 'ERR_INVALID_ARG_TYPE', /options\.olderThanMs/],
    ['an age before now', { olderThanMs: -1 }, 'ERR_OUT_OF_RANGE', /options\.olderThanMs/],
    ['an age that is none', { olderThanMs: Number.NaN }, 'ERR_OUT_OF_RANGE', /options\.olderThanMs/],
    ['half a record', { batch: 0.5 }, 'ERR_OUT_OF_RANGE', /options\.batch/],
    ['too many at once', { batch: 1001 }, 'ERR_OUT_OF_RANGE', /options\.batch/],
    ['none at all', { limit: 0 }, 'ERR_OUT_OF_RANGE', /options\.limit/],
    ['nobody at a time', { concurrency: 0 }, 'ERR_OUT_OF_RANGE', /options\.concurrency/],
    ['no signal', { signal: {} }, 'ERR_INVALID_ARG_TYPE', /options\.signal/],
  ])('%s', async (_, options, code, message) => {
    const { pipeline } = make()
    const pending = () => {
      throw new Error('not asked')
    }
    const given = options && Object.keys(options).length > 0 ? { pending, ...options } : options
    const error = await rejection(pipeline.sweep(given))
    expect([error.code, error.cause.message]).toEqual([code, expect.stringMatching(message)])
  })

  test.each([
    ['no list', 7],
    ['a text', 'records'],
    ['nothing', undefined],
    ['what is no record', [7]],
    ['a record without an id', [{ input: {} }]],
    ['a record whose id is empty', [{ jobId: '' }]],
  ])('pending that gives %s', async (_, given) => {
    const { pipeline } = make()
    const error = await rejection(pipeline.sweep({ pending: () => given }))
    expect([error.code, error.cause.message]).toEqual([
      'ERR_INVALID_ARG_TYPE',
      expect.stringContaining('options.pending'),
    ])
  })

  test('a Redis that is away, within the deadline and with nobody told', async () => {
    const { pipeline, record } = make({ connection: `redis://127.0.0.1:${await freePort()}`, timeoutMs: 300 })
    const rows = table([record(1)])
    expect(await rejection(pipeline.sweep(rows))).toMatchObject({ code: 'QUEUE_UNAVAILABLE', status: 503 })
    expect(rows.told).toEqual([])
  })

  test('a Redis that goes away amid it: those before are told, and none is taken for a refused one', async () => {
    const server = await OwnServer.start()
    const { pipeline, record } = make({ connection: server.url, timeoutMs: 500 })
    const rows = table()
    const records = Array.from({ length: 6 }, (_, no) => record(no))
    const onQueued = async (...given) => {
      rows.onQueued(...given)
      if (rows.told.length === 2) await server.stop()
    }
    const error = await rejection(pipeline.sweep({ ...rows, pending: () => records, onQueued, batch: 2 }))
    expect(['QUEUE_UNAVAILABLE', 'OUTCOME_UNKNOWN']).toContain(error.code)
    expect(rows.told.map(([what]) => what)).toEqual(['queued', 'queued'])
  })

  test('a Redis that takes nothing: records are not marked as refused', async () => {
    const server = await OwnServer.start()
    const { pipeline, record, enqueue } = make({ connection: server.url, timeoutMs: 500 })
    await enqueue(1)
    const redis = new Redis(server.url)
    await redis.config('SET', 'maxmemory', '1')
    const rows = table([record(1), record(2)])
    expect(await rejection(pipeline.sweep(rows))).toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
    expect(rows.told.map(([what, , { jobId }]) => [what, jobId])).toEqual([['queued', record(1).jobId]])
    await redis.config('SET', 'maxmemory', '0')
    expect(await pipeline.sweep(rows)).toMatchObject({ existing: 1, created: 1 })
    await redis.quit()
    await server.stop()
  })

  test('close: before it and amid it', async () => {
    const { pipeline, record } = make()
    const rows = table([1, 2, 3].map((no) => record(no)))
    const onQueued = (...given) => {
      rows.onQueued(...given)
      pipeline.close()
    }
    expect(await rejection(pipeline.sweep({ ...rows, onQueued, batch: 1 }))).toMatchObject({ code: 'CLOSED' })
    expect(rows.told).toHaveLength(1)
    expect(await rejection(pipeline.sweep())).toMatchObject({ code: 'CLOSED' })
  })

  test.each(['pending', 'onQueued'])('a signal, also where %s hangs', async (name) => {
    const { pipeline, record } = make()
    const stop = new AbortController()
    const reason = new Error('enough')
    const hang = () => {
      stop.abort(reason)
      return new Promise(() => {})
    }
    const sweep = pipeline.sweep({ pending: () => [record(1)], [name]: hang, signal: stop.signal })
    expect(await rejection(sweep)).toBe(reason)
    const asked = []
    const again = pipeline.sweep({ pending: () => asked.push(1) && [], signal: stop.signal })
    expect(await rejection(again)).toBe(reason)
    expect(asked.length).toBeLessThanOrEqual(1)
  })

  test('a signal begins no handler after it, and what is left of it holds nothing', async () => {
    const { pipeline, record } = make()
    const stop = new AbortController()
    const told = []
    const onQueued = ({ jobId }) => {
      told.push(jobId)
      stop.abort()
    }
    const records = Array.from({ length: 20 }, (_, no) => record(no))
    const sweep = pipeline.sweep({ pending: () => records, onQueued, concurrency: 1, signal: stop.signal })
    expect(await rejection(sweep)).toMatchObject({ name: 'AbortError' })
    await nextTurn()
    expect(told).toHaveLength(1)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })
})

test('any number of sweeps at once make one job of each record', async () => {
  const { pipeline, record, waiting } = make()
  const records = Array.from({ length: 300 }, (_, no) => record(no))
  const sweeps = await Promise.all([1, 2, 3, 4].map(() => pipeline.sweep({ pending: () => records, batch: 50 })))
  expect(sweeps.map(({ looked }) => looked)).toEqual([300, 300, 300, 300])
  expect(sweeps.reduce((sum, { created }) => sum + created, 0)).toBe(300)
  expect(await waiting()).toBe(300)
})

test('a program that never sweeps does not load what it takes', () => {
  const program =
    "require('./index.js'); console.log(Object.keys(require.cache).filter((it) => /sweep/.test(it)).length)"
  expect(
    execFileSync(process.execPath, ['-e', program], { cwd: path.join(__dirname, '../..'), encoding: 'utf8' }).trim(),
  ).toBe('0')
})
