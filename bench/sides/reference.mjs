// The reference behaviour in plain JavaScript, as a team writes it: zod, whose data it is, the pending record,
// queue.add.
// Which BullMQ it runs on is the caller's choice.
import { createRequire } from 'node:module'
import { z } from 'zod'
import { PIPELINES } from '../pipelines/index.mjs'
import { jobOptionsOf } from '../pipelines/jobs.mjs'

/**
 * @param {string} bullmq the name under which that BullMQ is installed
 * @param {{ pipeline: string, job: string }} spec what to enqueue
 */
export async function openReference(bullmq, redisUrl, { pipeline, job }) {
  const { queueName, jobName, jobIdOf, recordOf, definition, callerOf, ...made } = PIPELINES[pipeline]
  const schema = made.schema(z)
  const jobOptions = jobOptionsOf(PIPELINES[pipeline], job)
  const optionsOf = typeof jobOptions === 'function' ? jobOptions : () => jobOptions
  const { Queue } = createRequire(import.meta.url)(bullmq)
  const queue = new Queue(queueName, { connection: { url: redisUrl } })
  await queue.waitUntilReady()

  function expectOwn(data, caller) {
    const { tenant } = definition
    if (data[tenant] !== caller[tenant]) throw new Error(`the data is of ${tenant} ${data[tenant]}`)
  }

  async function enqueue(input, storage) {
    const data = schema.parse(input)
    if (callerOf) expectOwn(data, callerOf(input))
    const jobId = jobIdOf(data)
    await storage.createPending(recordOf(jobId, data))
    await queue.add(jobName, data, { ...optionsOf(data), jobId })
    return { jobId, status: 'queued' }
  }

  /** One outcome for each input: what is wrong with one is no reason not to enqueue the others. */
  async function enqueueMany(inputs, storage) {
    const jobs = []
    const outcomes = inputs.map((input) => {
      const { data, error } = schema.safeParse(input)
      if (error) return { status: 'refused', error }
      const jobId = jobIdOf(data)
      jobs.push({ name: jobName, data, opts: { ...optionsOf(data), jobId } })
      return { jobId, status: 'queued' }
    })
    await storage.createPendingMany(jobs.map(({ data, opts: { jobId } }) => recordOf(jobId, data)))
    await queue.addBulk(jobs)
    return outcomes
  }

  return { enqueue, enqueueMany, inOneTick: enqueueMany, close: () => queue.close() }
}
