'use strict'
// Wall clocks that are wrong or jump, here and at the server. Deadlines go by the monotonic clock and do not notice.
const { Worker } = require('bullmq')
const { runChild } = require('../support/child.js')
const { Clock } = require('../support/clock.js')
const { useFaults } = require('../support/faults.js')

const HOUR = 3_600_000
const JUMPS = [
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
]

const program = process.env.TEST_REDIS_COMMAND

const on = useFaults()
let clock
beforeEach(() => {
  clock = new Clock()
})
afterEach(() => clock.remove())

/** Runs a child with the clock, in which `outcome(ticketId, options)` calls and resolves to what came of it. */
function runWithClock(server, calls, onLine) {
  const preamble = `
    const outcome = (ticketId, options) => enqueueTicketTriage(ticket(ticketId), storage, options).then(
      ({ jobId }) => ({ jobId, code: 'queued', outcome: 'queued' }),
      ({ jobId, code, outcome }) => ({ jobId, code, outcome }))
    const report = (value) => console.log(JSON.stringify(value));`
  return runChild(preamble + calls, { env: { ...clock.env, ...on.environment(server) }, onLine })
}

const linesOf = ({ code, stdout, stderr }) => {
  expect([code, stderr]).toEqual([0, ''])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe.each(JUMPS)('our clock is %s', (where, offset) => {
  test("jobs have our clock's timestamp, and a worker with the right one takes them at once", async () => {
    const server = await on.server()
    const fault = on.fault({ row: 25, fault: 'clock skew', done: `ours is ${where}` })
    clock.set(offset)
    const before = Date.now()
    fault.add(linesOf(await runWithClock(server, `outcome('skewed').then(report)`)))
    const after = Date.now()
    const job = await new Promise((resolve) => {
      const worker = new Worker('ticket-triage', async (it) => resolve(it), { connection: { port: server.port } })
      on.keep(worker, (it) => it.close())
    })
    // The clock is moved by whole seconds.
    expect(job.timestamp - offset).toBeGreaterThanOrEqual(before)
    expect(job.timestamp - offset).toBeLessThanOrEqual(after)
    const admin = on.client(server.url)
    while ((await admin.zcard('bull:ticket-triage:completed')) === 0) await new Promise(setImmediate)
    await fault.ends(admin)
  })
})

describe.each(JUMPS)('our clock jumps to %s amid calls', (where, offset) => {
  test('a call that waits goes on waiting, and deadlines that pass are noticed', async () => {
    const server = await on.absentServer()
    const fault = on.fault({ row: 25, fault: 'clock jump amid calls', done: `ours jumps to ${where}` })
    const calls = `
      const patient = outcome('patient', { timeoutMs: 25000 })
      const unsettled = { createPending: () => new Promise(() => {}) }
      const slow = enqueueTicketTriage(ticket('slow'), unsettled, { timeoutMs: 500 })
      const short = outcome('short', { timeoutMs: 500 })
      report('waiting')
      slow.catch(async ({ jobId, code, outcome }) => {
        report({ jobId, code, outcome })
        report(await short)
        report('late')
        report(await patient)
      })`
    let up
    const child = await runWithClock(server, calls, (line) => {
      if (line === '"waiting"') clock.set(offset)
      if (line === '"late"') up = server.up()
    })
    await up
    const outcomes = linesOf(child).filter((line) => typeof line === 'object')
    expect(outcomes.map(({ code }) => code)).toEqual(['STORAGE_TIMEOUT', 'QUEUE_UNAVAILABLE', 'queued'])
    fault.add(outcomes)
    await fault.ends(on.client(server.url))
  })
})

describe.each(JUMPS)("the server's clock jumps to %s amid calls", (where, offset) => {
  test('calls are queued, and its events stay in order', async () => {
    process.env.TEST_REDIS_COMMAND = clock.wrap(program)
    const server = await on.server()
    process.env.TEST_REDIS_COMMAND = program
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({
      row: 25,
      fault: 'clock jump at the server',
      done: `its clock jumps to ${where}`,
      pipeline,
    })
    const admin = on.client(server.url)
    const outcomes = await fault.burst(50)
    clock.set(offset)
    outcomes.push(...(await fault.burst(50)))
    const skew = Number((await admin.time())[0]) * 1000 - Date.now()
    expect(Math.round(skew / HOUR)).toBe(offset / HOUR)
    expect(outcomes.filter(({ outcome }) => outcome !== 'queued')).toEqual([])
    const order = (await admin.xrange('bull:ticket-triage:events', '-', '+')).map(([id]) => id.split('-').map(Number))
    expect(order).toHaveLength(200)
    expect(order).toEqual(order.toSorted(([a, i], [b, k]) => a - b || i - k))
    await fault.recovers()
    await fault.ends(admin)
  })
})
