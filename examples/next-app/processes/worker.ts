// A plain BullMQ worker in a process of its own, and beside it the sweep, which enqueues what was recorded while Redis was away.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnrecoverableError, Worker } from 'bullmq'
import { pool } from '../lib/database'
import { records } from '../lib/records'
import { QUEUE, tickets } from '../lib/tickets'
import { triage } from './triage'

const worker = new Worker(
  QUEUE,
  async (job) => {
    // A queue is a door too: whatever else writes jobs into Redis is held to the same rules.
    const judged = await tickets.schema['~standard'].validate(job.data)
    if (judged.issues) throw new UnrecoverableError(judged.issues.map(({ message }) => message).join('; '))
    const jobId = `${job.id}`
    const attempt = job.attemptsMade + 1
    const run = await records.markAttempt(jobId, attempt)
    try {
      const verdict = await triage(judged.value.summary, { run, attempt })
      await records.markDone(jobId, verdict)
      return verdict
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      await records.markFailure(jobId, attempt, reason, attempt >= (job.opts.attempts ?? 1))
      throw error
    }
  },
  { connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }, concurrency: 4 },
)
worker.on('error', (error) => console.error(`worker: ${error.message}`))
worker.on('failed', (job, error) => console.error(`worker: ${job?.id}, attempt ${job?.attemptsMade}: ${error.message}`))

const stop = new AbortController()

/** Any number of processes may do so at once. Where Redis is away there is nothing to be done yet, and the next one does it. */
async function sweepNowAndThen() {
  while (!stop.signal.aborted) {
    await tickets
      .sweep({
        pending: (page) => records.pending(page),
        onFinished: (record, job) => records.onFinished(record, job),
        olderThanMs: 5000,
        signal: stop.signal,
      })
      .then(({ created }) => created > 0 && console.log(`sweep: ${created} tickets enqueued that were recorded alone`))
      .catch((error) => stop.signal.aborted || console.error(`sweep: ${error.message}`))
    await sleep(2000, undefined, { signal: stop.signal }).catch(() => {})
  }
}

const swept = sweepNowAndThen()
console.log('worker: ready')
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
stop.abort()
// close() waits for the jobs that run and, where Redis is away, for Redis: not for ever.
setTimeout(() => process.exit(1), 8000).unref()
await worker.close()
await swept
await tickets.close()
await pool.end()
