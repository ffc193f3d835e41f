// What a round left in Redis, against what was sent.
import { isDeepStrictEqual } from 'node:util'
import { numberOf, PIPELINES } from './pipelines/index.mjs'

/** The keys of a queue that are not jobs. */
const OWN_KEYS = ['wait', 'id', 'meta', 'events', 'marker', 'completed', 'stalled-check']
const SAMPLE = 50
const PAGE = 10_000

function expect(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) return
  throw new Error(`audit: ${what} should be ${JSON.stringify(expected)} but is ${JSON.stringify(found)}`)
}

/** The ids of the waiting jobs, a page at a time. */
async function* waiting(redis, queue) {
  for (let start = 0; ; start += PAGE) {
    const ids = await redis.lrange(`${queue}:wait`, start, start + PAGE - 1)
    yield ids
    if (ids.length < PAGE) return
  }
}

/**
 * Throws unless each of the `sent` first inputs is one job, waiting or among the `finished`, and Redis holds no other.
 * @param {{ pipeline: string, sent: number, bytes: number, finished: number[] }} round which pipeline, how many inputs, their
 *   size as the pipeline counts it, and the numbers of those that a worker finished
 */
export async function audit(redis, { pipeline, sent, bytes, finished }) {
  const made = PIPELINES[pipeline]
  const queue = `bull:${made.queueName}`
  const input = made.inputs(bytes)
  const seen = new Uint8Array(sent)
  for (const n of finished) seen[n]++
  for await (const ids of waiting(redis, queue)) {
    for (const id of ids) {
      const n = numberOf(id)
      expect('the id of a waiting job', id, n < sent ? made.jobIdOf(input(n)) : 'that of an input that was sent')
      seen[n]++
    }
  }
  const wrong = seen.findIndex((times) => times !== 1)
  if (wrong !== -1) expect(`the number of jobs of input ${wrong}`, seen[wrong], 1)

  expect('the id counter', Number(await redis.get(`${queue}:id`)), sent)
  // Of the finished ones BullMQ keeps the last 1000.
  const kept = await redis.zcard(`${queue}:completed`)
  const hashes = (await redis.dbsize()) - (await redis.exists(...OWN_KEYS.map((key) => `${queue}:${key}`)))
  expect('the number of job hashes', hashes, sent - finished.length + kept)
  const step = Math.max(1, Math.floor(sent / SAMPLE))
  for (let n = 0; n < sent; n += step) await auditJob(redis, queue, made, input(n), finished)
}

async function auditJob(redis, queue, { jobName, jobIdOf, jobOptions }, data, finished) {
  const jobId = jobIdOf(data)
  const job = await redis.hgetall(`${queue}:${jobId}`)
  if (job.name === undefined && finished.includes(numberOf(jobId))) return
  expect(`the name of ${jobId}`, job.name, jobName)
  expect(`the data of ${jobId}`, job.data, JSON.stringify(data))
  expect(`the options of ${jobId}`, JSON.parse(job.opts), { ...jobOptions, jobId })
}
