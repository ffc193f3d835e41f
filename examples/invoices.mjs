// A pipeline of one's own: exports of invoices, for many organisations. The route enqueues, `npm run` a worker anywhere.
//
//   REDIS_URL=… node examples/invoices.mjs        # enqueues a few, runs them, and prints what became of each
import { pathToFileURL } from 'node:url'
import { Worker } from 'bullmq'
import { isEnqueueError, Pipeline } from 'enqueue-boundary'
import { z } from 'zod'

export const invoices = new Pipeline({
  queueName: 'invoice-export',
  jobName: 'export',
  schema: z.object({
    orgId: z.string().min(1),
    invoiceId: z.string().trim().min(1),
    format: z.enum(['pdf', 'xml']).default('pdf'),
    lines: z.array(z.object({ sku: z.string(), amount: z.coerce.number().positive() })).min(1),
    notes: z.string().max(2000).optional(),
  }),
  jobId: ['orgId', 'invoiceId'],
  record: ['orgId', 'invoiceId', 'format'],
  tenant: 'orgId',
  jobOptions: { attempts: 5, backoff: { type: 'exponential', delay: 1000 }, removeOnComplete: { count: 1000 } },
})

/** What a route does with a body and the session of who sent it. */
export function enqueueInvoice(body, session, storage) {
  return invoices.enqueue(body, storage, { caller: session })
}

/** A plain worker: it needs nothing of the boundary. */
export function startWorker(connection) {
  return new Worker('invoice-export', ({ data }) => exportInvoice(data), { connection })
}

function exportInvoice({ format, lines }) {
  const total = lines.reduce((sum, { amount }) => sum + amount, 0)
  return `${lines.length} lines as ${format}, ${total.toFixed(2)} in all`
}

async function main() {
  const pending = new Map()
  const storage = { createPending: async (record) => void pending.set(record.jobId, record) }
  const session = { orgId: 'acme', user: 'ann' }
  const bodies = [
    { orgId: 'acme', invoiceId: 'I-1', lines: [{ sku: 'paper', amount: '12.50' }] },
    { orgId: 'acme', invoiceId: ' I-2 ', format: 'xml', lines: [{ sku: 'ink', amount: 80 }], secret: 'is dropped' },
    { orgId: 'acme', invoiceId: 'I-1', lines: [{ sku: 'paper', amount: '12.50' }] },
    { orgId: 'globex', invoiceId: 'I-3', lines: [{ sku: 'ink', amount: 80 }] },
    { orgId: 'acme', invoiceId: 'I-4', format: 'doc', lines: [{ sku: 'ink', amount: -1 }] },
  ]
  for (const body of bodies) {
    try {
      const { jobId } = await enqueueInvoice(body, session, storage)
      console.log(`queued   ${jobId} as ${pending.get(jobId).format}`)
    } catch (error) {
      if (!isEnqueueError(error)) throw error
      console.log(`refused  ${error.code}: ${error.message}`)
    }
  }
  const worker = startWorker({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })
  worker.on('error', (error) => console.error(`worker: ${error.message}`))
  let left = pending.size
  await new Promise((resolve) => {
    worker.on('completed', (job, result) => {
      console.log(`done     ${job.id}: ${result}`)
      left -= 1
      if (left === 0) resolve()
    })
  })
  await worker.close()
  await invoices.close()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
