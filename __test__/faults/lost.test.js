'use strict'
// Redis killed, absent at the start, or back without its scripts.
const { once } = require('node:events')
const { burstUnanswered, useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()
/** A server that has what it has acknowledged after kill -9 too. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']
/** On a machine that does much else, the time of some may run out before they are sent. */
const SENT_OR_NOT = ['queued', 'OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE', 'STORAGE_TIMEOUT']

describe('a server that is killed with calls in flight', () => {
  test('ends each call whose time runs out in what is true of it, and trying again makes one job of each', async () => {
    const server = await on.server(DURABLE)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row: 1, fault: 'killed amid the load', done: '`kill -9`, started again later', pipeline })
    const load = fault.load(1000, { timeoutMs: 400 })
    await until(() => load.outcomes.length >= 1000)
    await server.kill()
    await until(() => load.outcomes.some(({ outcome }) => outcome === 'not-sent'))
    const outcomes = await load.stop()
    expect(outcomes.filter(({ code }) => !SENT_OR_NOT.includes(code))).toEqual([])
    expect(await fault.call(newTicket(), { timeoutMs: 100 })).toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      outcome: 'not-sent',
      error: { status: 503, retryable: true, retryAfterMs: 1000, expose: false },
    })
    await server.up()
    await fault.recovers()
    await fault.ends(on.client(server.url))

    const again = on.fault({ row: 1, fault: 'tried again', done: 'the same tickets after the restart', pipeline })
    for (const { code } of await again.burst(outcomes.map(({ ticket }) => ticket))) expect(code).toBe('queued')
    await again.ends(on.client(server.url))
  })

  test('leaves calls that were sent in OUTCOME_UNKNOWN', async () => {
    const server = await on.server(DURABLE)
    const proxy = await on.proxy(server.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({ row: 1, fault: 'killed before it answers', done: 'stopped, then `kill -9`', pipeline })
    await fault.call()
    server.freeze()
    const killed = once(proxy, 'up').then(() => server.kill())
    const calls = await burstUnanswered(fault, 16, { timeoutMs: 300 })
    await killed
    for (const outcome of calls) {
      expect(outcome.error).toMatchObject({ status: 503, retryable: true })
      expect(outcome.error.jobId).toBe(outcome.jobId)
    }
    await server.up()
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })

  test('is not noticed by calls that have the time to wait for it', async () => {
    const server = await on.server(DURABLE)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row: 1, fault: 'killed and back in time', done: '`kill -9`, started again', pipeline })
    const load = fault.load(1000, { timeoutMs: 20_000 })
    await until(() => load.outcomes.length >= 1000)
    await server.kill()
    await server.up()
    for (const { code } of await load.stop()) expect(code).toBe('queued')
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})

describe('a server that is absent at the start', () => {
  test('ends a call not sent, and takes the next once it is there', async () => {
    const server = await on.absentServer()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row: 2, fault: 'absent at the start', done: 'started only after the calls', pipeline })
    for (const { jobId, code, outcome, error } of await fault.burst(50, { timeoutMs: 200 })) {
      expect({ code, outcome }).toEqual({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
      expect(error.jobId).toBe(jobId)
      expect(error.cause.message).toMatch(/refused/i)
      expect(error.message + JSON.stringify(error.toProblem())).not.toMatch(/127\.0\.0\.1|refused/)
    }
    await server.up()
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })

  test('takes the calls that waited for it, and never one whose time ran out before', async () => {
    const server = await on.absentServer()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row: 2, fault: 'appears in time', done: 'started while calls waited', pipeline })
    const patient = fault.burst(50, { timeoutMs: 30_000 })
    const late = await fault.burst(50, { timeoutMs: 50 })
    for (const { outcome } of late) expect(outcome).toBe('not-sent')
    await server.up()
    for (const { code } of await patient) expect(code).toBe('queued')
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})

describe('a server that has lost the script', () => {
  const flush = (client) => client.script('FLUSH')
  const evict = (client) => Promise.all(Array.from({ length: 600 }, (_, n) => client.eval(`return ${n}`, 0)))
  const restart = async (_, server) => {
    await server.kill()
    await server.up()
  }

  test.each([
    { fault: 'scripts flushed', done: '`SCRIPT FLUSH` amid the load', lose: flush, evals: [1] },
    { fault: 'restarted', done: '`kill -9` amid the load, started again', lose: restart, evals: [1] },
    // Servers before Redis 7.4 evict none.
    { fault: 'script evicted', done: '600 other scripts amid the load', lose: evict, evals: [600, 601] },
  ])('is given it once for all calls, and none of them notices: $fault', async ({ fault, done, lose, evals }) => {
    const server = await on.server(DURABLE)
    const client = on.client(server.url)
    const pipeline = on.pipeline({ connection: server.url })
    const run = on.fault({ row: 3, fault, done, pipeline })
    // All through the one script: of plain jobs.
    const load = run.load(500, { jobOptions: undefined })
    const answered = (count) => until(() => load.outcomes.length >= count)
    const given = async () => Number(/cmdstat_eval:calls=(\d+)/.exec(await client.info('commandstats'))[1])
    await answered(1000)
    expect(await given()).toBe(1)
    await client.config('RESETSTAT')
    await lose(client, server)
    await answered(load.outcomes.length + 1000)
    for (const { code } of await load.stop()) expect(code).toBe('queued')
    expect(evals).toContain(await given())
    await run.recovers()
    await run.ends(client)
  })
})
