'use strict'
// Where a sweep gets its records from, and how many of them at a time.
const { setImmediate: nextTurn } = require('node:timers/promises')
const { useDatabase } = require('../support/redis.js')
const { found, table, useSweeps } = require('../support/sweeps.js')
const { rejection } = require('../support/tickets.js')

const database = useDatabase()
const { make } = useSweeps(database)

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
