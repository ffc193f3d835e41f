'use strict'
// A server that has too many clients, or throws them out; a process that has too many calls.
const { setTimeout: sleep } = require('node:timers/promises')
const { runChild } = require('../support/child.js')
const { expectAll, useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()

describe('a server that will not have us', () => {
  const row = 19

  test('because it has too many clients leaves calls not sent, until there is room', async () => {
    const server = await on.server()
    const client = on.client(server.url)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: 'maxclients', done: '`maxclients 1`, taken by another', pipeline })
    await client.config('SET', 'maxclients', 1)
    expectAll(await fault.burst(50, { timeoutMs: 300 }), { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    await client.config('SET', 'maxclients', 100)
    await fault.recovers()
    await fault.ends(client)
  })

  test('because an operator throws everybody out, again and again, costs no call', async () => {
    const server = await on.server()
    const client = on.client(server.url)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: '`CLIENT KILL` storm', done: '`CLIENT KILL TYPE normal`, 30 times', pipeline })
    const load = fault.load(200)
    for (let kill = 0; kill < 30; kill++) {
      const { length } = load.outcomes
      await until(() => load.outcomes.length > length + 50)
      await client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    }
    expectAll(await load.stop(), { code: 'queued' })
    await fault.recovers()
    fault.remark(`${pipeline.stats().connects} links made`)
    await fault.ends(client)
  })

  test('because we were idle is gone to again with the next call', async () => {
    const server = await on.server()
    const client = on.client(server.url)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: 'idle `timeout`', done: '`timeout 1`, and no call until it closed', pipeline })
    await fault.call()
    await client.config('SET', 'timeout', 1)
    await until(() => !pipeline.stats().connected)
    expectAll(await fault.burst(50), { code: 'queued' })
    await fault.recovers()
    await fault.ends(client)
  })

  test('and resets every link is not stormed', async () => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({ row, fault: 'every link reset', done: 'each new link reset at once', pipeline })
    let links = 0
    const reset = () => {
      links += 1
      proxy.reset()
    }
    proxy.on('link', reset)
    const load = fault.load(20, { timeoutMs: 300 })
    await until(() => load.outcomes.length >= 100)
    expectAll(await load.stop(), { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    // With pauses that double from 20 ms to half a second it is a dozen in this time. Without them, thousands.
    expect(links).toBeLessThan(30)
    fault.remark(`${links} attempts`)
    proxy.off('link', reset)
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})

describe('10,000 calls in flight on a slow storage', () => {
  const row = 22
  const CALLS = 10_000

  test('are all enqueued, each after its record', async () => {
    const server = await on.server()
    const done = 'records take 0.3 to 0.8 s, 50 calls a turn of the event loop'
    const fault = on.fault({ row, fault: '10,000 calls in flight', done })
    // In a process of its own, since jest would be late by itself.
    const child = await runChild(
      `
      const lag = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 })
      let recorded = 0
      const slow = {
        async createPending() {
          await new Promise((resolve) => setTimeout(resolve, 300 + 500 * Math.random()))
          recorded += 1
        },
      }
      const calls = []
      const step = () => {
        for (let n = 0; n < 50; n++) calls.push(enqueueTicketTriage(ticket('crowd' + calls.length), slow))
        if (calls.length < ${CALLS}) return setImmediate(step)
        Promise.allSettled(calls).then((outcomes) => {
          const queued = outcomes.flatMap(({ value }) => value?.jobId ?? [])
          console.log(JSON.stringify({ recorded, queued, lateMs: lag.percentile(99) / 1e6 }))
        })
      }
      lag.enable()
      step()`,
      { env: on.environment(server) },
    )
    const { recorded, queued, lateMs } = JSON.parse(child.stdout)
    expect(recorded).toBe(CALLS)
    expect(new Set(queued).size).toBe(CALLS)
    fault.add(queued.map((jobId) => ({ jobId, outcome: 'queued', code: 'queued' })))
    fault.remark(`event loop late by ${lateMs.toFixed(1)} ms at p99`)
    await fault.ends(on.client(server.url))
  })

  test('fill the room there is; the rest is refused before its record, and gets in when tried again', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url, maxInFlight: 1000 })
    const done = 'records take up to 50 ms, `maxInFlight: 1000`'
    const fault = on.fault({ row, fault: '10,000 calls at once, bounded', done, pipeline })
    const records = new Set()
    const storage = {
      async createPending({ jobId }) {
        await sleep(50 * Math.random())
        records.add(jobId)
      },
    }
    let tickets = Array.from({ length: CALLS }, () => newTicket())
    for (let wave = 1; tickets.length > 0; wave++) {
      const outcomes = await fault.burst(tickets, { storage })
      const refused = outcomes.filter(({ code }) => code !== 'queued')
      for (const outcome of refused) expect(outcome).toMatchObject({ code: 'OVERLOADED', outcome: 'refused' })
      expect(refused).toHaveLength(CALLS - 1000 * wave)
      expect(records.size).toBe(1000 * wave)
      tickets = refused.map(({ ticket }) => ticket)
    }
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})
