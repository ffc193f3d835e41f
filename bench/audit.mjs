// What a round left in Redis, against what was sent.
import { isDeepStrictEqual } from 'node:util'
import { OUTCOMES } from './outcomes.mjs'
import { numberOf, PIPELINES } from './pipelines/index.mjs'
import { JOBS } from './pipelines/jobs.mjs'

/** The keys of a queue that are no job's. */
const OWN_KEYS = [
  ...['wait', 'delayed', 'prioritized', 'completed', 'stalled-check'],
  ...['id', 'pc', 'meta', 'events', 'marker'],
]
const SAMPLE = 50
const PAGE = 10_000

function expect(what, found, expected) {
  if (isDeepStrictEqual(found, expected)) return
  throw new Error(`audit: ${what} should be ${JSON.stringify(expected)} but is ${JSON.stringify(found)}`)
}

/** Reads a part of what holds the ids of jobs that no worker took, which is a list or a sorted set. */
const reader = (redis, queue, list) => (from, to) =>
  redis[list === 'wait' ? 'lrange' : 'zrange'](`${queue}:${list}`, from, to)

/** All the ids, a page at a time. */
async function* pages(read) {
  for (let start = 0; ; start += PAGE) {
    const ids = await read(start, start + PAGE - 1)
    yield ids
    if (ids.length < PAGE) return
  }
}

/**
 * Throws unless each of the first inputs that were to have a job is one, waiting or among the `finished`, and Redis holds no other.
 * @param {{ pipeline: string, tenants?: number, job: string, outcome: string, calls: number, bytes: number, finished: number[] }} round
 *   which pipeline and kind of job, of how many tenants, how many calls and what they come to, the size of inputs as the pipeline
 *   counts it, and the numbers of those that a worker finished
 */
export async function audit(redis, { pipeline, tenants, job, outcome, calls, bytes, finished }) {
  const sent = OUTCOMES[outcome].jobs(calls)
  const made = { ...PIPELINES[pipeline], ...JOBS[job] }
  const queue = `bull:${made.queueName}`
  const input = made.inputs(bytes, tenants)
  const read = reader(redis, queue, made.list)
  const seen = new Uint8Array(sent)
  for (const n of finished) seen[n]++
  for await (const ids of pages(read)) {
    for (const id of ids) {
      const n = numberOf(id)
      expect('the id of a waiting job', id, n < sent ? made.jobIdOf(input(n)) : 'that of an input that was sent')
      seen[n]++
    }
  }
  const wrong = seen.findIndex((times) => times !== 1)
  if (wrong !== -1) expect(`the number of jobs of input ${wrong}`, seen[wrong], 1)
  if (finished.length === 0 && sent > 0) await auditOrder(read, made)

  // Jobs that are there already are counted too.
  expect('the id counter', Number(await redis.get(`${queue}:id`)), sent > 0 ? calls : 0)
  // Of the finished ones BullMQ keeps the last 1000.
  const kept = await redis.zcard(`${queue}:completed`)
  // What a quota keeps is gone by itself in a while.
  const ofQuotas = (await redis.keys(`${queue}:quota:*`)).length
  const keys = (await redis.dbsize()) - ofQuotas - (await redis.exists(...OWN_KEYS.map((key) => `${queue}:${key}`)))
  expect('the number of keys of jobs', keys, (sent - finished.length + kept) * (made.beside ? 2 : 1))
  const step = Math.max(1, Math.floor(sent / SAMPLE))
  for (let n = 0; n < sent; n += step) await auditJob(redis, queue, made, input(n), finished)
}

/** Calls are answered about in turn: the first and the last of them are at the ends. */
async function auditOrder(read, { newest }) {
  const [[first], [last]] = await Promise.all([read(0, 0), read(-1, -1)])
  expect('the end where the newest are', numberOf(first) > numberOf(last) ? 'first' : 'last', newest)
}

async function auditJob(redis, queue, made, data, finished) {
  const jobId = made.jobIdOf(data)
  const { name, data: json, opts, ...fields } = await redis.hgetall(`${queue}:${jobId}`)
  if (name === undefined && finished.includes(numberOf(jobId))) return
  expect(`the name of ${jobId}`, name, made.jobName)
  expect(`the data of ${jobId}`, json, JSON.stringify(data))
  expect(`the options of ${jobId}`, JSON.parse(opts), { ...made.jobOptions, ...made.stored(data), jobId })
  for (const [field, value] of Object.entries(made.fields(data))) expect(`${field} of ${jobId}`, fields[field], value)
  if (made.list === 'delayed') await auditDelay(redis, queue, jobId, fields)
  if (made.beside) expect(`what is beside ${jobId}`, await redis.get(`${queue}:${made.beside(data)}`), jobId)
}

/** BullMQ keeps when a job is due in the upper bits of its score, and the turns of one millisecond in the twelve below. */
async function auditDelay(redis, queue, jobId, { timestamp, delay }) {
  const score = Number(await redis.zscore(`${queue}:delayed`, jobId))
  expect(`when ${jobId} is due`, Math.floor(score / 2 ** 12), Number(timestamp) + Number(delay))
}
