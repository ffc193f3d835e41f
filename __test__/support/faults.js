'use strict'
// Runs calls under a fault and checks what must hold in every fault. A test makes cases of a row of
// docs/faults.md. Nothing in here asserts a time: times are only written down.
//
//   const on = useFaults()                                   // closes what a test opened when the test ends
//   test('…', async () => {
//     const server = await on.server(['--appendonly', 'yes'])
//     const pipeline = on.pipeline({ connection: server.url })
//     const fault = on.fault({ row: 1, fault: 'killed amid calls', done: '`kill -9`, started again', pipeline })
//     const calls = fault.burst(1000, { timeoutMs: 300 })    // resolves to outcomes, never rejects
//     await server.kill()
//     expect(await calls)…
//     await server.up()
//     await fault.recovers()                                 // called when all is repaired: the next call succeeds
//     await fault.ends(on.client(server.url))                // looks in Redis, and writes the case down
//   })
//
// An outcome is { jobId, ticket, outcome, code, error }: `outcome` is 'queued' or that of the EnqueueError, `code` is
// 'queued', the error's code, or the name of what the storage itself failed with. Outcomes of other processes are handed
// in with `fault.add(outcomes)`; `jobId`, `outcome` and `code` are enough. `fault.remark('…')` adds a measurement or an
// observation to what the caller got.
const { execFileSync } = require('node:child_process')
const { Redis } = require('ioredis')
const { Pipeline, ticketTriageDefinition } = require('../..')
const { FaultyProxy } = require('../../tools/proxy.js')
const { Fault, PATIENT_MS } = require('./fault.js')
const { OwnServer } = require('./redis.js')
const { TlsFront } = require('./tls-front.js')
const { WAY, Way } = require('./way.js')

/** What a server is started with to take DEBUG. Those before Redis 7 take it anyway, and do not know the option. */
const DEBUGGABLE = / v=6\./.test(execFileSync(process.env.TEST_REDIS_COMMAND, ['--version']))
  ? []
  : ['--enable-debug-command', 'yes']

/** What a file of fault tests opens things with; all of it is closed after each test, the last first. */
function useFaults() {
  const opened = []
  const way = new Way()
  afterAll(() => way.remove())
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })
  const keep = (it, close) => {
    opened.push(() => close(it))
    return it
  }
  return {
    keep,

    /** A server of the test's own; see OwnServer. */
    async server(args) {
      const server = keep(await OwnServer.start(args, { certificate: way.certificate }), (it) => it.stop())
      way.know(server.port, server.securePort)
      return server
    },

    /** One that is not up yet. */
    async absentServer(args) {
      const server = keep(await OwnServer.absent(args, { certificate: way.certificate }), (it) => it.stop())
      way.know(server.port, server.securePort)
      return server
    },

    /** Stands between the boundary and `port`; see FaultyProxy. It sees what a network sees. */
    proxy: async (port, at) => keep(await FaultyProxy.start(way.port(port), at), (it) => it.stop()),

    /** One that understands what it sees: TLS ends before it. */
    async readingProxy(port) {
      const proxy = keep(await FaultyProxy.start(port), (it) => it.stop())
      await this.secure(proxy.port)
      return proxy
    },

    /** Puts TLS before what has none of its own. */
    async secure(port) {
      if (WAY === 'TLS') way.know(port, keep(await TlsFront.start(port, way.issue()), (it) => it.stop()).port)
    },

    /** TCP or TLS; what servers are started with for it, and how this knows of them; what leads to them. */
    way: WAY,
    certificate: way.certificate,
    know: (server) => way.know(server.port, server.securePort),
    connection: (connection) => way.connection(connection),
    environment: (server) => way.environment(server),
    port: ({ port }) => way.port(port),

    client(url, options) {
      const client = new Redis(url, { retryStrategy: () => 20, ...options })
      // Servers that die are what is tested.
      client.on('error', () => {})
      return keep(client, (it) => it.disconnect())
    },

    pipeline({ connection, ...options }) {
      const of = { connection: way.connection(connection), timeoutMs: PATIENT_MS, ...options }
      const it = new Pipeline({ ...ticketTriageDefinition, ...of })
      return keep(it, (pipeline) => pipeline.close())
    },

    fault: (about) => new Fault(about),
  }
}

/** How calls end whose time is over before there is an answer. */
const UNANSWERED = ['OUTCOME_UNKNOWN (unknown)', 'QUEUE_UNAVAILABLE (not-sent)']

/**
 * Makes bursts that nobody answers, until one has calls that went out. How many go out before their time is over is a
 * matter of speed; that each then is unknown, and the rest not sent, is not.
 */
async function burstUnanswered(fault, tickets, options) {
  const all = []
  while (!all.some(({ outcome }) => outcome === 'unknown')) {
    const outcomes = await fault.burst(tickets, options)
    for (const { code, outcome } of outcomes) expect(UNANSWERED).toContain(`${code} (${outcome})`)
    all.push(...outcomes)
  }
  return all
}

/** Each outcome, and there is one, matches. */
function expectAll(outcomes, expected) {
  expect(outcomes).not.toEqual([])
  for (const outcome of outcomes) expect(outcome).toMatchObject(expected)
}

module.exports = { burstUnanswered, DEBUGGABLE, expectAll, useFaults }
