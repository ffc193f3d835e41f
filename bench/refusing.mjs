// What refusing a call costs, against what queueing one does: floods are made of calls that are refused, so that these are
// meant to be the cheaper ones. Three costs, in µs a call: how long the event loop was busy, which counts waiting for a
// core too; the CPU of its thread, where the system tells it, which other work on the machine hardly changes; and
// the CPU of the whole process, with the thread that writes to Redis. Ratios are medians of those of each round.
//   node bench/refusing.mjs [the folder of another build to measure beside this one]
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { median } from '../tools/count.js'
import { tickets } from './pipelines/tickets.mjs'
import { startRedis } from './redis.mjs'

const CALLERS = 64
const CALLS = 20_000
const ROUNDS = 7

const require = createRequire(import.meta.url)
const own = fileURLToPath(new URL('..', import.meta.url))
const builds = [own, ...process.argv.slice(2).map((folder) => path.resolve(folder))]

const ticket = tickets.inputs()
const tooLong = 'x'.repeat(2 ** 20 + 1)
const storage = { createPending: async () => {} }
const hanging = { createPending: () => new Promise(() => {}) }

const without = ({ tenantId, ticketId }) => ({ tenantId, ticketId })

/** By name: the input and the options of a call that ends so. */
const CASES = {
  queued: (number) => [ticket(number)],
  INVALID_INPUT: (number) => [without(ticket(number))],
  'INVALID_INPUT, nothing there': () => [{}],
  'INVALID_INPUT, three ways': () => [{ tenantId: 'a:b', ticketId: 7, summary: '' }],
  'INVALID_INPUT, no object': () => [null],
  PAYLOAD_TOO_LARGE: (number) => [{ ...ticket(number), summary: tooLong }],
  TENANT_MISMATCH: (number) => [ticket(number), { caller: { tenantId: 'another' } }],
  FORBIDDEN: (number) => [ticket(number), { authorize: () => false }],
  OVERLOADED: (number) => [ticket(number)],
  CLOSED: (number) => [ticket(number)],
  'QUOTA_EXCEEDED, in flight': (number) => [{ ...ticket(number), tenantId: 'flood' }],
  'QUOTA_EXCEEDED, rate': (number) => [{ ...ticket(number), tenantId: 'flood' }],
}

/** Pipelines in the state that each case needs. */
async function open(folder, connection) {
  const { Pipeline, ticketTriageDefinition } = require(folder)
  const make = (options) => new Pipeline({ ...ticketTriageDefinition, connection, ...options })
  const usual = make()
  const full = make({ maxInFlight: 1, timeoutMs: 3_600_000 })
  full.enqueue(ticket(0), hanging)
  const closed = make()
  await closed.close()
  const onQuotaUnavailable = 'closed'
  const crowded = make({ quota: { inFlight: 1 }, timeoutMs: 3_600_000 })
  crowded.enqueue({ ...ticket(0), tenantId: 'flood' }, hanging)
  const fast = make({ quota: { rate: { limit: 1, periodMs: 2_678_400_000 } }, onQuotaUnavailable })
  return {
    OVERLOADED: full,
    CLOSED: closed,
    'QUOTA_EXCEEDED, in flight': crowded,
    'QUOTA_EXCEEDED, rate': fast,
    usual,
  }
}

/** ns of CPU that the thread of the event loop has used, or NaN. */
function threadCpu() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return Number.NaN
  }
}

/** The three costs of a call. */
async function measure(pipeline, name) {
  const make = CASES[name]
  const expected = name.split(',')[0]
  let next = 0
  const caller = async () => {
    while (next < CALLS) {
      const [input, options] = make(next++)
      let came
      // The first of them passes, as nothing is kept yet.
      if (name === 'QUOTA_EXCEEDED, rate' && next === 1)
        await pipeline.enqueue({ ...input, ticketId: 'first' }, storage).catch(() => {})
      try {
        came = (await pipeline.enqueue(input, storage, options)).status
      } catch (error) {
        came = error.code
      }
      if (came !== expected) throw new Error(`${name} ended in ${came}`)
    }
  }
  const before = { thread: threadCpu(), all: process.cpuUsage(), loop: performance.eventLoopUtilization() }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  const loop = 1000 * performance.eventLoopUtilization(before.loop).active
  const { user, system } = process.cpuUsage(before.all)
  return [loop, (threadCpu() - before.thread) / 1000, user + system].map((us) => us / CALLS)
}

const pick = (all, kind) => all.map((costs) => costs[kind])

/** Median and, of the ratios to queueing, median and range. */
function summary(costs, queued) {
  const ratios = costs.map((cost, round) => cost / queued[round]).toSorted((a, b) => a - b)
  const [least, usual, most] = [ratios[0], median(ratios), ratios.at(-1)].map((ratio) => ratio.toFixed(2))
  return `${median(costs).toFixed(2).padStart(6)} µs ${usual}× (${least}–${most})`
}

const server = await startRedis()
const redis = new Redis(server.url)
try {
  const sides = await Promise.all(builds.map((folder) => open(folder, server.url)))
  const costs = sides.map(() => Object.fromEntries(Object.keys(CASES).map((name) => [name, []])))
  // One round more than is counted, to warm up; the builds take turns.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of Object.keys(CASES)) {
      for (const [at, pipelines] of sides.entries()) {
        await redis.flushall('SYNC')
        const cost = await measure(pipelines[name] ?? pipelines.usual, name)
        if (round > 0) costs[at][name].push(cost)
      }
    }
  }
  for (const [at, folder] of builds.entries()) {
    console.log(`${path.basename(folder).padEnd(30)} event loop                  its thread's CPU            all CPU`)
    for (const [name, all] of Object.entries(costs[at])) {
      const columns = [0, 1, 2].map((kind) => summary(pick(all, kind), pick(costs[at].queued, kind)))
      console.log(`  ${name.padEnd(28)} ${columns.join('  ')}`)
    }
  }
} finally {
  redis.disconnect()
  await server.stop()
}
process.exit()
