'use strict'
// One fault: the calls made under it, what each came to, what that left in Redis, and the line that is written down of it.
const { mkdirSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const { setImmediate: nextTurn } = require('node:timers/promises')
const { isEnqueueError } = require('../..')
const { countBy } = require('../../tools/count.js')
const { audit } = require('./audit.js')
const { jobId, newTicket, recorder } = require('./tickets.js')
const { WAY } = require('./way.js')

/** Enough for what is to succeed, on a machine that does much else. */
const PATIENT_MS = 60_000

/** The options of jobs, by the number of the call: half of them are plain. */
const KINDS = [
  undefined,
  () => ({ delay: 3_600_000 }),
  undefined,
  () => ({ priority: 3 }),
  undefined,
  () => ({ lifo: true }),
  undefined,
  (id) => ({ deduplication: { id } }),
]

class Fault {
  #about
  #pipeline
  #calls = []
  #outcomes = []
  #remarks = []
  #overdueMs
  #recoveryMs
  #made = 0

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
  call(ticket = newTicket(), { storage = recorder(), timeoutMs = PATIENT_MS, ...options } = {}) {
    const jobOptions = KINDS[this.#made++ % KINDS.length]?.(jobId(ticket))
    const call = this.#run(ticket, storage, { timeoutMs, jobOptions, ...options }).then((outcome) => {
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
    const { error } = await this.#run(newTicket(), recorder(), { timeoutMs: PATIENT_MS, ...options })
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
    record({ over: WAY, ...this.#about, got, there, overdueMs: this.#overdueMs, recoveryMs: this.#recoveryMs, server })
  }
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
  writeFileSync(path.join(dir, `${two(entry.row)}-${file}-${two(recorded)}-${WAY}.json`), JSON.stringify(entry))
}

module.exports = { Fault, PATIENT_MS }
