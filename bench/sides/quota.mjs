// The package itself, with a quota that nobody exceeds.
import { createRequire } from 'node:module'

const MANY = 1_000_000
const QUOTAS = {
  rate: { rate: { limit: MANY, periodMs: 1000 } },
  'rate and backlog': { rate: { limit: MANY, periodMs: 1000 }, backlog: MANY, inFlight: MANY },
}

/** @param {{ quota: keyof QUOTAS }} spec */
export async function open(redisUrl, { quota }) {
  const { Pipeline, ticketTriageDefinition } = createRequire(import.meta.url)('../..')
  const held = { quota: QUOTAS[quota], onQuotaUnavailable: 'closed' }
  const pipeline = new Pipeline({ ...ticketTriageDefinition, ...held, connection: redisUrl })
  return {
    enqueue: (input, storage) => pipeline.enqueue(input, storage),
    close: () => pipeline.close(),
  }
}
