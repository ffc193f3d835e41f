'use strict'
// How deadlines are kept while calls wait in the caller's own code: what is set up for it, and how often it is looked at.
// Counted, never timed.
const { runChild } = require('./support/child.js')
const { useFaults } = require('./support/faults.js')
const { useDatabase } = require('./support/redis.js')

const database = useDatabase()
const on = useFaults()
const row = 36
const clean = { code: 0, signal: null, stderr: '' }

/** For a child: counts timers and immediates, and how often the native side is asked for outcomes. */
const COUNTING = `
const { createHook } = require('node:async_hooks')
const made = { Timeout: 0, Immediate: 0 }
const open = new Set()
let mostImmediates = 0
createHook({
  init(id, type) {
    if (!(type in made)) return
    made[type]++
    if (type === 'Immediate') mostImmediates = Math.max(mostImmediates, open.add(id).size)
  },
  before: (id) => open.delete(id),
}).enable()
const { Boundary } = require('./lib/native.js')
const { drain } = Boundary.prototype
let drains = 0
Boundary.prototype.drain = function (...args) {
  drains++
  return drain.apply(this, args)
}
const { Pipeline, ticketTriageDefinition } = require('.')
const never = { createPending: () => new Promise(() => {}) }
`

test('callers that try again at once while storage is down leave no timer behind, and wake nobody in vain', async () => {
  const done = 'records that never settle; 100 callers that try again at once, with deadlines of 5 to 44 ms'
  const fault = on.fault({ row, fault: 'storage down', done })
  const child = await runChild(`${COUNTING}
    const pipeline = new Pipeline({ ...ticketTriageDefinition })
    let settled = 0
    let first
    const ends = {}
    const caller = async (number) => {
      // No two are due at the same time.
      while (settled < 10_000) {
        const timeoutMs = 5 + ((number * 7 + settled) % 40)
        await pipeline.enqueue(ticket('again' + number), never, { timeoutMs }).catch(({ jobId, code, outcome }) => {
          const end = JSON.stringify({ jobId, code, outcome })
          ends[end] = (ends[end] ?? 0) + 1
          settled++
        })
        if (settled >= 2000) first ??= process.memoryUsage().rss
      }
    }
    const hold = new (require('node:worker_threads').MessageChannel)().port1
    hold.ref()
    Promise.all(Array.from({ length: 100 }, (_, number) => caller(number))).then(async () => {
      await pipeline.close()
      hold.close()
      const more = process.memoryUsage().rss - first
      console.log(JSON.stringify({ settled, drains, mostImmediates, timers: made.Timeout, ends, more }))
    })`)
  expect(child).toMatchObject(clean)
  const { settled, drains, mostImmediates, timers, ends, more } = JSON.parse(child.stdout)
  expect(settled).toBeGreaterThanOrEqual(10_000)
  expect(timers).toBe(0)
  expect(more).toBeLessThan(64 * 2 ** 20)
  expect(mostImmediates).toBeLessThanOrEqual(1)
  expect(drains).toBeLessThan(settled)
  for (const [end, count] of Object.entries(ends)) fault.add(Array(count).fill(JSON.parse(end)))
  fault.remark(`${timers} timers; the native side asked ${drains} times`)
  await fault.ends(database.redis)
})

test('100,000 calls that hang are looked at once, when they are due, in as many turns as they need', async () => {
  const child = await runChild(`${COUNTING}
    const pipeline = new Pipeline({ ...ticketTriageDefinition, timeoutMs: 600_000 })
    const codes = {}
    const count = (error) => { codes[error.code] = (codes[error.code] ?? 0) + 1 }
    for (let i = 0; i < 90_000; i++) pipeline.enqueue(ticket('hangs' + i), never).catch(count)
    const due = Array.from({ length: 9000 }, (_, i) => pipeline.enqueue(ticket('due' + i), never, { timeoutMs: 50 }).catch(count))
    const others = async (caller) => {
      for (let i = 0; i < 50; i++) await pipeline.enqueue(ticket('other' + caller + '-' + i), storage)
    }
    const hold = new (require('node:worker_threads').MessageChannel)().port1
    hold.ref()
    Promise.all([...due, ...Array.from({ length: 10 }, (_, caller) => others(caller))]).then(() => {
      hold.close()
      console.log(JSON.stringify({ codes, drains, mostImmediates, timers: made.Timeout, inFlight: pipeline.stats().inFlight }))
    })`)
  expect(child).toMatchObject(clean)
  const { drains, ...rest } = JSON.parse(child.stdout)
  expect(rest).toEqual({ codes: { STORAGE_TIMEOUT: 9000 }, mostImmediates: 1, timers: 0, inFlight: 90_000 })
  // 9000 in batches of 256, 500 others that are settled one at a time at worst, and some wake-ups that find nothing.
  expect(drains).toBeLessThan(9000 / 256 + 500 + 100)
})

test('nothing is left to wake for once a pipeline is closed', async () => {
  const child = await runChild(`${COUNTING}
    const pipeline = new Pipeline({ ...ticketTriageDefinition, timeoutMs: 2 ** 31 - 1 })
    const failing = { createPending: () => Promise.reject(new Error('down')) }
    ;(async () => {
      for (let i = 0; i < 500; i++) await pipeline.enqueue(ticket('down' + i), failing).catch(() => {})
      await pipeline.close()
      console.log(JSON.stringify({ timers: made.Timeout, resources: process.getActiveResourcesInfo() }))
    })()`)
  expect(child).toMatchObject(clean)
  const { timers, resources } = JSON.parse(child.stdout)
  expect(timers).toBe(0)
  expect(resources.filter((type) => /time|immediate/i.test(type))).toEqual([])
})

// Where it can be seen what a thread has done.
const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('nor once it was collected: the thread that keeps the time sleeps on', async () => {
  const child = await runChild(
    `${COUNTING}
    const { readdirSync, readFileSync } = require('node:fs')
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const fail = (pipeline) => pipeline.enqueue(ticket('down'), { createPending: () => Promise.reject() }).catch(() => {})
    const waits = new Pipeline(ticketTriageDefinition)
    const hang = (timeoutMs) => waits.enqueue(ticket('hangs'), never, { timeoutMs }).catch(() => {})
    const read = (task, name) => readFileSync('/proc/self/task/' + task + '/' + name, 'utf8').trim()
    /** Milliseconds that it has run. */
    const ran = () => {
      const clock = readdirSync('/proc/self/task').find((task) => read(task, 'comm') === 'enqueue-clock')
      return read(clock, 'schedstat').split(' ')[0] / 1e6
    }
    ;(async () => {
      await fail(new Pipeline({ ...ticketTriageDefinition, timeoutMs: 1000 }))
      for (let turns = 0; turns < 50; turns++) {
        gc()
        await turn()
      }
      const hold = setInterval(() => {}, 1000)
      await hang(1050)
      const before = ran()
      await hang(300)
      clearInterval(hold)
      console.log(ran() - before)
    })()`,
    { flags: ['--expose-gc'] },
  )
  expect(child).toMatchObject(clean)
  // To be woken once takes 0.1 of them; to look again and again, all that the machine has to give.
  expect(Number(child.stdout)).toBeLessThan(5)
})

test('nor once one could not be opened, however often that is tried', async () => {
  const child = await runChild(`
    const { createHook } = require('node:async_hooks')
    const open = new Set()
    createHook({ init: (id, type) => type === 'enqueue-boundary' && open.add(id), destroy: (id) => open.delete(id) }).enable()
    const { Pipeline, ticketTriageDefinition } = require('.')
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    // A prefix without braces will not do for a cluster, which the native side finds out.
    const connection = { cluster: [{ port: 1 }] }
    const unset = new Pipeline({ ...ticketTriageDefinition, connection: undefined })
    const codes = new Set()
    const attempt = (use) => {
      try {
        use()
      } catch (error) {
        codes.add(error.code)
      }
    }
    ;(async () => {
      const before = open.size
      for (let i = 0; i < 50; i++) {
        attempt(() => new Pipeline({ ...ticketTriageDefinition, connection }))
        attempt(() => unset.reconnect(connection))
      }
      const made = open.size - before
      // It takes a few turns to let go, and more than these for garbage to be collected.
      for (let turns = 0; turns < 50; turns++) await turn()
      console.log(JSON.stringify({ codes: [...codes], made, left: open.size - before }))
    })()`)
  expect(child).toMatchObject(clean)
  expect(JSON.parse(child.stdout)).toEqual({ codes: ['MISCONFIGURED'], made: 100, left: 0 })
})
