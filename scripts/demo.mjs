// What the package does, on real input: two pipelines over HTTP, their BullMQ workers in processes of their own, the repair of what
// a killed producer left, and at the end BullMQ's own events and PostgreSQL's rows say whether it adds up.
//   node scripts/demo.mjs [--serve] [--deadline <seconds>]
// --serve keeps the routes up afterwards; the deadline is the workers', and 60 seconds by default.
// It uses REDIS_URL and DATABASE_URL when they are set, and stores of its own otherwise.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { showInvoices } from './demo/invoices.mjs'
import { showRepair } from './demo/repair.mjs'
import { DemoError, host, openPostgres, openRedis } from './demo/stores.mjs'
import { bold } from './demo/terminal.mjs'
import { showTickets } from './demo/tickets.mjs'

const example = (name) => new URL(`../examples/${name}`, import.meta.url)

async function main({ serve, deadline }, undo) {
  console.log('starting Redis and PostgreSQL')
  const redis = await openRedis(undo, console.log)
  process.env.REDIS_URL = redis.url
  const postgres = await openPostgres(undo, readFileSync(example('schema.sql'), 'utf8'))
  process.env.DATABASE_URL = postgres.url
  // From here on it is a deployment: workers and a server that find both stores in their environment.
  const workers = ['worker.mjs', 'invoice-worker.mjs'].map((name) => startWorker(undo, name))
  const server = await startServer(undo)
  console.log(`Redis       ${host(redis.url)} (${redis.how})`)
  console.log(`PostgreSQL  ${host(postgres.url)} (${postgres.how})`)
  console.log(`workers     process ${workers[0].pid} (tickets), process ${workers[1].pid} (invoices)`)
  console.log(`server      ${server.url}\n`)

  const died = Promise.race(workers.map((worker) => worker.died))
  died.catch(() => {})
  const stage = {
    undo,
    url: redis.url,
    database: postgres.database,
    server: server.url,
    /** Waits as long as the workers live. */
    during: (promise) => Promise.race([promise, died]),
    /** Waits until the deadline at most: what is missing then is for the audit to say. */
    upToDeadline: (promise) => Promise.race([promise, died, sleep(deadline * 1000, undefined, { ref: false })]),
    asking: (promise) => within(10, promise, 'Asking BullMQ and PostgreSQL'),
  }
  await showTickets(stage)
  await showInvoices(stage)
  await showRepair(stage)
  if (serve) {
    printRequests(server.url)
    await died
  }
}

function startWorker(undo, name) {
  const child = spawn(process.execPath, [fileURLToPath(example(name))], { stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = once(child, 'exit')
  undo.push(async () => {
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), 3000)
    await exit
    clearTimeout(kill)
  })
  const died = exit.then(([code, signal]) => {
    throw new DemoError(`The process of ${name} ended (${signal ?? `status ${code}`}).`)
  })
  died.catch(() => {})
  return { pid: child.pid, died }
}

async function startServer(undo) {
  const [tickets, invoices, { closeStorage }, { serve }] = await Promise.all(
    ['route.mjs', 'invoice-routes.mjs', 'storage.mjs', 'server.mjs'].map((name) => import(example(name))),
  )
  undo.push(closeStorage)
  const server = await serve({
    '/api/tickets': tickets.POST,
    '/api/invoices': invoices.postInvoice,
    '/api/invoices/import': invoices.postImport,
  })
  undo.push(server.close)
  return server
}

function printRequests(url) {
  const ticket = { tenantId: 'acme', ticketId: 'ACME-1', summary: 'The printer is on fire' }
  const invoice = { orgId: 'acme', invoiceId: 'I-100', lines: [{ sku: 'ink', amount: 80 }] }
  const json = "-H 'content-type: application/json'"
  const session = "-H 'authorization: Bearer token-of-ann'"
  console.log(`\n${bold('Serving until Ctrl-C.')} Try, each twice:`)
  console.log(`  curl -i ${url}/api/tickets ${json} -d '${JSON.stringify(ticket)}'`)
  console.log(`  curl -i ${url}/api/invoices ${session} ${json} -d '${JSON.stringify(invoice)}'`)
  console.log(`  curl -i ${url}/api/invoices/import ${session} --data-binary @scripts/demo/invoices.jsonl`)
}

/** Fails instead of hanging on a store that has gone. */
async function within(seconds, promise, what) {
  const late = sleep(seconds * 1000, undefined, { ref: false }).then(() => {
    throw new DemoError(`${what} took more than ${seconds} seconds.`)
  })
  return Promise.race([promise, late])
}

const { values: options } = parseArgs({
  options: { serve: { type: 'boolean' }, deadline: { type: 'string', default: '60' } },
})
const undo = []
const stop = new AbortController()
const interrupt = () => stop.abort()
process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
// Whoever read the output has gone, as `head` does.
process.stdout.on('error', interrupt)
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
