// What a round left in Redis, against what was sent.
import { isDeepStrictEqual } from 'node:util'
import { jobIdOf, numberOf, tickets } from './tickets.mjs'

const QUEUE = 'bull:ticket-triage'
/** The keys of the queue that are not jobs. */
const OWN_KEYS = ['wait', 'id', 'meta', 'events', 'marker', 'completed', 'stalled-check'].map(
  (key) => `${QUEUE}:${key}`,
)
const SAMPLE = 50
const PAGE = 10_000
const OPTIONS = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 5000 },
  removeOnComplete: { age: 86400, count: 1000 },
  removeOnFail: { age: 604800 },
}

function expect(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) return
  throw new Error(`audit: ${what} should be ${JSON.stringify(expected)} but is ${JSON.stringify(found)}`)
}

/** The ids of the waiting jobs, a page at a time. */
async function* waiting(redis) {
  for (let start = 0; ; start += PAGE) {
    const ids = await redis.lrange(`${QUEUE}:wait`, start, start + PAGE - 1)
    yield ids
    if (ids.length < PAGE) return
  }
}

/**
 * Throws unless each of the `sent` first tickets is one job, waiting or among the `finished`, and Redis holds no other.
 * @param {{ sent: number, bytes: number, finished: number[] }} round how many tickets, the size of their summaries, and
 *   the numbers of those that a worker finished
 */
export async function audit(redis, { sent, bytes, finished }) {
  const ticket = tickets(bytes)
  const seen = new Uint8Array(sent)
  for (const n of finished) seen[n]++
  for await (const ids of waiting(redis)) {
    for (const id of ids) {
      const n = numberOf(id)
      expect('the id of a waiting job', id, n < sent ? jobIdOf(ticket(n)) : 'that of a ticket that was sent')
      seen[n]++
    }
  }
  const wrong = seen.findIndex((times) => times !== 1)
  if (wrong !== -1) expect(`the number of jobs of ticket ${wrong}`, seen[wrong], 1)

  expect('the id counter', Number(await redis.get(`${QUEUE}:id`)), sent)
  // Of the finished ones BullMQ keeps the last 1000.
  const kept = await redis.zcard(`${QUEUE}:completed`)
  const hashes = (await redis.dbsize()) - (await redis.exists(...OWN_KEYS))
  expect('the number of job hashes', hashes, sent - finished.length + kept)
  const step = Math.max(1, Math.floor(sent / SAMPLE))
  for (let n = 0; n < sent; n += step) await auditJob(redis, ticket(n), finished)
}

async function auditJob(redis, data, finished) {
  const jobId = jobIdOf(data)
  const job = await redis.hgetall(`${QUEUE}:${jobId}`)
  if (job.name === undefined && finished.includes(numberOf(jobId))) return
  expect(`the name of ${jobId}`, job.name, 'triage')
  expect(`the data of ${jobId}`, JSON.parse(job.data), data)
  expect(`the options of ${jobId}`, JSON.parse(job.opts), { ...OPTIONS, jobId })
}
