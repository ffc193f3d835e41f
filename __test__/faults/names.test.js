'use strict'
// The name of the server leads elsewhere, nowhere, or first to an address that is silent. The boundary runs in a process
// whose resolver is the test's; everything behind the resolver is real.
const { once } = require('node:events')
const net = require('node:net')
const { expectAll, useFaults } = require('../support/faults.js')
const { RemotePipeline } = require('../support/remote.js')
const { Resolver } = require('../support/resolver.js')

const on = useFaults()
const row = 14

/** A server, and a pipeline in another process that knows it by the name redis.test, which leads nowhere yet. */
async function begin(about, { port } = {}) {
  const server = await on.server()
  const resolver = on.keep(new Resolver(), (it) => it.remove())
  const connection = on.connection({ host: 'redis.test', port: port ?? server.port })
  const pipeline = on.keep(await RemotePipeline.start({ connection }, resolver.env), (it) => it.close())
  return { server, resolver, client: on.client(server.url), fault: on.fault({ row, ...about, pipeline }) }
}

test('a name that does not exist leaves calls not sent, until it does', async () => {
  const about = { fault: 'NXDOMAIN', done: 'the name got an address only after the calls' }
  const { resolver, client, fault } = await begin(about)
  const outcomes = await fault.burst(20, { timeoutMs: 300 })
  expectAll(outcomes, { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent', error: { status: 503, retryable: true } })
  resolver.set('127.0.0.1')
  await fault.recovers()
  await fault.ends(client)
})

test('a name that leads elsewhere is asked again when the link breaks', async () => {
  const about = { fault: 'the address changed', done: 'the link reset, the old address closed, the name moved' }
  const { server, resolver, client, fault } = await begin(about)
  const [first, second] = ['127.0.0.2', '127.0.0.3']
  const old = await on.proxy(server.port, { host: first, port: on.port(server) })
  await on.proxy(server.port, { host: second, port: on.port(server) })
  resolver.set(first)
  const load = fault.load(50)
  await once(old, 'down')
  resolver.set(second)
  await old.refuse()
  await fault.recovers()
  expectAll(await load.stop(), { code: 'queued' })
  await fault.ends(client)
})

test('a name whose first addresses are silent or refuse is followed to the one that answers', async () => {
  const about = { fault: 'black-holed first address', done: 'of three addresses one drops, one refuses, one is Redis' }
  const [silent, refusing, answering] = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
  // A listener that accepts nothing, and whose queue is full, drops what comes next.
  const full = await on.server(['--bind', '127.0.0.1', silent, '--tcp-backlog', '1'])
  full.freeze()
  const fill = Array.from({ length: 8 }, () => net.connect(on.port(full), silent).on('error', () => {}))
  on.keep(fill, (sockets) => sockets.map((socket) => socket.destroy()))
  await once(fill[0], 'connect')
  const { server, resolver, client, fault } = await begin(about, full)
  await on.proxy(server.port, { host: answering, port: on.port(full) })
  expect(fill.at(-1).connecting).toBe(true)
  resolver.set(silent, refusing, answering)
  await fault.recovers()
  expectAll(await fault.burst(20), { code: 'queued' })
  await fault.ends(client)
})
