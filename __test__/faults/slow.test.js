'use strict'
// A server, or the way to it, that is slow and not gone: calls that have the time are waited for, and no link is given up
// that would have answered.
const net = require('node:net')
const { burstUnanswered, expectAll, useFaults } = require('../support/faults.js')
const { RemotePipeline } = require('../support/remote.js')
const { Resolver } = require('../support/resolver.js')

const on = useFaults()
const PATIENT = { timeoutMs: 30_000 }

describe('opening a link takes long', () => {
  const row = 33

  test('because the name takes 3 s to look up', async () => {
    const server = await on.server()
    const resolver = on.keep(new Resolver(), (it) => it.remove())
    resolver.set('~3000', '127.0.0.1')
    const connection = { host: 'redis.test', port: server.port }
    const remote = await RemotePipeline.start({ connection: on.connection(connection) }, resolver.env)
    const pipeline = on.keep(remote, (it) => it.close())
    const fault = on.fault({ row, fault: 'slow name lookup', done: '3 s for each', pipeline })
    expectAll(await fault.burst(20, PATIENT), { code: 'queued' })
    await fault.ends(on.client(server.url))
  })

  test.each([
    { way: 'the round trip', delayMs: 750 },
    { way: 'each answer', delayMs: 1250 },
  ])('because $way takes long', async ({ way, delayMs }) => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    for (const direction of ['up', 'down']) proxy.treat(direction, { delayMs })
    const pipeline = on.pipeline({ connection: proxy.url })
    const done = `${2 * delayMs} ms there and back, from the start`
    const fault = on.fault({ row, fault: `slow way: ${way}`, done, pipeline })
    expectAll(await fault.burst(20, PATIENT), { code: 'queued' })
    expectAll(await fault.burst(20, PATIENT), { code: 'queued' })
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 1 })
    await fault.ends(on.client(server.url))
  })

  test('and connectTimeout says how long at most', async () => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    proxy.treat('down', { delayMs: 2000 })
    const pipeline = on.pipeline({ connection: { url: proxy.url, connectTimeout: 100 } })
    const fault = on.fault({ row, fault: 'slow way', done: '2 s, with a `connectTimeout` of 100 ms', pipeline })
    expectAll(await fault.burst(20, { timeoutMs: 3000 }), { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    proxy.heal()
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})

describe('answers take long', () => {
  const row = 34

  test('and are waited for, on the link that is there', async () => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({ row, fault: 'slow answers', done: '2.5 s for each', pipeline })
    await fault.burst(20)
    proxy.treat('down', { delayMs: 2500 })
    expectAll(await fault.burst(200, PATIENT), { code: 'queued' })
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 1 })
    proxy.heal()
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })

  test('and a link that is dead is told from it, since another is answered', async () => {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({
      row,
      fault: 'slow answers on a dead link',
      done: '1 s for each, then the link forgotten',
      pipeline,
    })
    await fault.burst(20)
    proxy.treat('down', { delayMs: 1000 })
    await fault.burst(20, PATIENT)
    proxy.forget('up', 'down')
    expectAll(await fault.burst(20, PATIENT), { code: 'queued' })
    expect(pipeline.stats()).toMatchObject({ connected: true, connects: 2 })
    proxy.heal()
    await fault.recovers()
    await fault.ends(on.client(server.url))
  })
})

describe('a reply that never ends', () => {
  const row = 35
  /** Takes a link as Redis would, and answers each script with bytes that make no whole reply. */
  async function endless(bytes) {
    let sent = 0
    const sockets = new Set()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      let asked = ''
      const answer = () => {
        while (!socket.destroyed && socket.write(bytes)) sent += bytes.length
        socket.once('drain', answer)
      }
      socket
        .on('error', () => {})
        .on('data', (chunk) => {
          const before = asked
          asked += chunk.toString('latin1')
          if (!before.includes('INFO') && asked.includes('INFO')) socket.write('+OK\r\n+PONG\r\n$-1\r\n')
          if (!before.includes('EVALSHA') && asked.includes('EVALSHA')) answer()
        })
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    on.keep(server, (it) => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => it.close(resolve))
    })
    await on.secure(server.address().port)
    return { port: server.address().port, sent: () => sent, links: () => sockets.size }
  }

  test.each([
    ['an array of ever more numbers', ':1\r\n'.repeat(1000), '*65000\r\n'],
    ['a line without an end', 'x'.repeat(4000), '+'],
  ])('%s costs the link, and neither memory nor another link’s calls', async (what, bytes, front) => {
    const server = await endless(front + bytes)
    const pipeline = on.pipeline({ connection: { port: server.port } })
    const fault = on.fault({ row, fault: 'a reply without an end', done: what, pipeline })
    const before = process.memoryUsage().rss
    while (server.links() <= 1) await burstUnanswered(fault, 20, { timeoutMs: 500 })
    expect(pipeline.stats().lastProblem).toMatch(/what is not a reply|reply to something else/)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
    const real = await on.server()
    pipeline.reconnect(on.connection(real.url))
    await fault.recovers()
    await fault.ends(on.client(real.url))
  })
})
