// What refusing a call costs the event loop, against what queueing one does: floods are made of calls that are refused, so
// that these are meant to be the cheaper ones. `INVALID_INPUT` is not yet.
//   node bench/refusing.mjs [the folder of another build to measure beside this one]
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { median } from '../tools/count.js'
import { findServer } from '../tools/find-server.js'
import { OwnServer } from '../tools/server.js'
import { tickets, USUAL_BYTES } from './tickets.mjs'

const CALLERS = 64
const CALLS = 20_000
const ROUNDS = 7

const require = createRequire(import.meta.url)
const own = fileURLToPath(new URL('..', import.meta.url))
const builds = [own, ...process.argv.slice(2).map((folder) => path.resolve(folder))]

const ticket = tickets(USUAL_BYTES)
const tooLong = 'x'.repeat(2 ** 20 + 1)
const storage = { createPending: async () => {} }
const hanging = { createPending: () => new Promise(() => {}) }

/** By name: the input and the options of a call that ends so. */
const CASES = {
  queued: (number) => [ticket(number)],
  INVALID_INPUT: (number) => [{ ...ticket(number), summary: undefined }],
  'INVALID_INPUT, all of it': () => [{}],
  'INVALID_INPUT, no object': () => [null],
  PAYLOAD_TOO_LARGE: (number) => [{ ...ticket(number), summary: tooLong }],
  TENANT_MISMATCH: (number) => [ticket(number), { caller: { tenantId: 'another' } }],
  FORBIDDEN: (number) => [ticket(number), { authorize: () => false }],
  OVERLOADED: (number) => [ticket(number)],
  CLOSED: (number) => [ticket(number)],
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
  return { OVERLOADED: full, CLOSED: closed, usual }
}

/** Microseconds of event loop that a call takes. */
async function measure(pipeline, name) {
  const make = CASES[name]
  const expected = name.split(',')[0]
  let next = 0
  const caller = async () => {
    while (next < CALLS) {
      const [input, options] = make(next++)
      let came
      try {
        came = (await pipeline.enqueue(input, storage, options)).status
      } catch (error) {
        came = error.code
      }
      if (came !== expected) throw new Error(`${name} ended in ${came}`)
    }
  }
  const before = performance.eventLoopUtilization()
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return (1000 * performance.eventLoopUtilization(before).active) / CALLS
}

const server = await OwnServer.start([], { command: await findServer() })
const redis = new Redis(server.url)
try {
  const sides = await Promise.all(builds.map((folder) => open(folder, server.url)))
  const costs = sides.map(() => Object.fromEntries(Object.keys(CASES).map((name) => [name, []])))
  // One round more than is counted, to warm up; the builds take turns.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of Object.keys(CASES)) {
      for (const [at, pipelines] of sides.entries()) {
        await redis.flushall()
        const cost = await measure(pipelines[name] ?? pipelines.usual, name)
        if (round > 0) costs[at][name].push(cost)
      }
    }
  }
  for (const [at, folder] of builds.entries()) {
    console.log(path.basename(folder))
    const queued = median(costs[at].queued)
    for (const [name, all] of Object.entries(costs[at])) {
      const cost = median(all)
      console.log(`  ${name.padEnd(26)} ${cost.toFixed(2).padStart(8)} µs  ${(cost / queued).toFixed(2).padStart(6)}×`)
    }
  }
} finally {
  redis.disconnect()
  server.stop()
}
process.exit()
