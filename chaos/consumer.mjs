// A plain BullMQ 6 worker in a process of its own. It writes down every job it runs: id, whether BullMQ says that it runs
// it again, when, and whether the data is what was sent.
import { closeSync, openSync, writeSync } from 'node:fs'
import { Worker } from 'bullmq'
import { summaryOf } from './tickets.mjs'

const { port, keep, file } = JSON.parse(process.argv[2])
const log = openSync(file, 'w')
let lines = []
let processed = 0

function flush() {
  if (lines.length > 0) writeSync(log, `${lines.join('\n')}\n`)
  lines = []
}

async function run(job) {
  const { tenantId, ticketId, summary } = job.data
  const intact = job.id === `ticket-triage:${tenantId}:${ticketId}` && summary === summaryOf(tenantId, ticketId)
  // Both are in the job's own hash, where only BullMQ's scripts count them up.
  const again = job.stalledCounter > 0 || job.attemptsMade > 0
  const id = job.id.slice('ticket-triage:'.length)
  lines.push([id, again ? 'again' : 'first', Date.now(), intact ? 'intact' : 'odd'].join('\t'))
  if (lines.length >= 1000) flush()
  processed += 1
  // Of finished jobs the options keep 1000, which is a moment here. More are kept, so that a ticket that is sent again
  // within its deadline, by its caller or after a lost link, is still known by its id.
  job.opts.removeOnComplete = { count: keep }
}

const worker = new Worker('ticket-triage', run, {
  connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null, retryStrategy: () => 50 },
  concurrency: 200,
  // A job whose worker lost its link is run again within seconds, however often that happens.
  lockDuration: 2000,
  stalledInterval: 1000,
  maxStalledCount: 1_000_000,
})
// Every fault shows here; what comes of them is the audit's business.
worker.on('error', () => {})

setInterval(() => process.send({ processed }), 20)
process.once('message', async () => {
  await worker.close()
  flush()
  closeSync(log)
  process.send({ processed, ended: true }, () => process.exit())
})
process.once('disconnect', () => process.exit())
