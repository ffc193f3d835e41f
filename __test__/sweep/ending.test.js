'use strict'
// What ends a sweep before all is done, and that nobody is told what is not so.
const { getEventListeners } = require('node:events')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { Redis } = require('ioredis')
const { OwnServer, freePort, useDatabase } = require('../support/redis.js')
const { table, useSweeps } = require('../support/sweeps.js')
const { rejection } = require('../support/tickets.js')

const database = useDatabase()
const { make } = useSweeps(database)

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

  test('a record without an id, once the others are looked after', async () => {
    const { pipeline, record, waiting } = make()
    const rows = table([record(1), null, { jobId: 7 }, record(2), { jobId: '' }])
    const sweep = pipeline.sweep({ ...rows, batch: 2 })
    expect(await rejection(sweep)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
    expect(rows.told.map(([what, { jobId }]) => [what, jobId])).toEqual(
      [1, 2].map((no) => ['queued', record(no).jobId]),
    )
    expect(await waiting()).toBe(2)
  })

  test('records without an id, however many there are', async () => {
    const { pipeline } = make()
    const pending = function* () {
      for (;;) yield {}
    }
    expect(await rejection(pipeline.sweep({ pending, limit: 25 }))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })

  test.each([1, 10])(
    'a job that Redis refuses, once all others are enqueued: with a batch of %d, and each time again',
    async (batch) => {
      const { pipeline, queueName, record, waiting, jobId } = make()
      const key = `bull:${queueName}:de:odd`
      await database.redis.hset(key, 'of', 'another kind')
      const odd = { jobOptions: { deduplication: { id: 'odd' } } }
      const records = Array.from({ length: 9 }, (_, no) => record(no, no % 4 === 1 ? odd : {}))
      const pending = ({ after, limit }) => records.filter((it) => it.jobId > after).slice(0, limit)
      for (const created of [true, false]) {
        const rows = table()
        const error = await rejection(pipeline.sweep({ ...rows, pending, batch }))
        expect([error.code, error.jobId, error.cause.message]).toEqual([
          'MISCONFIGURED',
          jobId(1),
          expect.stringContaining(key),
        ])
        expect(rows.told.map(([what, , job]) => [what, job.jobId, job.created])).toEqual(
          [0, 2, 3, 4, 6, 7, 8].map((no) => ['queued', jobId(no), created]),
        )
        expect(await waiting()).toBe(7)
      }
      await database.redis.del(key)
      expect(await pipeline.sweep({ pending, batch })).toMatchObject({ created: 1, deduplicated: 1, existing: 7 })
    },
  )

  test('a queue that takes none of a thousand, with nobody told', async () => {
    const { pipeline, queueName, record } = make()
    await database.redis.set(`bull:${queueName}:wait`, 'of another kind')
    let pulled = 0
    const pending = function* () {
      for (;;) yield record(pulled++)
    }
    const rows = table()
    const error = await rejection(pipeline.sweep({ ...rows, pending }))
    expect([error.code, error.cause.message]).toEqual(['MISCONFIGURED', expect.stringContaining('WRONGTYPE')])
    expect([pulled, rows.told]).toEqual([1000, []])
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
    expect(asked).toEqual([])
  })

  test('a signal has no record enqueued that waits for room', async () => {
    const { pipeline, record, waiting } = make({ maxInFlight: 1 })
    let release
    const held = new Promise((resolve) => {
      release = resolve
    })
    const other = pipeline.enqueue({ org: 'acme', no: 'other' }, { createPending: () => held })
    const stop = new AbortController()
    const waits = new Promise((resolve) => {
      const input = {
        org: 'acme',
        get no() {
          resolve()
          return '1'
        },
      }
      pipeline.sweep({ pending: () => [record(1, { input })], signal: stop.signal }).catch(() => {})
    })
    await waits
    stop.abort()
    release()
    await other
    await pipeline.close()
    expect(await waiting()).toBe(1)
  })

  test('a signal lets go of records that come after it, and of one whose handler throws for it nobody is told', async () => {
    const { pipeline, record } = make()
    const stop = new AbortController()
    const told = []
    let give
    let pulled = 0
    const closed = new Promise((resolve) => {
      const records = {
        next: () => ({ done: false, value: record(pulled++) }),
        return: resolve,
        [Symbol.iterator]: () => records,
      }
      give = () => records
    })
    let late
    const pending = () =>
      new Promise((resolve) => {
        late = () => resolve(give())
      })
    const sweep = rejection(pipeline.sweep({ pending, signal: stop.signal }))
    await nextTurn()
    stop.abort()
    await sweep
    late()
    await closed
    expect(pulled).toBe(0)

    const again = new AbortController()
    const onQueued = () => {
      again.abort()
      throw again.signal.reason
    }
    const onRejected = (_, error) => void told.push(error)
    await rejection(pipeline.sweep({ pending: () => [record(1)], onQueued, onRejected, signal: again.signal }))
    await nextTurn()
    expect(told).toEqual([])
  })

  test('a signal that is never given keeps no record that was looked at', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc')
    const { pipeline, record } = make()
    const gone = []
    const pending = function* () {
      for (let no = 0; no < 40; no++) {
        const it = record(no)
        gone.push(new WeakRef(it))
        yield it
      }
    }
    let alive
    const onQueued = async ({ jobId }) => {
      if (jobId !== record(39).jobId) return
      await nextTurn()
      collect()
      alive = gone.filter((it) => it.deref() !== undefined).length
    }
    await pipeline.sweep({ pending, onQueued, batch: 1, signal: new AbortController().signal })
    expect(alive).toBeLessThan(10)
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
