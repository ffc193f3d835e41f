// `npm run bench`: the boundary beside the same behaviour in plain JavaScript on BullMQ, on one private Redis, in turns
// (A B A B …). Every round runs in a fresh process and is audited; the first thing that is wrong ends the bench.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { findServer, startServer } from '../scripts/redis.mjs'
import { describe, pinning } from './environment.mjs'
import { measure } from './measure.mjs'
import { HELP, parseOptions, UsageError } from './options.mjs'
import { renderTable, summarize } from './table.mjs'

/** Says so before the bench, not after it, when its result could not be written. */
function expectWritable(file) {
  try {
    closeSync(openSync(file, 'a'))
  } catch (error) {
    throw new UsageError(`--json: ${error.message}`)
  }
}

async function bench({ sides, callers, seconds, rounds, pin: wanted, json }) {
  if (json) expectWritable(json)
  const command = await findServer(console.error)
  if (!command) throw new Error('The bench starts a Redis of its own: put redis-server or valkey-server on PATH.')
  const pin = pinning(wanted)
  const server = await startServer(command, { wrap: pin.redis })
  const redis = new Redis(server.url)
  try {
    const environment = await describe(redis, pin)
    for (const [label, text] of Object.entries(environment)) console.log(`${label.padEnd(9)}${text}`)
    console.log(`${'rounds'.padEnd(9)}${rounds} of ${seconds} s a side, interleaved; medians (lowest–highest)\n`)

    const results = []
    for (const number of callers) {
      for (let round = 1; round <= rounds; round++) {
        for (const side of sides) {
          const options = { side, callers: number, seconds, redis, redisUrl: server.url, wrap: pin.load }
          const figures = await measure(options)
          results.push({ side, callers: number, round, ...figures })
          const rate = Math.round(figures.throughput).toLocaleString('en')
          console.error(`  callers ${number}, round ${round} of ${rounds}, ${side}: ${rate} jobs/s`)
        }
      }
    }

    const summary = summarize(results, sides)
    console.log(`\n${renderTable(summary, sides)}`)
    if (json) writeFileSync(json, `${JSON.stringify({ environment, seconds, summary, rounds: results }, null, 2)}\n`)
  } finally {
    redis.disconnect()
    // The server's handle is unreferenced: alone it would not keep this process until the server is gone.
    await server.stop()
  }
}

// An interrupted bench takes its server with it: exit runs the hook that kills it, a signal alone does not.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) console.log(HELP)
  else await bench(options)
} catch (error) {
  const mistyped = error instanceof UsageError
  console.error(mistyped ? `${error.message}\nSee npm run bench -- --help` : error)
  process.exitCode = mistyped ? 2 : 1
}
