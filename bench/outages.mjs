// How long a `queue.add` takes, and what it comes to, while Redis is away: with our backend and with BullMQ's own. Calls fall due at
// a rate, whatever became of those before them, and have no id, as most calls have none. What each was told is held against
// what is there when all is well again. Figures are of the calls that fell due while the fault lasted, of all rounds.
//   node bench/clock.mjs | node bench/outages.mjs [--rounds n] [--only a,b] [--json file]
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRedisBackend, Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { columns } from '../tools/columns.js'
import { countBy } from '../tools/count.js'
import { findServer } from '../tools/find-server.js'
import { readOptions, UsageError, whole } from '../tools/options.js'
import { OwnServer } from '../tools/server.js'
import { describe, pinning } from './environment.mjs'
import { now, openLoop, silence } from './ticks.mjs'
import { percentiles } from './window.mjs'

const RATE = 200
/** Before the fault and after it, in ms. */
const AROUND = 1500
/** Longer than the deadline of an add, which is 5 s. */
const LASTS = 8000
/** Shorter than that. */
const STALL = 2000
/** All that was answered for is on the disk. */
const SAFE = ['--appendonly', 'yes', '--appendfsync', 'always']

process.env.TEST_REDIS_COMMAND ??= await findServer(console.error)
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
const require = createRequire(import.meta.url)
const { boundaryBackend } = require('../bullmq.js')
const { SentinelSetup } = require('../__test__/support/sentinel.js')

const SIDES = { backend: () => boundaryBackend(createRedisBackend), queue: () => createRedisBackend }

const told = async ({ port }, ...command) => {
  const client = new Redis(port)
  await client.call(...command)
  client.disconnect()
}
/** One server, and a fault of it that is begun and ended. */
const one = (title, args, begin, end, lasts = LASTS) => ({
  title,
  async start() {
    const server = await OwnServer.start(args)
    const fault = async () => {
      await begin(server)
      await sleep(lasts)
      await end(server)
    }
    return { connection: { port: server.port }, fault, primary: () => server, stop: () => server.stop() }
  },
})

const FAULTS = {
  stalled: one(
    'SIGSTOP for 2 s',
    [],
    (server) => server.freeze(),
    (server) => server.thaw(),
    STALL,
  ),
  held: one(
    'CLIENT PAUSE WRITE for 2 s',
    [],
    (server) => told(server, 'CLIENT', 'PAUSE', 600_000, 'WRITE'),
    (server) => told(server, 'CLIENT', 'UNPAUSE'),
    STALL,
  ),
  paused: one(
    'CLIENT PAUSE WRITE for 8 s',
    [],
    (server) => told(server, 'CLIENT', 'PAUSE', 600_000, 'WRITE'),
    (server) => told(server, 'CLIENT', 'UNPAUSE'),
  ),
  stopped: one(
    'SIGSTOP for 8 s',
    [],
    (server) => server.freeze(),
    (server) => server.thaw(),
  ),
  killed: one(
    'kill -9, started again after 8 s',
    SAFE,
    (server) => server.kill(),
    (server) => server.up(),
  ),
  absent: {
    title: 'down for the first 8 s',
    async start() {
      const server = await OwnServer.absent()
      const fault = async () => {
        await sleep(LASTS)
        await server.up()
      }
      return {
        connection: { port: server.port },
        fault,
        primary: () => server,
        stop: () => server.stop(),
        absent: true,
      }
    },
  },
  sentinel: {
    title: 'Sentinel: primary killed, another elected',
    async start() {
      const setup = await SentinelSetup.start({ replicas: 1 })
      const primary = await setup.primary()
      let successor
      const fault = async () => {
        await primary.kill()
        successor = await setup.successorOf(primary)
      }
      return { connection: setup.connection, fault, primary: () => successor, stop: () => setup.stop() }
    },
  },
}

/** How many jobs there are of each number. */
async function counted(name, { port }) {
  const queue = new Queue(name, { connection: { port } })
  const jobs = await queue.getJobs()
  await queue.close()
  return countBy(jobs, ({ data }) => data.n)
}

async function part(fault, side) {
  const { connection, fault: happen, primary, stop, absent } = await FAULTS[fault].start()
  const name = 'outages'
  const queue = new Queue(name, { connection }, SIDES[side]())
  queue.on('error', () => {})
  const calls = []
  const send = async (due) => {
    const call = { n: calls.length, due, at: undefined, code: 'added' }
    calls.push(call)
    try {
      await queue.add('go', { n: call.n })
    } catch (error) {
      call.code = error.code ?? error.message
    }
    call.at = now()
  }
  if (!absent) await Promise.all(Array.from({ length: 100 }, () => send(now())))
  // The loop does not wait for what hangs.
  const begin = async (due) => {
    send(due)
  }
  let over = false
  const rest = (async () => {
    while (!over) await openLoop(RATE, 500, begin)
  })()
  if (!absent) await sleep(AROUND)
  const from = now()
  await happen()
  const to = now()
  await sleep(AROUND)
  over = true
  await rest
  while (calls.some(({ at }) => at === undefined)) await sleep(50)
  const there = await counted(name, primary())
  await queue.close()
  await stop()
  const meant = calls.filter(({ due }) => due >= from && due < to)
  const after = calls.filter(({ due, code }) => due >= to && code === 'added').map(({ at }) => at - to)
  return {
    endings: countBy(meant, ({ code }) => code),
    latencies: meant.map(({ due, at }) => at - due),
    recoveryMs: Math.max(0, Math.min(...after)),
    lost: calls.filter(({ n, code }) => code === 'added' && !there[n]).length,
    twice: calls.filter(({ n }) => there[n] > 1).length,
    untrue: calls.filter(({ n, code }) => code === 'QUEUE_UNAVAILABLE' && there[n]).length,
  }
}

const sum = (rounds, key) => rounds.reduce((total, it) => total + it[key], 0)
const seconds = (ms) => (ms / 1000).toFixed(ms < 100 ? 3 : 1)

function summary(scenario, side, rounds) {
  const latencies = Float64Array.from(rounds.flatMap((round) => round.latencies))
  const endings = {}
  for (const round of rounds) {
    for (const [code, count] of Object.entries(round.endings)) endings[code] = (endings[code] ?? 0) + count
  }
  const { p50Ms, p99Ms } = percentiles(latencies)
  return {
    ...{
      scenario: `outages-${scenario}`,
      side,
      calls: latencies.length,
      endings,
      p50Ms,
      p99Ms,
      maxMs: latencies.at(-1),
    },
    recoveryMs: Math.max(...rounds.map((round) => round.recoveryMs)),
    ...{ lost: sum(rounds, 'lost'), twice: sum(rounds, 'twice'), untrue: sum(rounds, 'untrue') },
  }
}

function row({ scenario, side, calls, endings, p50Ms, p99Ms, maxMs, recoveryMs, lost, twice, untrue }) {
  const ended = Object.entries(endings).map(([code, count]) => `${count} ${code}`)
  const times = [p50Ms, p99Ms, maxMs, recoveryMs].map(seconds)
  const title = FAULTS[scenario.replace('outages-', '')].title
  return [title, side, `${calls}`, ...times, `${lost}`, `${twice}`, `${untrue}`, ended.join(', ')]
}

async function run({ rounds, only, json }) {
  const server = await OwnServer.start()
  const redis = new Redis(server.port)
  const environment = await describe(redis, pinning(false))
  redis.disconnect()
  await server.stop()
  for (const [label, text] of Object.entries(environment)) console.log(`${label.padEnd(9)}${text}`)
  const all = []
  for (const fault of only) {
    for (const side of Object.keys(SIDES)) {
      const parts = []
      for (let round = 0; round < rounds; round++) parts.push(await part(fault, side))
      all.push(summary(fault, side, parts))
      console.error(`  ${all.length}/${only.length * 2}  ${fault}, ${side}`)
    }
  }
  const head = [
    '',
    '',
    'calls',
    'p50 s',
    'p99 s',
    'longest s',
    'goes on after s',
    'lost',
    'twice',
    'untrue',
    'ended in',
  ]
  console.log(`\n${columns([head, ...all.map(row)]).join('\n')}`)
  if (json)
    writeFileSync(json, `${JSON.stringify({ date: new Date().toISOString(), environment, summary: all }, null, 2)}\n`)
}

try {
  const given = readOptions(process.argv.slice(2), { rounds: 'string', only: 'string', json: 'string' })
  const only = given.only?.split(',') ?? Object.keys(FAULTS)
  for (const fault of only)
    if (!(fault in FAULTS)) throw new UsageError(`--only knows ${Object.keys(FAULTS).join(', ')}`)
  await run({ rounds: whole('rounds', given.rounds ?? '1', 1, 100), only, json: given.json })
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = 1
} finally {
  silence()
}
process.exit()
