// The pipeline: what a ticket is, who may file how many, and what becomes of one that comes again.
import { Pipeline, ticketTriageDefinition } from 'enqueue-boundary'
import { tenantOf } from './tenants'

const { queueName, schema, jobOptions } = ticketTriageDefinition
const { tenantId, summary } = schema.properties

export const QUEUE = queueName
export const ATTEMPTS = jobOptions.attempts ?? 1

export const tickets = new Pipeline({
  ...ticketTriageDefinition,
  schema: {
    ...schema,
    properties: {
      tenantId,
      ticketId: { type: 'string', minLength: 1, maxLength: 40, pattern: '^[A-Za-z0-9-]*$' },
      summary: { ...summary, maxLength: 500 },
    },
  },
  // All of it, so that the page can show it, and a sweep can enqueue what a fault has left without a job.
  record: ['tenantId', 'ticketId', 'summary'],
  quota: (id) => tenantOf(id)?.quota,
  // While Redis is away tickets are recorded all the same. They are enqueued by the sweep, in processes/worker.ts.
  onQuotaUnavailable: 'open',
  // A ticket that failed for good is run again by the same call.
  idReuse: 'afterFailed',
  // Tried again sooner than tickets are elsewhere, for whoever watches.
  jobOptions: { ...jobOptions, backoff: { type: 'exponential', delay: Number(process.env.RETRY_MS ?? 2000) } },
  // Somebody sits before the page.
  timeoutMs: Number(process.env.TIMEOUT_MS ?? 3000),
})
