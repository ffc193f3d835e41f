// A plain BullMQ worker. It needs nothing of the boundary; it borrows the schema, because a queue is a door too:
// whatever else writes jobs into Redis is held to the same rules.
import { once } from 'node:events'
import { UnrecoverableError, Worker } from 'bullmq'
import { ticketInputSchema } from 'enqueue-boundary'
import { closeStorage, ticketRecords } from './storage.mjs'
import { triage } from './triage.mjs'

const worker = new Worker(
  'ticket-triage',
  async (job) => {
    const { issues, value } = await ticketInputSchema['~standard'].validate(job.data)
    if (issues) throw new UnrecoverableError(issues.map((issue) => issue.message).join('; '))
    const verdict = triage(value.summary)
    await ticketRecords.markDone(job.id, verdict)
    return verdict
  },
  { connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }, concurrency: 8 },
)
worker.on('error', (error) => console.error(`worker: ${error.message}`))
worker.on('failed', (job, error) => console.error(`worker: ${job?.id} failed: ${error.message}`))

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
// close() waits for the jobs that run and, where Redis is away, for Redis: not for ever.
setTimeout(() => process.exit(1), 8000).unref()
await worker.close()
await closeStorage()
