// The package itself, through the file that users import.
import { createRequire } from 'node:module'
import { PIPELINES } from '../pipelines/index.mjs'

/** By pipeline: what its users call. */
const ENQUEUE = {
  tickets: ({ enqueueTicketTriage }) => enqueueTicketTriage,

  async invoices({ Pipeline }) {
    const { queueName, jobName, schema, definition, callerOf, jobOptions } = PIPELINES.invoices
    const { z } = await import('zod')
    const pipeline = new Pipeline({ queueName, jobName, schema: schema(z), ...definition, jobOptions })
    return (input, storage) => pipeline.enqueue(input, storage, { caller: callerOf(input) })
  },
}

/** @param {{ pipeline: string, folder?: string }} spec one of the pipelines, and another build of the package */
export async function open(redisUrl, { pipeline, folder = '../..' }) {
  process.env.REDIS_URL = redisUrl
  const enqueue = await ENQUEUE[pipeline](createRequire(import.meta.url)(folder))
  return {
    enqueue,
    enqueueMany: (inputs, storage) => Promise.all(inputs.map((input) => enqueue(input, storage))),
    close: async () => {},
  }
}
