// BullMQ's own queue.add, and nothing around it.
import { createRequire } from 'node:module'
import { PIPELINES } from '../pipelines/index.mjs'
import { jobOptionsOf } from '../pipelines/jobs.mjs'

/**
 * @param {{ pipeline: string, job: string }} spec what to add
 * @param {(bullmq: object) => Function | undefined} factoryOf the backend, where it is not BullMQ's
 */
export async function open(redisUrl, { pipeline, job }, factoryOf = () => undefined) {
  const { queueName, jobName, jobIdOf } = PIPELINES[pipeline]
  const jobOptions = jobOptionsOf(PIPELINES[pipeline], job)
  const optionsOf = typeof jobOptions === 'function' ? jobOptions : () => jobOptions
  const bullmq = createRequire(import.meta.url)('bullmq')
  const queue = new bullmq.Queue(queueName, { connection: { url: redisUrl } }, factoryOf(bullmq))
  await queue.waitUntilReady()
  const options = (input) => ({ ...optionsOf(input), jobId: jobIdOf(input) })
  return {
    async enqueue(input) {
      const { id } = await queue.add(jobName, input, options(input))
      return { jobId: id, status: 'queued' }
    },
    async addBulk(inputs) {
      const jobs = await queue.addBulk(inputs.map((input) => ({ name: jobName, data: input, opts: options(input) })))
      return jobs.map(({ id }) => ({ jobId: id, status: 'queued' }))
    },
    close: () => queue.close(),
  }
}
