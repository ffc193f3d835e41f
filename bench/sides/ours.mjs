// The package itself, through the file that users import.
import { createRequire } from 'node:module'
import { PIPELINES } from '../pipelines/index.mjs'
import { jobOptionsOf } from '../pipelines/jobs.mjs'

/** By pipeline: what its users call. */
const CALLS = {
  tickets: ({ enqueueTicketTriage, Pipeline, ticketTriageDefinition }) => ({
    enqueue: enqueueTicketTriage,
    enqueueMany: many(() => new Pipeline(ticketTriageDefinition)),
  }),

  async invoices({ Pipeline }, job) {
    const { queueName, jobName, schema, definition, callerOf } = PIPELINES.invoices
    const { z } = await import('zod')
    const jobOptions = jobOptionsOf(PIPELINES.invoices, job)
    const pipeline = new Pipeline({ queueName, jobName, schema: schema(z), ...definition, jobOptions })
    return {
      enqueue: (input, storage) => pipeline.enqueue(input, storage, { caller: callerOf(input) }),
      // An import is of many tenants: it has no caller.
      enqueueMany: many(() => pipeline),
    }
  },
}

/** The pipeline is made at the first call, as builds of before have none that does this. */
function many(make) {
  let pipeline
  return (inputs, storage) => {
    pipeline ??= make()
    return pipeline.enqueueMany(inputs, storage)
  }
}

/** @param {{ pipeline: string, job: string, folder?: string }} spec what to enqueue, and another build of the package */
export async function open(redisUrl, { pipeline, job, folder = '../..' }) {
  process.env.REDIS_URL = redisUrl
  const calls = await CALLS[pipeline](createRequire(import.meta.url)(folder), job)
  return {
    ...calls,
    inOneTick: (inputs, storage) => Promise.all(inputs.map((input) => calls.enqueue(input, storage))),
    close: async () => {},
  }
}
