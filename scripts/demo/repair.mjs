// What a crash leaves, and its repair: a producer is killed between records and jobs, and two sweeps at once find what is missing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { demand, inspect, watchEvents } from './account.mjs'
import { DemoError } from './stores.mjs'
import { figure, green, heading } from './terminal.mjs'

const QUEUE = 'invoice-export'
const SWEEPERS = 2

export async function showRepair(stage) {
  heading(
    '\nRepair: a producer is killed (kill -9) when records are made and jobs are not yet',
    `Then ${SWEEPERS} processes sweep at once (examples/invoice-sweeper.mjs), as a timer would have them do.`,
  )
  const before = await recordsAndJobs(stage)
  const pid = await stage.during(killProducer(stage))
  const left = await recordsAndJobs(stage)
  const records = left.records - before.records
  const jobs = left.jobs - before.jobs
  console.log(`  process ${pid} killed: ${records} records, ${jobs} jobs`)

  const sweeps = await stage.during(Promise.all(Array.from({ length: SWEEPERS }, () => sweep(stage))))
  for (const line of sweeps) console.log(`  a sweep ${line}`)
  const repaired = sweeps.reduce((sum, line) => sum + countOf(line, 'created'), 0)
  const refused = sweeps.reduce((sum, line) => sum + countOf(line, 'rejected'), 0)

  const events = watchEvents(stage.undo, stage.url, QUEUE)
  const isMeant = (id) => id.startsWith(`${QUEUE}:acme:R-`)
  await stage.upToDeadline(events.until((it) => [...it.ends.keys()].filter(isMeant).length >= records))
  const { rows, states } = await stage.asking(inspect(stage, QUEUE, 'invoice_export'))
  const meant = rows.filter(({ job_id: id }) => isMeant(id))
  const done = meant.filter(({ status }) => status === 'done')
  const completed = meant.filter(({ job_id: id }) => states.get(id) === 'completed')
  console.log()
  figure('records', records, 'of the producer that was killed')
  figure('jobs', jobs, 'that it had made of them')
  figure('repaired', repaired, `${sweeps.map((line) => countOf(line, 'created')).join(' + ')} by sweeps`)
  figure('done', done.length, `${completed.length} completed in BullMQ`)
  demand([
    [records > jobs, `records of the producer: ${records}, and as many jobs: nothing was left to repair`],
    [records === jobs + repaired, `records: ${records}, jobs: ${jobs}, repaired: ${repaired}`],
    [refused === 0, `records that a sweep refused: ${refused}`],
    [done.length === records, `records done: ${done.length} of ${records}`],
    [completed.length === records, `jobs that BullMQ completed: ${completed.length} of ${records}`],
  ])
  console.log(green(`\nIt adds up: ${records} = ${jobs} + ${repaired}.`))
}

async function recordsAndJobs(stage) {
  const { rows, jobs } = await stage.asking(inspect(stage, QUEUE, 'invoice_export'))
  return { records: rows.length, jobs }
}

/** Kills one that is on its way, and tells which process that was. */
async function killProducer({ undo }) {
  const producer = start(undo, new URL('producer.mjs', import.meta.url))
  await firstLine(producer, 'the producer')
  producer.child.kill('SIGKILL')
  await producer.exit
  return producer.child.pid
}

/** What a sweep says that it found. */
async function sweep({ undo }) {
  const file = new URL('../../examples/invoice-sweeper.mjs', import.meta.url)
  const sweeper = start(undo, file, ['--once', '--older-than', '0'])
  const line = await firstLine(sweeper, 'a sweep')
  await sweeper.exit
  return line
}

function start(undo, file, args = []) {
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  undo.push(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return { child, lines: createInterface(child.stdout), exit }
}

async function firstLine({ lines, exit }, what) {
  const none = once(lines, 'close').then(async () => {
    const [code, signal] = await exit
    throw new DemoError(`The process of ${what} ended (${signal ?? `status ${code}`}).`)
  })
  none.catch(() => {})
  const [line] = await Promise.race([once(lines, 'line'), none])
  return line
}

const countOf = (line, name) => Number(new RegExp(`${name} (\\d+)`).exec(line)?.[1])
