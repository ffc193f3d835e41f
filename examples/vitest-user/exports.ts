import { Pipeline } from 'enqueue-boundary'
import { z } from 'zod'

export const invoiceExports = new Pipeline({
  queueName: 'invoice-export',
  jobName: 'export',
  schema: z.object({ orgId: z.string(), invoiceId: z.string(), format: z.enum(['pdf', 'xml']).default('pdf') }),
  jobId: ['orgId', 'invoiceId'],
  tenant: 'orgId',
  quota: { rate: { limit: 2, periodMs: 60_000 } },
  onQuotaUnavailable: 'closed',
  idReuse: 'afterFailed',
  jobOptions: { attempts: 5, backoff: { type: 'exponential', delay: 1000 } },
  // Not set where the tests have no Redis.
  connection: process.env.REDIS_URL,
})

export const records = new Map<string, object>()

const storage = {
  async createPending(record: { jobId: string }) {
    records.set(record.jobId, record)
  },
}

export type Session = { orgId: string }

export const enqueueExport = (body: unknown, caller: Session) => invoiceExports.enqueue(body, storage, { caller })
