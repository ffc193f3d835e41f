// The Next.js application of examples/next-app on this machine, whole: Redis, a database, the server, the worker and bull-board,
// until Ctrl-C.
//   node scripts/example.mjs [--production] [--port <number>]
// For work on it by default; with --production it is built first. The port is 3000 or, where that is taken, a free one. It uses
// REDIS_URL and DATABASE_URL when they are set, and stores of its own otherwise, which keep nothing.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { build, makeTable, placeStandalone, start } from '../tools/example.js'
import { freePort } from '../tools/server.js'
import { installExample } from './example-app.mjs'
import { startRedis } from './redis.mjs'

const { values: options } = parseArgs({
  options: { production: { type: 'boolean' }, port: { type: 'string' } },
})
const undo = []
const stop = new AbortController()
const interrupt = () => stop.abort()
process.once('SIGINT', interrupt).once('SIGTERM', interrupt)

/** On Windows a detached process has a window of its own. */
const detached = process.platform !== 'win32'

/** Starts a process and waits until it is ready; what it prints is shown behind its name. Ctrl-C is for us to hear alone. */
async function run(name, how) {
  const running = start[name]({ ...how, detached, onLine: (line) => console.log(`${name.padEnd(11)} │ ${line}`) })
  undo.push(() => running.stop())
  const ready = await running.ready
  const ended = running.ended.then((how) => Promise.reject(new Error(`The ${name} ended (${how}).`)))
  ended.catch(() => {})
  return { ready, ended }
}

async function isFree(port) {
  const probe = net.createServer()
  const free = await Promise.race([
    once(probe.listen(port, '127.0.0.1'), 'listening').then(() => true),
    once(probe, 'error').then(() => false),
  ]).catch(() => false)
  await new Promise((resolve) => probe.close(resolve))
  return free
}

async function main() {
  await installExample(console.log)
  const redis = await startRedis({ announce: console.log, detached })
  undo.push(() => redis.stop())
  const env = { REDIS_URL: redis.url, SESSION_SECRET: randomBytes(32).toString('base64url') }
  env.DATABASE_URL = process.env.DATABASE_URL || (await run('database', { env })).ready[1]
  if (process.env.DATABASE_URL) await makeTable()
  const [worker, board] = await Promise.all([run('worker', { env }), run('board', { env })])
  env.BOARD_URL = board.ready[0]
  const port = options.port ?? ((await isFree(3000)) ? 3000 : await freePort())
  const server = await startServer({ port, env })
  console.log(`\nTickets     ${server.ready[0]}`)
  console.log(`bull-board  ${env.BOARD_URL}`)
  console.log('Ctrl-C ends all of it.\n')
  await Promise.race([worker, board, server].map(({ ended }) => ended))
}

async function startServer(how) {
  if (!options.production) return run('development', how)
  console.log('building')
  await build()
  const { folder, remove } = placeStandalone()
  undo.push(remove)
  return run('standalone', { ...how, cwd: path.resolve(folder) })
}

let failure
try {
  await Promise.race([main(), once(stop.signal, 'abort')])
} catch (error) {
  failure = error
}
if (stop.signal.aborted) console.log('\nstopping')
for (const step of undo.reverse()) await step()
if (failure) console.error(`example: ${failure.message}`)
process.exit(failure ? 1 : 0)
