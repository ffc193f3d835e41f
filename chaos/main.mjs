// Enqueues from several processes while everything that can go wrong with Redis does, with a BullMQ worker at the other
// end, and then audits: nothing lost, nothing twice, every answer true.

import { findServer, hasTls } from '../tools/find-server.js'
import { audit } from './audit.mjs'
import { HELP, readOptions } from './options.mjs'
import { count, report } from './report.mjs'
import { run } from './run.mjs'
import { KINDS } from './schedule.mjs'

/** The ways that the server has. */
async function waysOf(command, ways) {
  if (!ways.includes('TLS') || (await hasTls(command))) return ways
  const lacking = `${command} was built without TLS`
  if (!ways.includes('TCP')) throw new Error(`${lacking}: put another redis-server on PATH, or leave --tls out`)
  console.error(`${lacking}: all processes go over plain TCP`)
  return ['TCP']
}

async function main({ graceMs, ...options }) {
  const { seed, calls, processes, rounds } = options
  const command = await findServer(console.error)
  if (!command) throw new Error('no Redis or Valkey program that can be started was found: put redis-server on PATH')
  const ways = await waysOf(command, options.ways)
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)))

  const started = Date.now()
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1)
  const faults = `${rounds} × ${KINDS.length} faults`
  console.log(`seed ${seed}: ${count(calls)} calls from ${processes} processes over ${ways.join(' and ')}, ${faults}`)
  const say = (line) => console.log(`  ${seconds().padStart(5)} s  ${line}`)
  const evidence = await run({ ...options, ways, command, signal: interrupt.signal }, say)
  const result = audit({ ...evidence, started }, graceMs)
  report(result)
  const breaches = result.checks.reduce((sum, { breaches }) => sum + breaches.length, 0)
  console.log(`\n${breaches === 0 ? 'No breach' : `${count(breaches)} breaches`} in ${seconds()} s, seed ${seed}`)
  return breaches === 0 ? 0 : 1
}

try {
  const { help, ...options } = readOptions(process.argv.slice(2))
  if (help) console.log(HELP)
  else process.exitCode = await main(options)
} catch (error) {
  console.error(error.message)
  // What was waited for may still hold the process.
  process.exit(1)
}
