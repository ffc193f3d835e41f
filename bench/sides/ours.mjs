// The package itself, through the file that users import.
import { createRequire } from 'node:module'
import { PIPELINES } from '../pipelines/index.mjs'
import { jobOptionsOf } from '../pipelines/jobs.mjs'

/** By pipeline: what its users call. */
const ENQUEUE = {
  tickets: ({ enqueueTicketTriage }) => enqueueTicketTriage,

  async invoices({ Pipeline }, job) {
    const { queueName, jobName, schema, definition, callerOf } = PIPELINES.invoices
    const jobOptions = jobOptionsOf(PIPELINES.invoices, job)
    const { z } = await import('zod')
    const pipeline = new Pipeline({ queueName, jobName, schema: schema(z), ...definition, jobOptions })
    return (input, storage) => pipeline.enqueue(input, storage, { caller: callerOf(input) })
  },
}

/** @param {{ pipeline: string, job: string, folder?: string }} spec what to enqueue, and another build of the package */
export async function open(redisUrl, { pipeline, job, folder = '../..' }) {
  process.env.REDIS_URL = redisUrl
  const enqueue = await ENQUEUE[pipeline](createRequire(import.meta.url)(folder), job)
  return {
    enqueue,
    enqueueMany: (inputs, storage) => Promise.all(inputs.map((input) => enqueue(input, storage))),
    close: async () => {},
  }
}
