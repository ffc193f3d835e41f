// A pipeline of one's own, whole: exports of invoices, for many organisations, with its worker. invoice-routes.mjs serves it.
//
//   REDIS_URL=… node examples/invoices.mjs        # enqueues a few, runs them, and prints what became of each
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { UnrecoverableError, Worker } from 'bullmq'
import { isEnqueueError, Pipeline } from 'enqueue-boundary'
import { z } from 'zod'

const name = z
  .string()
  .trim()
  .regex(/^[\w-]+$/)

export const invoices = new Pipeline({
  queueName: 'invoice-export',
  jobName: 'export',
  schema: z.object({
    orgId: name,
    invoiceId: name,
    currency: z.enum(['EUR', 'USD', 'CHF']).default('EUR'),
    lines: z.array(z.object({ sku: z.string(), amount: z.coerce.number().positive() })).min(1),
    notes: z.string().max(2000).optional(),
  }),
  jobId: ['orgId', 'invoiceId'],
  // All of the data, so that a sweep can enqueue what a crash has left without a job.
  record: ['orgId', 'invoiceId', 'currency', 'lines', 'notes'],
  tenant: 'orgId',
  // Nobody fills the queue for all others, and who only tries it out gets two exports a minute.
  quota: (orgId) => (orgId.startsWith('trial-') ? { rate: { limit: 2, periodMs: 60_000 } } : { backlog: 10_000 }),
  onQuotaUnavailable: 'closed',
  // An export that failed for good is run again by the same call; one that waits, runs or is done is not.
  idReuse: 'afterFailed',
  // Once there is a job for an invoice, the same number with other lines is a mistake that somebody should see.
  onConflict: 'reject',
  jobOptions: { attempts: 5, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: { count: 1000 } },
})

/** What a route does with a body and the session of who sent it. */
export function enqueueInvoice(body, session, records) {
  return invoices.enqueue(body, records, { caller: session })
}

/** The same for any number of bodies, of which `onOutcome(outcome, index)` is told what each came to. */
export function importInvoices(bodies, session, records, onOutcome) {
  return invoices.enqueueMany(bodies, records, { caller: session, onOutcome })
}

/** Enqueues what a producer that died has recorded and not enqueued. Any number of processes may do so at once. `signal` ends it. */
export function sweepInvoices(records, olderThanMs, signal) {
  return invoices.sweep({
    pending: (page) => records.pending(page),
    onFinished: (record, job) => records.onFinished(record, job),
    olderThanMs,
    signal,
  })
}

/** A plain worker: it needs nothing of the boundary. */
export function startWorker(connection, records) {
  return new Worker('invoice-export', (job) => exportInvoice(job, records), { connection, concurrency: 8 })
}

async function exportInvoice({ id, data: { currency, lines } }, records) {
  const rate = await records.rateOf(currency)
  // To try again finds none either: it fails for good, until somebody has entered one and the call is made again.
  if (rate === undefined) throw new UnrecoverableError(`no exchange rate of ${currency}`)
  const euros = (lines.reduce((sum, { amount }) => sum + amount, 0) * rate).toFixed(2)
  await records.markDone(id, euros)
  return `${lines.length} lines, ${euros} euros`
}

/** Records for a try without a database: storage.mjs has those in PostgreSQL. */
function recordsInMemory() {
  const rates = new Map([['EUR', 1]])
  const rows = new Map()
  const mark = (jobId, status) => void rows.set(jobId, { ...rows.get(jobId), status })
  return {
    rates,
    async createPending({ jobId, ...input }) {
      const { status = 'failed' } = rows.get(jobId) ?? {}
      // One that failed is run again.
      if (status === 'failed') rows.set(jobId, { jobId, input, status: 'pending' })
    },
    rateOf: async (currency) => rates.get(currency),
    markDone: async (jobId) => mark(jobId, 'done'),
    pending: async () => [...rows.values()].filter(({ status }) => status === 'pending'),
    onFinished: async ({ jobId }, { state }) => mark(jobId, state === 'completed' ? 'done' : 'failed'),
  }
}

const completionOf = (worker, id) =>
  new Promise((resolve) => worker.on('completed', (job) => job.id === id && resolve()))

async function main() {
  const records = recordsInMemory()
  const session = { orgId: 'acme', user: 'ann' }
  const send = async (body, by = session) => {
    try {
      const { jobId, created, existing } = await enqueueInvoice(body, by, records)
      console.log(created ? `created  ${jobId}` : `existing ${jobId}: ${existing.state}, sameData ${existing.sameData}`)
    } catch (error) {
      if (!isEnqueueError(error)) throw error
      const again = error.quota && `; again in ${error.headers['retry-after']} s`
      console.log(`refused  ${error.code}: ${error.message}${again ?? ''}`)
    }
  }
  const paper = { orgId: 'acme', invoiceId: 'I-1', lines: [{ sku: 'paper', amount: '12.50' }] }
  const swiss = {
    orgId: 'acme',
    invoiceId: ' I-2 ',
    currency: 'CHF',
    lines: [{ sku: 'ink', amount: 80 }],
    x: 'dropped',
  }
  await send(paper)
  await send(swiss)
  await send(paper)
  await send({ ...paper, lines: [{ sku: 'paper', amount: 99 }] })
  await send({ ...paper, orgId: 'globex' })
  await send({ ...paper, currency: 'DM', lines: [{ sku: 'paper', amount: -1 }] })

  const worker = startWorker({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }, records)
  worker.on('error', (error) => console.error(`worker: ${error.message}`))
  worker.on('completed', (job, result) => console.log(`done     ${job.id}: ${result}`))
  worker.on('failed', (job, error) => console.log(`failed   ${job.id}: ${error.message}`))
  await Promise.all([once(worker, 'completed'), once(worker, 'failed')])

  records.rates.set('CHF', 1.07)
  const done = once(worker, 'completed')
  await send(swiss)
  await done
  await send(swiss)

  const more = [paper, { ...paper, invoiceId: 'I-3' }, {}, { ...paper, invoiceId: 'I-3' }]
  const last = once(worker, 'completed')
  const { total, created, existing, rejected } = await importInvoices(more, session, records, () => {})
  await last
  console.log(`imported ${total}: ${created} created, ${existing} existing, ${rejected} rejected`)

  // As where a process dies between the two: the record is made, and the job is not.
  const dying = {
    async createPending(record) {
      await records.createPending(record)
      throw new Error('killed')
    },
  }
  await enqueueInvoice({ ...paper, invoiceId: 'I-4' }, session, dying).catch(() => {})
  const repaired = once(worker, 'completed')
  const swept = await sweepInvoices(records, 0)
  await repaired
  console.log(`repaired ${swept.created} of ${swept.looked} pending records`)

  const trial = { orgId: 'trial-1', user: 'eve' }
  const jobs = ['I-1', 'I-2'].map((invoiceId) => `invoice-export:${trial.orgId}:${invoiceId}`)
  const both = Promise.all(jobs.map((id) => completionOf(worker, id)))
  for (const invoiceId of ['I-1', 'I-2', 'I-3']) await send({ ...paper, orgId: trial.orgId, invoiceId }, trial)
  await both
  await worker.close()
  await invoices.close()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
