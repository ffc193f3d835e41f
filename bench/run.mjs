// `npm run bench`: the boundary beside the same behaviour in plain JavaScript on BullMQ, on one private Redis, in turns
// (A B A B …). Every round runs in fresh processes and is audited; the first thing that is wrong ends the bench.
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { UsageError } from '../tools/options.js'
import { drawCharts } from './charts.mjs'
import { describe, pinning } from './environment.mjs'
import { measure } from './measure.mjs'
import { HELP, parseOptions } from './options.mjs'
import { startRedis } from './redis.mjs'
import { atRate, scenarios } from './scenarios.mjs'
import { spread, summarize } from './summary.mjs'
import { renderTable } from './table.mjs'

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url))

/** Says so before the bench, not after it, when its result could not be written. */
function expectWritable(file) {
  try {
    if (existsSync(file) && !statSync(file).isFile()) throw new Error(`${file} is not a file`)
    accessSync(existsSync(file) ? file : path.dirname(path.resolve(file)), constants.W_OK)
  } catch (error) {
    throw new UsageError(`--json: ${error.message}`)
  }
}

const perSecond = ({ throughput }) => `${Math.round(throughput).toLocaleString('en')} jobs/s`

/** How much of the kind of `plan` a side can take, in jobs a second. */
async function capacity({ kind, flatOut }, side, rounds, bench) {
  const reached = []
  for (let round = 0; round < rounds; round++) reached.push((await measure(flatOut, side, bench)).throughput)
  const throughput = spread(reached).median
  console.error(`  ${kind}: flat out, ${side} takes ${perSecond({ throughput })}`)
  return throughput
}

/** Runs the scenarios one after the other; tells how it goes on standard error, as the table is for standard output. */
async function runAll(planned, rounds, bench) {
  const total = planned.reduce((sum, { sides }) => sum + rounds * sides.length, 0)
  const capacities = {}
  const results = []
  const summary = []
  for (const plan of planned) {
    let scenario = plan
    if (plan.share) {
      // Rates are shares of what the second side can take, as the first is the one that should take more.
      const side = plan.sides.at(-1)
      capacities[plan.kind] ??= await capacity(plan, side, rounds, bench)
      scenario = atRate(plan, side, capacities[plan.kind])
    }
    const own = []
    for (let round = 1; round <= rounds; round++) {
      for (const side of scenario.sides) {
        const figures = await measure(scenario, side, bench)
        own.push({ scenario: scenario.id, side, round, ...figures })
        const at = `${results.length + own.length}`.padStart(`${total}`.length)
        console.error(`  ${at}/${total}  ${scenario.id}, round ${round}, ${side}: ${perSecond(figures)}`)
      }
    }
    results.push(...own)
    summary.push(summarize(scenario, own))
    console.log(`\n${renderTable(summary.at(-1))}`)
  }
  return { summary, rounds: results }
}

async function bench({ seconds, rounds, pin: wanted, json, complete, ...what }) {
  const file = json ?? (complete ? RESULTS : undefined)
  if (file) expectWritable(file)
  const pin = pinning(wanted)
  const server = await startRedis(pin.redis)
  const redis = new Redis(server.url)
  try {
    const environment = {
      ...(await describe(redis, pin)),
      rounds: `${rounds} of ${seconds} s a side, interleaved; medians (lowest–highest)`,
    }
    for (const [label, text] of Object.entries(environment)) console.log(`${label.padEnd(9)}${text}`)
    const measured = await runAll(scenarios(what), rounds, { seconds, redis, redisUrl: server.url, pin })
    const all = { date: new Date().toISOString(), environment, ...measured }
    if (file) writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
    if (complete) drawCharts(all)
  } finally {
    redis.disconnect()
    await server.stop()
  }
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) console.log(HELP)
  else await bench(options)
} catch (error) {
  const mistyped = error instanceof UsageError
  console.error(mistyped ? `${error.message}\nSee npm run bench -- --help` : error)
  process.exitCode = mistyped ? 2 : 1
}
