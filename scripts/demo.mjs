// The main job on real input: every line of examples/tickets.jsonl is the body of one request to examples/route.mjs, a
// BullMQ worker in another process does the jobs, and BullMQ's own events and PostgreSQL's rows say whether it adds up.
//   node scripts/demo.mjs [--serve] [--deadline <seconds>]
// --serve keeps the route up afterwards; the deadline is the worker's, and 60 seconds by default.
// It uses REDIS_URL and DATABASE_URL when they are set, and stores of its own otherwise.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue, QueueEvents } from 'bullmq'
import { DemoError, host, openPostgres, openRedis, QUEUE } from './demo-stores.mjs'

const SENDERS = 16

const example = (name) => new URL(`../examples/${name}`, import.meta.url)

async function main({ serve, deadline }, undo) {
  console.log('starting Redis and PostgreSQL')
  const redis = await openRedis(undo, console.log)
  process.env.REDIS_URL = redis.url
  const postgres = await openPostgres(undo, readFileSync(example('schema.sql'), 'utf8'))
  process.env.DATABASE_URL = postgres.url
  // From here on it is a deployment: a worker and a server that find both stores in their environment.
  const worker = startWorker(undo)
  const server = await startServer(undo)
  console.log(`Redis       ${host(redis.url)} (${redis.how})`)
  console.log(`PostgreSQL  ${host(postgres.url)} (${postgres.how})`)
  console.log(`worker      process ${worker.pid}`)
  console.log(`route       POST ${server.url}\n`)

  const bodies = readBodies()
  const answers = new Answers()
  const events = watchEvents(undo, redis.url)
  const progress = showProgress(
    () =>
      `${answers.total}/${bodies.length} answered, ${answers.ids.size} queued, ${answers.duplicates} duplicate, ` +
      `${sum(answers.refused)} refused, ${events.ended.size} jobs ended`,
  )
  events.on('change', progress.update)
  const sending = sendAll(server.url, bodies, (answer) => {
    answers.add(answer)
    progress.update()
  })
  await Promise.race([sending, worker.died])
  await Promise.race([events.settled(answers), worker.died, sleep(deadline * 1000, undefined, { ref: false })])
  progress.end()

  const ends = await within(10, inspect(redis.url, postgres.database, answers.ids), 'Asking BullMQ and PostgreSQL')
  report(bodies.length, answers, ends)
  const complaints = audit(bodies.length, answers, events, ends)
  if (complaints.length > 0) throw new DemoError(`It does not add up: ${complaints.join('; ')}.`)
  console.log(`It adds up: ${bodies.length} = ${answers.ids.size} + ${answers.duplicates} + ${sum(answers.refused)}.`)
  if (serve) {
    const body = JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-1', summary: 'The printer is on fire' })
    console.log(
      `\nServing until Ctrl-C. Try:\n  curl -i ${server.url} -H 'content-type: application/json' -d '${body}'`,
    )
    await worker.died
  }
}

function startWorker(undo) {
  const child = spawn(process.execPath, [fileURLToPath(example('worker.mjs'))], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const exit = once(child, 'exit')
  undo.push(async () => {
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), 3000)
    await exit
    clearTimeout(kill)
  })
  const died = exit.then(([code, signal]) => {
    throw new DemoError(`The worker process ended (${signal ?? `status ${code}`}).`)
  })
  died.catch(() => {})
  return { pid: child.pid, died }
}

async function startServer(undo) {
  const [{ POST }, { records }, { serve }] = await Promise.all(
    ['route.mjs', 'storage.mjs', 'server.mjs'].map((name) => import(example(name))),
  )
  undo.push(() => records.close())
  const server = await serve(POST)
  undo.push(server.close)
  return server
}

/** The stored bodies as they are, and one over the limit of 1 MiB. */
function readBodies() {
  const stored = readFileSync(example('tickets.jsonl'), 'utf8').split('\n').slice(0, -1)
  const dump = '7f454c46'.repeat(1 << 17)
  return [
    ...stored,
    JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-20460', summary: `scanner core dump: ${dump}` }),
  ]
}

async function sendAll(url, bodies, onAnswer) {
  // The senders share one iterator: each takes the next body as soon as its last one is answered.
  const rest = bodies.values()
  const sender = async () => {
    for (const body of rest) {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const answer = await response.json()
      if (response.status >= 500) throw new DemoError(`The route failed: ${response.status} ${answer.code}.`)
      onAnswer({ ...answer, status: response.status })
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
}

/** What the route said. The first 202 for an id is a queued ticket, another one for the same id a duplicate. */
class Answers {
  ids = new Set()
  duplicates = 0
  refused = {}

  add({ status, jobId, code }) {
    if (status === 202) {
      if (this.ids.has(jobId)) this.duplicates += 1
      this.ids.add(jobId)
    } else {
      this.refused[code] = (this.refused[code] ?? 0) + 1
    }
  }

  get total() {
    return this.ids.size + this.duplicates + sum(this.refused)
  }
}

const sum = (counts) => Object.values(counts).reduce((total, n) => total + n, 0)

/** BullMQ's own account, from the first event of the queue on. */
function watchEvents(undo, url) {
  const events = Object.assign(new EventEmitter(), { added: 0, duplicated: 0, ended: new Set() })
  const stream = new QueueEvents(QUEUE, { connection: { url }, lastEventId: '0-0' })
  undo.push(() => stream.close())
  stream.on('error', (error) => console.error(`events: ${error.message}`))
  const on = (name, note) => stream.on(name, (event) => events.emit('change', note(event)))
  on('added', () => events.added++)
  on('duplicated', () => events.duplicated++)
  on('completed', ({ jobId }) => events.ended.add(jobId))
  on('failed', ({ jobId }) => events.ended.add(jobId))
  events.settled = async ({ ids, duplicates }) => {
    const all = () => events.added + events.duplicated >= ids.size + duplicates && events.ended.size >= ids.size
    while (!all()) await once(events, 'change')
  }
  return events
}

/** Fails instead of hanging on a store that has gone. */
async function within(seconds, promise, what) {
  const late = sleep(seconds * 1000, undefined, { ref: false }).then(() => {
    throw new DemoError(`${what} took more than ${seconds} seconds.`)
  })
  return Promise.race([promise, late])
}

/** One line that renews itself on a terminal, and a line now and then elsewhere. */
function showProgress(line) {
  const { isTTY } = process.stdout
  let updates = 0
  const print = () => process.stdout.write(isTTY ? `\r\x1b[2K${line()}` : `${line()}\n`)
  return {
    update: () => {
      updates += 1
      if (isTTY || updates % 100 === 0) print()
    },
    end: () => {
      print()
      console.log(isTTY ? '\n' : '')
    },
  }
}

/** Where each accepted ticket has ended up, asked of BullMQ and of PostgreSQL. */
async function inspect(url, database, ids) {
  const queue = new Queue(QUEUE, { connection: { url }, skipMetasUpdate: true })
  const states = await Promise.all([...ids].map(async (id) => [id, await queue.getJobState(id)]))
  await queue.close()
  const { rows } = await database.query('SELECT job_id, status, category FROM ticket_triage')
  return { states: new Map(states), rows }
}

function report(sent, { ids, duplicates, refused }, { states, rows }) {
  const completed = [...states.values()].filter((state) => state === 'completed').length
  const done = rows.filter((row) => row.status === 'done')
  const list = (counts) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')
  const categories = {}
  for (const { category } of done) categories[category] = (categories[category] ?? 0) + 1
  const rest = [
    ['sent', sent, ''],
    [
      'queued',
      ids.size,
      `${completed} completed in BullMQ, ${done.length} of ${rows.length} records done in PostgreSQL`,
    ],
    ['duplicate', duplicates, 'answered like the first, no second job'],
    ['refused', sum(refused), list(refused)],
  ]
  for (const [name, n, note] of rest) console.log(`${name.padEnd(10)}${String(n).padStart(5)}   ${note}`.trimEnd())
  console.log(`triaged as         ${list(categories)}\n`)
}

/** Every way in which the figures disagree, each in words. */
function audit(sent, answers, events, { states, rows }) {
  const { ids, duplicates } = answers
  const recorded = new Map(rows.map((row) => [row.job_id, row]))
  const unfinished = [...ids].filter((id) => states.get(id) !== 'completed')
  const undone = [...ids].filter((id) => recorded.get(id)?.status !== 'done')
  const jobless = rows.filter((row) => !ids.has(row.job_id))
  const some = (items) => `${items.length}, such as ${JSON.stringify(items[0])}`
  const rules = [
    [sent === answers.total, `requests sent: ${sent}, answered: ${answers.total}`],
    [events.added === ids.size, `jobs that BullMQ saw added: ${events.added}, tickets queued: ${ids.size}`],
    [events.duplicated === duplicates, `duplicates that BullMQ saw: ${events.duplicated}, answered: ${duplicates}`],
    [unfinished.length === 0, `queued jobs that BullMQ did not complete: ${some(unfinished)}`],
    [undone.length === 0, `queued tickets whose record is not done: ${some(undone)}`],
    [jobless.length === 0, `records without a job: ${some(jobless.map((row) => row.job_id))}`],
  ]
  return rules.filter(([holds]) => !holds).map(([, complaint]) => complaint)
}

const { values: options } = parseArgs({
  options: { serve: { type: 'boolean' }, deadline: { type: 'string', default: '60' } },
})
const undo = []
const stop = new AbortController()
const interrupt = () => stop.abort()
process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
let failure
try {
  await Promise.race([main(options, undo), once(stop.signal, 'abort')])
} catch (error) {
  failure = error
}
if (stop.signal.aborted) console.log('\nstopping')
// From here on another Ctrl-C ends the process at once.
process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
for (const step of undo.reverse()) {
  await within(5, step(), 'A step of the clean-up').catch((error) => {
    failure ??= error
  })
}
// The last line is the one to read.
if (failure) console.error(failure instanceof DemoError ? `\n${failure.message}` : failure)
// A run that went well ends by itself; what another still waits for will not come.
if (failure) process.exit(1)
if (stop.signal.aborted) process.exit(options.serve ? 0 : 130)
