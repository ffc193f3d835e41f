'use strict'
// What a call costs: commands and bytes on Redis, memory in the process. Counted, never timed, and held to fixed bounds,
// so that only a change of the code fails here. The native path's own allocations are counted in src/allocations.rs.
const { Redis } = require('ioredis')
const { runChild } = require('./support/child.js')
const { OwnServer } = require('./support/redis.js')
const { jobKey, newTicket, rejection } = require('./support/tickets.js')
const { Pipeline, ticketTriageDefinition } = require('..')

const STORAGE = { createPending: async () => {} }

let server
let redis
let pipeline
/** Redis 6 cannot be asked for permissions, so there the script tries each command once, and looks for a key to try LPUSH on. */
let tries

beforeAll(async () => {
  server = await OwnServer.start()
  redis = new Redis(server.url)
  pipeline = new Pipeline({ ...ticketTriageDefinition, connection: server.url })
  tries = await redis.eval('return redis.acl_check_cmd and 0 or 1', 0)
  // The queue is in use, and the server has the script.
  await pipeline.enqueue(newTicket(), STORAGE)
})

afterAll(async () => {
  await pipeline.close()
  await redis.quit()
  await server.stop()
})

/** What the server did meanwhile: calls of each command, those of scripts included, and bytes on all connections. */
async function spent(work) {
  await redis.config('RESETSTAT')
  await work()
  const info = await redis.info('all')
  const calls = Array.from(info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name, count]) => [name, Number(count)])
  // Redis 6 counts subcommands together. Our own look is not among what it counts.
  const ours = calls.map(([name, count]) => [name.split('|')[0], count]).filter(([name]) => name !== 'config')
  const bytes = (way) => Number(new RegExp(`^total_net_${way}put_bytes:(\\d+)`, 'm').exec(info)[1])
  return { commands: Object.fromEntries(ours), bytesIn: bytes('in'), bytesOut: bytes('out') }
}

/** All that adding `jobs` in `scripts` calls of the script takes: two things a job, the rest once a batch. */
const adding = (jobs, scripts) => ({
  evalsha: scripts,
  hmget: scripts,
  llen: scripts + tries * scripts,
  xlen: scripts,
  zcard: scripts,
  exists: scripts + tries * scripts,
  incrby: scripts + tries * scripts,
  hset: jobs + tries * scripts,
  xadd: 2 * jobs + tries * scripts,
  lpush: scripts + tries * scripts,
  zadd: scripts + tries * scripts,
  xtrim: scripts + tries * scripts,
})

const bytesOf = (ticket) => Buffer.byteLength(jobKey(ticket) + JSON.stringify(ticket))

/**
 * The wire carries the key and the data of each job once. A job has 15 bytes around them, and 20 more for its timestamp
 * where those of a batch differ; a batch has some 740 for the keys and options of the queue, and a reply of 10, with
 * 30 more for each job that is there already.
 */
function expectBytesWithin({ bytesIn, bytesOut }, tickets, scripts, duplicates = 0) {
  const fields = tickets.reduce((sum, ticket) => sum + bytesOf(ticket), 0)
  expect(bytesIn).toBeGreaterThan(fields)
  expect(bytesIn).toBeLessThan(fields + 48 * tickets.length + 900 * scripts)
  expect(bytesOut).toBeLessThan(32 * (scripts + duplicates))
}

test.each([
  ['short', 'The printer prints blank pages'],
  ['long', 'x'.repeat(64 * 1024)],
])('a lone call with a %s summary costs one script and nothing else', async (_, summary) => {
  const ticket = newTicket({ summary })
  const cost = await spent(() => pipeline.enqueue(ticket, STORAGE))
  expect(cost.commands).toEqual(adding(1, 1))
  expectBytesWithin(cost, [ticket], 1)
})

test('64 callers share scripts, and a job adds one hash and two events to them', async () => {
  const tickets = Array.from({ length: 2048 }, () => newTicket())
  const waiting = tickets.values()
  const cost = await spent(() =>
    Promise.all(
      Array.from({ length: 64 }, async () => {
        for (const ticket of waiting) await pipeline.enqueue(ticket, STORAGE)
      }),
    ),
  )
  const scripts = cost.commands.evalsha
  // Some 30 jobs a script were measured.
  expect(scripts).toBeLessThan(tickets.length / 8)
  expect(cost.commands).toEqual(adding(tickets.length, scripts))
  expectBytesWithin(cost, tickets, scripts)
})

test('a call whose job is there already writes one event, and looks at what is there', async () => {
  const ticket = newTicket()
  await pipeline.enqueue(ticket, STORAGE)
  const cost = await spent(() => pipeline.enqueue(ticket, STORAGE))
  const { hset, lpush, zadd, ...others } = adding(0, 1)
  const tried = tries ? { hset, lpush: 1, zadd: 1 } : {}
  // In which of five sets it is, whether it runs, or where it waits; and its data.
  const looks = { zscore: 5, lpos: 2, llen: 2 + tries, hmget: 2, hstrlen: 1 }
  expect(cost.commands).toEqual({ ...others, ...tried, ...looks, exists: 2 + tries, xadd: 1 + tries })
  expectBytesWithin(cost, [ticket], 1, 1)
})

test('calls that are refused or not recorded cost Redis nothing', async () => {
  const failing = { createPending: () => Promise.reject(new Error('no row')) }
  const ticket = newTicket()
  const cost = await spent(async () => {
    await rejection(pipeline.enqueue(newTicket({ summary: '' }), STORAGE))
    await rejection(pipeline.enqueue(newTicket(), failing))
    // On the same connection and later: what the others had sent would be counted by now.
    await pipeline.enqueue(ticket, STORAGE)
  })
  expect(cost.commands).toEqual(adding(1, 1))
  expectBytesWithin(cost, [ticket], 1)
})

test('connecting is a PING, a name and a look at the server, and the script is sent once to one that lacks it', async () => {
  await redis.script('FLUSH')
  const ticket = newTicket()
  // Under another name, or it would share the connection that is there.
  const connection = { url: server.url, connectionName: 'connecting' }
  const connecting = new Pipeline({ ...ticketTriageDefinition, connection })
  const cost = await spent(() => connecting.enqueue(ticket, STORAGE))
  await connecting.close()
  expect(cost.commands).toEqual({ ...adding(1, 1), ping: 1, client: 1, info: 1, eval: 1 })
  // 9.4 KB were measured, 7.9 of them the script.
  expect(cost.bytesIn).toBeLessThan(11_000)
})

/** For a child: `memory()` is what its live objects take. */
const MEMORY = `
require('node:v8').setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
async function memory() {
  for (let round = 0; round < 3; round++) {
    gc()
    await new Promise(setImmediate)
  }
  return process.memoryUsage()
}
const numbered = (number) => ({ ...ticket('T-' + number), summary: 'x'.repeat(100) })
`

/** Runs the program in a process that enqueues here; gives the memory it printed, line by line. */
async function memoryOf(program, onLine) {
  // Left to itself the young generation grows once, by more than all that is looked for here.
  const env = { REDIS_URL: server.url, NODE_OPTIONS: '--max-semi-space-size=1' }
  const child = await runChild(MEMORY + program, { env, onLine })
  expect(child).toMatchObject({ code: 0, stderr: '' })
  return child.stdout.trim().split('\n').map(JSON.parse)
}

test('a call in flight holds at most 1.25 KiB, of which 800 bytes are on the heap of JavaScript', async () => {
  const calls = 100_000
  // All of them await the one promise, so that what is counted is the boundary's own, and what it gives to the caller.
  const [before, after] = await memoryOf(`
    const undecided = new Promise(() => {})
    const recording = { createPending: () => undecided }
    const enqueue = (number) => enqueueTicketTriage(numbered(number), recording, { timeoutMs: 600_000 })
    async function main() {
      const calls = [enqueue(0)]
      console.log(JSON.stringify(await memory()))
      while (calls.length < ${calls}) calls.push(enqueue(calls.length))
      console.log(JSON.stringify(await memory()))
    }
    main()
  `)
  const each = (kind) => (after[kind] - before[kind]) / calls
  // 950 bytes and 600 were measured.
  expect(each('rss')).toBeLessThan(1280)
  expect(each('heapUsed')).toBeLessThan(800)
})

test('a call that has ended leaves nothing behind', async () => {
  const calls = 100_000
  const [first, , last] = await memoryOf(
    `
    async function main() {
      let enqueued = 0
      for (const end of [1, 2, 3].map((round) => round * ${calls})) {
        const caller = async () => {
          while (enqueued < end) await enqueueTicketTriage(numbered(enqueued++), storage)
        }
        await Promise.all(Array.from({ length: 64 }, caller))
        console.log(JSON.stringify(await memory()))
      }
    }
    main()
    `,
    () => redis.flushall(),
  )
  const each = (kind) => (last[kind] - first[kind]) / (2 * calls)
  // From 100 000 to 300 000 calls, 1 MB in all and 0.1 MB were measured: 5 bytes a call, and less than one.
  expect(each('rss')).toBeLessThan(64)
  expect(each('heapUsed')).toBeLessThan(8)
})

test('an input that is refused for a reason that no other has leaves nothing behind', async () => {
  const inputs = 20_000
  const [before, after] = await memoryOf(`
    const fields = (number) => ({ tenantId: 't'.repeat(500 + (number % 100)), ticketId: 'k'.repeat(700 + number / 100) })
    async function main() {
      for (let number = 0; number <= ${inputs}; number++) {
        await enqueueTicketTriage({ ...fields(number), summary: 's' }, storage).catch(() => {})
        if (number === 1000 || number === ${inputs}) console.log(JSON.stringify(await memory()))
      }
    }
    main()
  `)
  // A reason that is remembered takes 560 bytes.
  expect((after.heapUsed - before.heapUsed) / inputs).toBeLessThan(64)
})

test('a connection that was replaced leaves nothing behind', async () => {
  const length = 300_000
  const [before, after] = await memoryOf(`
    const { threadsNamed } = require(${JSON.stringify(require.resolve('./support/threads.js'))})
    const { Pipeline, ticketTriageDefinition } = require('.')
    const nowhere = (number) => ({ host: '127.0.0.1', port: 1, connectionName: String(number).padStart(${length}, 'x') })
    async function main() {
      const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: nowhere(0) })
      await pipeline.enqueue(ticket('lost'), storage, { timeoutMs: 1 }).catch(() => {})
      for (let number = 1; number <= 220; number++) {
        pipeline.reconnect(nowhere(number))
        // A connection has a thread, which lets go of it: one for this, and one that keeps the time.
        do await new Promise(setImmediate)
        while (process.platform === 'linux' && threadsNamed('enqueue-') > 2)
        if (number === 20 || number === 220) console.log(JSON.stringify(await memory()))
      }
      await pipeline.close()
    }
    main()
  `)
  // At most 40 kB were measured, and 310 where the options of each are kept.
  expect((after.rss - before.rss) / 200).toBeLessThan(length / 2)
})
