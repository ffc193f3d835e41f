// Enqueues from several processes while everything that can go wrong with Redis does, with a BullMQ worker at the other
// end, and then audits: nothing lost, nothing twice, every answer true.
import { parseArgs } from 'node:util'
import { audit } from '../chaos/audit.mjs'
import { run } from '../chaos/run.mjs'
import { KINDS } from '../chaos/schedule.mjs'
import { findServer } from './redis.mjs'

const HELP = `npm run chaos -- [options]

  --seed n         which faults come when, and which calls are made (default: another each time)
  --calls n        how many calls in all (default 1000000)
  --processes n    from how many processes (default 4)
  --rounds n       how often each kind of fault comes (default: once in 250000 calls)
  --grace ms       how long after its deadline a call may settle, not counting the time in which its process did not get
                   to run; 50 is what is promised on a machine that is not overloaded (default 250)
  --quick          20000 calls and faults of at most half a second, where the other options say nothing else
  --help`

function whole(name, text, least = 1) {
  if (!/^\d{1,8}$/.test(text) || Number(text) < least) {
    throw new Error(`--${name} takes a whole number from ${least}, not "${text}"`)
  }
  return Number(text)
}

function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  const { values } = parseArgs({
    options: { seed: text, calls: text, processes: text, rounds: text, grace: text, quick: flag, help: flag },
  })
  const { help, quick } = values
  const calls = whole('calls', values.calls ?? (quick ? '20000' : '1000000'))
  return {
    help,
    calls,
    seed: whole('seed', values.seed ?? `${Math.floor(Math.random() * 1e6)}`, 0),
    processes: whole('processes', values.processes ?? '4'),
    rounds: whole('rounds', values.rounds ?? `${Math.max(1, Math.round(calls / 250_000))}`),
    graceMs: whole('grace', values.grace ?? '250', 0),
    longestMs: quick ? 500 : 1500,
  }
}

const count = (number) => number.toLocaleString('en')

/** The first column is text, the others are numbers. */
function table(title, rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) => row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))).join('  ')
  console.log(`\n${title}`)
  for (const row of rows) console.log(`  ${line(row)}`)
}

function print({ checks, answers, figures }) {
  const named = (entries) => entries.map(([name, number]) => [name, count(number)])
  table('answers', named(Object.entries(answers).toSorted(([, a], [, b]) => b - a)))
  table('figures', named(Object.entries(figures)))
  const rows = checks.map(({ title, looked, breaches }) => [title, count(looked), count(breaches.length)])
  table('audit', [['', 'looked at', 'breaches'], ...rows])
  for (const { title, breaches } of checks.filter(({ breaches }) => breaches.length > 0)) {
    console.log(`\nBREACH: ${title}`)
    for (const breach of breaches.slice(0, 10)) console.log(`  ${breach}`)
  }
}

async function main({ graceMs, ...options }) {
  const { seed, calls, processes, rounds } = options
  const command = await findServer(console.error)
  if (!command) throw new Error('no Redis or Valkey program that can be started was found: put redis-server on PATH')
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)))

  const started = Date.now()
  const seconds = () => ((Date.now() - started) / 1000).toFixed(1)
  const faults = `${rounds} × ${KINDS.length} faults`
  console.log(`seed ${seed}: ${count(calls)} calls from ${processes} processes, ${faults}`)
  const say = (line) => console.log(`  ${seconds().padStart(5)} s  ${line}`)
  const result = audit(await run({ ...options, command, signal: interrupt.signal }, say), graceMs)
  print(result)
  const breaches = result.checks.reduce((sum, { breaches }) => sum + breaches.length, 0)
  console.log(`\n${breaches === 0 ? 'No breach' : `${count(breaches)} breaches`} in ${seconds()} s, seed ${seed}`)
  return breaches === 0 ? 0 : 1
}

try {
  const { help, ...options } = readOptions()
  if (help) console.log(HELP)
  else process.exitCode = await main(options)
} catch (error) {
  console.error(error.message)
  // What was waited for may still hold the process.
  process.exit(1)
}
