'use strict'
// A way to Redis that cuts, mangles, splits and slows what goes over it.
const { burstUnanswered, expectAll, useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()

/** A server, a proxy before it, which may read what it passes on, and a pipeline whose link stands. */
async function begin({ reads = false, ...about }, options) {
  const server = await on.server()
  const proxy = await (reads ? on.readingProxy(server.port) : on.proxy(server.port))
  const pipeline = on.pipeline({ connection: proxy.url, ...options })
  const fault = on.fault({ ...about, pipeline })
  await fault.call()
  return { client: on.client(server.url), proxy, pipeline, fault }
}

describe('a reply that is cut', () => {
  const row = 12

  test.each([
    { how: 'reset', done: 'each reply cut once at every byte, with a reset' },
    { how: 'end', done: 'each reply cut once at every byte, with an orderly end' },
  ])('costs the link and no call: $how', async ({ how, done }) => {
    const { client, proxy, pipeline, fault } = await begin({ row, fault: `reply cut: ${how}`, done })
    for (let bytes = 0; bytes < '*1\r\n:2\r\n'.length; bytes++) {
      const { connects } = pipeline.stats()
      proxy.cutReply(bytes, how)
      expectAll(await fault.burst(40), { code: 'queued' })
      expect(pipeline.stats().connects).toBeGreaterThan(connects)
    }
    await fault.recovers()
    await fault.ends(client)
  })

  test('leaves the call unknown when the deadline comes before a new link', async () => {
    const done = 'reset after the first byte of the reply, new links refused'
    const { client, proxy, fault } = await begin({ row, fault: 'reply cut, no new link', done })
    proxy.cutReply(1, 'reset')
    proxy.once('down', () => proxy.refuse())
    await burstUnanswered(fault, 16, { timeoutMs: 300 })
    expectAll(await fault.burst(16, { timeoutMs: 100 }), { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    proxy.heal()
    await proxy.accept()
    await fault.recovers()
    await fault.ends(client)
  })

  test('amid a load costs no call, however often', async () => {
    const { client, proxy, fault } = await begin({ row, fault: 'links cut amid the load', done: '20 resets' })
    const load = fault.load(200, { timeoutMs: 20_000 })
    for (let cut = 0; cut < 20; cut++) {
      proxy.cutReply(cut * 3, 'reset')
      const { length } = load.outcomes
      await until(() => load.outcomes.length > length + 100)
    }
    expectAll(await load.stop(), { code: 'queued' })
    await fault.recovers()
    await fault.ends(client)
  })
})

describe('a reply that is not the one', () => {
  const row = 12
  /** What comes instead of a reply: the number of the batch, in an array, when all its jobs are new. */
  const replies = {
    'not RESP': () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
    'another type': () => '+OK\r\n',
    'an integer': () => ':0\r\n',
    nil: () => '*-1\r\n',
    'the reply to another batch': () => '*1\r\n:1\r\n',
    'a position that no job has': (reply) => `${reply.replace('*1', '*2')}:17\r\n`,
    'a position that is a string': (reply) => `${reply.replace('*1', '*2')}$1\r\n1\r\n`,
    'one reply too many': (reply) => reply + reply,
    'a length that is absurd': () => '$99999999999999999999\r\n',
    zeros: (reply) => reply.replace(/./gs, '\0'),
    'an error that is not from Redis': () => '-upstream failure\r\n',
  }

  test.each(Object.keys(replies))('once costs the link and no call: %s', async (name) => {
    const about = { row, fault: `garbage: ${name}`, done: 'one reply replaced', reads: true }
    const { client, proxy, pipeline, fault } = await begin(about)
    proxy.treat('down', {
      garble(bytes) {
        proxy.heal()
        return Buffer.from(replies[name](bytes.toString()))
      },
    })
    // One batch, so that there is one reply.
    expectAll(await fault.burst(16), { code: 'queued' })
    await fault.recovers()
    expect(pipeline.stats().connects).toBe(2)
    await fault.ends(client)
  })

  test('for good leaves calls unknown or not sent, until it is the right one again', async () => {
    const done = 'the high bit of every byte from the server flipped'
    const { client, proxy, fault } = await begin({ row, fault: 'garbage for good', done })
    proxy.treat('down', { garble: (bytes) => bytes.map((byte) => byte ^ 0x80) })
    await burstUnanswered(fault, 16, { timeoutMs: 300 })
    expectAll(await fault.burst(16, { timeoutMs: 100 }), { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    proxy.heal()
    await fault.recovers()
    await fault.ends(client)
  })

  test('split at every byte, both ways, is put together', async () => {
    const done = 'every byte in a packet of its own, both ways'
    const { client, proxy, fault } = await begin({ row, fault: 'split at every byte', done })
    proxy.treat('up', { split: true })
    proxy.treat('down', { split: true })
    const tickets = Array.from({ length: 30 }, () => newTicket())
    // The second time each reply names positions, so that it is longer.
    for (let round = 0; round < 2; round++) expectAll(await fault.burst(tickets), { code: 'queued' })
    await fault.recovers()
    await fault.ends(client)
  })
})

describe('a slow way', () => {
  const row = 13

  test('takes its time and no more', async () => {
    const about = { row, fault: 'slow', done: '100 to 150 ms each way' }
    const { client, proxy, fault } = await begin(about)
    proxy.treat('up', { delayMs: 100, jitterMs: 50 })
    proxy.treat('down', { delayMs: 100, jitterMs: 50 })
    expectAll(await fault.burst(2000), { code: 'queued' })
    await burstUnanswered(fault, 16, { timeoutMs: 100 })
    proxy.heal()
    await fault.recovers()
    await fault.ends(client)
  })

  test('fills up to maxInFlight calls, and refuses the rest at once', async () => {
    const about = { row, fault: 'narrow', done: '10 KB/s, `maxInFlight: 200`' }
    const { client, proxy, pipeline, fault } = await begin(about, { maxInFlight: 200 })
    proxy.treat('up', { bytesPerSecond: 10_000 })
    const bulky = () => newTicket({ summary: 'x'.repeat(2000) })
    const held = fault.burst(Array.from({ length: 200 }, bulky), { timeoutMs: 2000 })
    const times = []
    for (let n = 0; n < 500; n++) {
      const ticket = bulky()
      const started = performance.now()
      const outcome = await fault.call(ticket, { timeoutMs: 1000 })
      times.push(performance.now() - started)
      expect(outcome).toMatchObject({
        code: 'OVERLOADED',
        outcome: 'refused',
        error: { status: 503, retryable: true, retryAfterMs: expect.any(Number) },
      })
    }
    expect(pipeline.stats()).toMatchObject({ inFlight: 200 })
    const [half, worst] = [250, 499].map((at) => times.sort((a, b) => a - b)[at].toFixed(2))
    fault.remark(`refused in ${half} ms (median), ${worst} ms (worst)`)
    await held
    proxy.heal()
    await fault.recovers()
    await fault.ends(client)
  })

  test('holds jobs of 256 MiB at most, however long Redis is away', async () => {
    const about = { row, fault: 'away, with large jobs', done: 'links refused, calls of 1 MB each' }
    const { client, proxy, pipeline, fault } = await begin(about)
    await proxy.refuse()
    const before = process.memoryUsage().rss
    const summary = 'x'.repeat(1_000_000)
    const calls = fault.burst(
      Array.from({ length: 400 }, () => newTicket({ summary })),
      { timeoutMs: 2000 },
    )
    const held = pipeline.stats().bytes
    expect(held).toBeGreaterThan(250 * 2 ** 20)
    expect(held).toBeLessThan(258 * 2 ** 20)
    const codes = new Set((await calls).map(({ code }) => code))
    // To take in so much may itself take longer than the first of them have.
    codes.delete('STORAGE_TIMEOUT')
    expect(codes).toEqual(new Set(['QUEUE_UNAVAILABLE', 'OVERLOADED']))
    fault.remark(`${Math.round((process.memoryUsage().rss - before) / 2 ** 20)} MiB more memory at the end`)
    await proxy.accept()
    await fault.recovers()
    await fault.ends(client)
  })
})
