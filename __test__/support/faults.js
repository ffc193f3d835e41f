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
const { mkdirSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { Redis } = require('ioredis')
const { Pipeline, isEnqueueError, ticketTriageDefinition } = require('../..')
const { countBy, repeated } = require('../../tools/count.js')
const { LISTS, SORTED_SETS } = require('../../tools/places.js')
const { FaultyProxy } = require('../../tools/proxy.js')
const { OwnServer, freePort } = require('./redis.js')
const { jobId, newTicket, recorder } = require('./tickets.js')

const DEFAULT_TIMEOUT_MS = 5000
/** What a server is started with to take DEBUG. Those before Redis 7 take it anyway, and do not know the option. */
const DEBUGGABLE = / v=6\./.test(execFileSync(process.env.TEST_REDIS_COMMAND, ['--version']))
  ? []
  : ['--enable-debug-command', 'yes']

/** What a file of fault tests opens things with; all of it is closed after each test, the last first. */
function useFaults() {
  const opened = []
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
    server: async (args) => keep(await OwnServer.start(args), (it) => it.stop()),

    /** One that is not up yet. */
    absentServer: async (args = []) => keep(new OwnServer(await freePort(), args), (it) => it.stop()),

    /** Stands between the boundary and `port`; see FaultyProxy. */
    proxy: async (port, at) => keep(await FaultyProxy.start(port, at), (it) => it.stop()),

    client(url, options) {
      const client = new Redis(url, { retryStrategy: () => 20, ...options })
      // Servers that die are what is tested.
      client.on('error', () => {})
      return keep(client, (it) => it.disconnect())
    },

    pipeline: (options) => keep(new Pipeline({ ...ticketTriageDefinition, ...options }), (it) => it.close()),

    fault: (about) => new Fault(about),
  }
}

/** One fault: the calls made under it, what each came to, and what that left in Redis. */
class Fault {
  #about
  #pipeline
  #calls = []
  #outcomes = []
  #remarks = []
  #overdueMs
  #recoveryMs

  /**
   * @param {{ row: number, fault: string, done: string, pipeline?: { enqueue: Function, stats?: Function } }} about the
   *   number in the list of faults, the fault, and what was done to the server, the way to it or the caller's code, in a
   *   few words each
   */
  constructor({ pipeline, ...about }) {
    this.#about = about
    this.#pipeline = pipeline
  }

  /** Makes a call; resolves to its outcome. */
  call(ticket = newTicket(), { storage = recorder(), timeoutMs = DEFAULT_TIMEOUT_MS, ...options } = {}) {
    const call = this.#run(ticket, storage, { timeoutMs, ...options }).then((outcome) => {
      this.#outcomes.push(outcome)
      return outcome
    })
    this.#calls.push(call)
    return call
  }

  /** Makes `count` calls, or one for each ticket, at once; resolves to their outcomes. */
  burst(tickets, options) {
    const each = Array.isArray(tickets) ? tickets : Array.from({ length: tickets }, () => newTicket())
    return Promise.all(each.map((ticket) => this.call(ticket, options)))
  }

  /** Keeps `width` calls in flight until `stop`, which resolves to the outcomes; `outcomes` has those so far. */
  load(width, options) {
    const outcomes = []
    let stopped = false
    const one = async () => {
      while (!stopped) {
        outcomes.push(await this.call(newTicket(), options))
        // A call that is refused at once must not keep everything else from its turn.
        await nextTurn()
      }
    }
    const all = Promise.all(Array.from({ length: width }, one))
    const stop = async () => {
      stopped = true
      await all
      return outcomes
    }
    return { outcomes, stop }
  }

  async #run(ticket, storage, options) {
    const deadline = performance.now() + options.timeoutMs
    const settled = (outcome) => {
      const overdue = performance.now() - deadline
      if (overdue >= 0) this.#overdueMs = Math.max(this.#overdueMs ?? 0, overdue)
      return { jobId: jobId(ticket), ticket, ...outcome }
    }
    try {
      const result = await this.#pipeline.enqueue(ticket, storage, options)
      const outcome = settled({ outcome: 'queued', code: 'queued' })
      // Matchers are dear, and time spent in one would make the next calls late.
      if (result.jobId !== outcome.jobId || result.status !== 'queued') throw new Error(JSON.stringify(result))
      return outcome
    } catch (error) {
      // What is not an EnqueueError is the storage's own, and a job whose record failed is never enqueued.
      if (!isEnqueueError(error)) return settled({ outcome: 'refused', code: error?.name ?? 'no error', error })
      return settled({ outcome: error.outcome, code: error.code, error })
    }
  }

  add(outcomes) {
    this.#outcomes.push(...outcomes)
  }

  remark(text) {
    this.#remarks.push(text)
  }

  /** Called when the fault is repaired: the next call must succeed, with no restart of ours. */
  async recovers(options) {
    const repaired = performance.now()
    const { error } = await this.#run(newTicket(), recorder(), { timeoutMs: DEFAULT_TIMEOUT_MS, ...options })
    if (error) throw error
    this.#recoveryMs = performance.now() - repaired
  }

  /**
   * Checks every outcome against what is in Redis now, and writes the case down.
   * @param {import('ioredis').Redis | import('ioredis').Cluster} redis where the queue is
   */
  async ends(redis, { prefix = 'bull' } = {}) {
    await Promise.all(this.#calls)
    // A call that settled twice, or never, would not leave these at zero.
    const stats = this.#pipeline?.stats?.()
    if (stats) expect(stats).toMatchObject({ inFlight: 0, waitingForRedis: 0, bytes: 0 })
    const there = await audit(redis, `${prefix}:ticket-triage:`, this.#outcomes)
    const server = versionOf(await redis.info('server'))
    const got = [tally(this.#outcomes), ...this.#remarks].filter(Boolean).join('; ')
    record({ ...this.#about, got, there, overdueMs: this.#overdueMs, recoveryMs: this.#recoveryMs, server })
  }
}

/** Each outcome, and there is one, matches. */
function expectAll(outcomes, expected) {
  expect(outcomes).not.toEqual([])
  for (const outcome of outcomes) expect(outcome).toMatchObject(expected)
}

/** Looks for each job where BullMQ would; says in a few words what is there. */
async function audit(redis, base, outcomes) {
  const lists = await Promise.all(LISTS.map((list) => redis.lrange(base + list, 0, -1)))
  const sets = await Promise.all(SORTED_SETS.map((set) => redis.zrange(base + set, 0, -1)))
  const listed = [...lists, ...sets].flat()
  const added = (await redis.xrange(`${base}events`, '-', '+')).flatMap(([, [, event, , id]]) =>
    event === 'added' ? [id] : [],
  )
  expect(repeated(listed)).toEqual([])
  expect(repeated(added)).toEqual([])

  const byId = new Map(outcomes.map(({ jobId }) => [jobId, new Set()]))
  for (const { jobId, outcome } of outcomes) byId.get(jobId).add(outcome)
  const ids = [...byId.keys()]
  const isListed = new Set(listed)
  const all = [...new Set([...ids, ...listed])]
  const stored = new Set()
  await Promise.all(all.map(async (id) => (await redis.exists(base + id)) && stored.add(id)))
  // A hash that no list has would be a duplicate for ever, and never run; an id without a hash would break a worker.
  expect(all.filter((id) => stored.has(id) !== isListed.has(id))).toEqual([])

  const queued = ids.filter((id) => byId.get(id).has('queued'))
  const unknown = ids.filter((id) => !byId.get(id).has('queued') && byId.get(id).has('unknown'))
  const unwritten = ids.filter((id) => !byId.get(id).has('queued') && !byId.get(id).has('unknown'))
  expect(queued.filter((id) => !stored.has(id))).toEqual([])
  expect(unwritten.filter((id) => stored.has(id) || added.includes(id))).toEqual([])

  const count = (some) => `${some.filter((id) => stored.has(id)).length} of ${some.length}`
  return [
    queued.length > 0 && `${count(queued)} queued, each once`,
    unknown.length > 0 && `${count(unknown)} unknown`,
    unwritten.length > 0 && `${count(unwritten)} refused or not sent`,
  ]
    .filter(Boolean)
    .join('; ')
}

/** How often each outcome came. */
function tally(outcomes) {
  const nameOf = ({ code, outcome }) => (code === 'queued' ? 'queued' : `\`${code}\` (${outcome})`)
  const counts = Object.entries(countBy(outcomes, nameOf))
  return counts.map(([name, count]) => `${count} × ${name}`).join('; ')
}

function versionOf(info) {
  const valkey = /valkey_version:(\S+)/.exec(info)
  return valkey ? `Valkey ${valkey[1]}` : `Redis ${/redis_version:(\S+)/.exec(info)[1]}`
}

let recorded = 0

/** For scripts/faults.mjs, which sorts the cases by file name. */
function record(entry) {
  recorded += 1
  const dir = process.env.FAULTS_DIR
  if (!dir) return
  const file = path.basename(expect.getState().testPath, '.test.js')
  const two = (number) => String(number).padStart(2, '0')
  mkdirSync(dir, { recursive: true })
  writeFileSync(path.join(dir, `${two(entry.row)}-${file}-${two(recorded)}.json`), JSON.stringify(entry))
}

module.exports = { DEBUGGABLE, expectAll, useFaults }
