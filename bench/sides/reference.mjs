// The reference behaviour in plain JavaScript, as a team writes it: zod, the pending record, queue.add.
// Which BullMQ it runs on is the caller's choice.
import { createRequire } from 'node:module'
import { z } from 'zod'

const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().min(1) })

const optionsFor = (jobId) => ({
  attempts: 3,
  backoff: { type: 'exponential', delay: 5000 },
  removeOnComplete: { age: 86400, count: 1000 },
  removeOnFail: { age: 604800 },
  jobId,
})

/** @param {string} bullmq the name under which that BullMQ is installed */
export async function openReference(bullmq, redisUrl) {
  const require = createRequire(import.meta.url)
  const { Queue } = require(bullmq)
  const queue = new Queue('ticket-triage', { connection: { url: redisUrl } })
  await queue.waitUntilReady()

  async function enqueue(input, storage) {
    const data = schema.parse(input)
    const { tenantId, ticketId } = data
    const jobId = `ticket-triage:${tenantId}:${ticketId}`
    await storage.createPending({ jobId, tenantId, ticketId })
    await queue.add('triage', data, optionsFor(jobId))
    return { jobId, status: 'queued' }
  }

  async function enqueueMany(inputs, storage) {
    const jobs = inputs.map((input) => {
      const data = schema.parse(input)
      const jobId = `ticket-triage:${data.tenantId}:${data.ticketId}`
      return { name: 'triage', data, opts: optionsFor(jobId) }
    })
    await Promise.all(
      jobs.map(({ data: { tenantId, ticketId }, opts: { jobId } }) =>
        storage.createPending({ jobId, tenantId, ticketId }),
      ),
    )
    await queue.addBulk(jobs)
    return jobs.map(({ opts: { jobId } }) => ({ jobId, status: 'queued' }))
  }

  return { enqueue, enqueueMany, close: () => queue.close() }
}
