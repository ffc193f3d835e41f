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

  async function enqueueMany(inputs, storage) {
    const jobs = inputs.map((input) => {
      const data = schema.parse(input)
      return { name: jobName, data, opts: { ...optionsOf(data), jobId: jobIdOf(data) } }
    })
    await Promise.all(jobs.map(({ data, opts: { jobId } }) => storage.createPending(recordOf(jobId, data))))
    await queue.addBulk(jobs)
    return jobs.map(({ opts: { jobId } }) => ({ jobId, status: 'queued' }))
  }

  return { enqueue, enqueueMany, close: () => queue.close() }
}
