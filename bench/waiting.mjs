// What calls cost that wait for a Redis that is not there: they are held, their deadlines with them, and nothing is polled.
//   node bench/waiting.mjs [the folder of another build]
import { once } from 'node:events'
import { createRequire } from 'node:module'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '../tools/until.js'
import { tickets } from './pipelines/tickets.mjs'

const CALLS = 300_000
const SECONDS = 20
/** To make the calls, to let that settle, and to look on. */
const TIMEOUT_MS = 1000 * (2 * SECONDS + 20)

const folder = path.resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)))
const { Pipeline, ticketTriageDefinition } = createRequire(import.meta.url)(folder)
const ticket = tickets.inputs()
const storage = { createPending: async () => {} }

/** A port that takes connections and says nothing, and one that nobody has. */
const silent = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
const unused = net.createServer().listen(0, '127.0.0.1')
await Promise.all([once(silent, 'listening'), once(unused, 'listening')])
const ports = { refused: unused.address().port, silent: silent.address().port }
unused.close()

console.log(`${CALLS.toLocaleString('en')} calls wait for ${SECONDS} s`)
for (const [how, port] of Object.entries(ports)) {
  const connection = { host: '127.0.0.1', port }
  const options = { connection, timeoutMs: TIMEOUT_MS, maxInFlight: CALLS }
  const pipeline = new Pipeline({ ...ticketTriageDefinition, ...options })
  const codes = {}
  const calls = Array.from({ length: CALLS }, (_, n) =>
    pipeline.enqueue(ticket(n), storage).catch(({ code }) => {
      codes[code] = (codes[code] ?? 0) + 1
    }),
  )
  await until(() => pipeline.stats().waitingForRedis === CALLS)
  // What making them left to do is done.
  await sleep(1000)
  const before = process.cpuUsage()
  const started = performance.now()
  await sleep(1000 * SECONDS)
  const { user, system } = process.cpuUsage(before)
  const core = (user + system) / (1000 * (performance.now() - started))
  const { waitingForRedis } = pipeline.stats()
  const memory = (process.memoryUsage().rss / 2 ** 20).toFixed(0)
  console.log(`  ${how}: ${(100 * core).toFixed(2)} % of a core, ${waitingForRedis} still wait, ${memory} MiB`)
  await Promise.all(calls)
  console.log(`    at their deadline: ${JSON.stringify(codes)}`)
  await pipeline.close()
}
process.exit()
