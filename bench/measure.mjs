// One round: an empty Redis, one side under load in a fresh process, and an audit of what it left behind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { ticket } from './tickets.mjs'

const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url))
const QUEUE = 'bull:ticket-triage'
const OWN_KEYS = ['wait', 'id', 'meta', 'events', 'marker'].map((name) => `${QUEUE}:${name}`)
const SAMPLE = 50
const OPTIONS = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 5000 },
  removeOnComplete: { age: 86400, count: 1000 },
  removeOnFail: { age: 604800 },
}

/** µs of CPU that the server process has used since it started, all its threads. */
async function redisCpu(redis) {
  const info = await redis.info('cpu')
  const seconds = (field) => Number(info.match(new RegExp(`^${field}:([\\d.]+)`, 'm'))[1])
  return 1e6 * (seconds('used_cpu_user') + seconds('used_cpu_sys'))
}

/** Throws unless Redis holds the `sent` first tickets as jobs, each once, and nothing else. */
async function audit(redis, sent) {
  const expect = (what, found, expected) => {
    if (!isDeepStrictEqual(found, expected)) {
      throw new Error(`audit: ${what} should be ${JSON.stringify(expected)} but is ${JSON.stringify(found)}`)
    }
  }
  expect('the length of the wait list', await redis.llen(`${QUEUE}:wait`), sent)
  expect('the id counter', Number(await redis.get(`${QUEUE}:id`)), sent)
  expect('the number of job hashes', (await redis.dbsize()) - (await redis.exists(...OWN_KEYS)), sent)
  for (let i = 0; i < Math.min(SAMPLE, sent); i++) {
    const n = sent <= SAMPLE ? i : Math.round((i * (sent - 1)) / (SAMPLE - 1))
    const data = ticket(n)
    const jobId = `ticket-triage:${data.tenantId}:${data.ticketId}`
    const job = await redis.hgetall(`${QUEUE}:${jobId}`)
    expect(`the name of ${jobId}`, job.name, 'triage')
    expect(`the data of ${jobId}`, JSON.parse(job.data), data)
    expect(`the options of ${jobId}`, JSON.parse(job.opts), { ...OPTIONS, jobId })
  }
}

/**
 * @param {{ side: string, callers: number, seconds: number, redis: import('ioredis').Redis, redisUrl: string, wrap: string[] }} round
 *   `wrap` is a program to start the load through (taskset …)
 * @returns the figures of the timed window, warm-up excluded
 */
export async function measure({ side, callers, seconds, redis, redisUrl, wrap }) {
  // SYNC, because Valkey empties a database in the background by default and would do it at the next round's cost.
  await redis.flushdb('SYNC')
  const argv = [...wrap, process.execPath, LOAD, JSON.stringify({ side, callers, seconds, redisUrl })]
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    timeout: 60_000 + 5_000 * seconds,
    killSignal: 'SIGKILL',
  })
  const failure = (how) => new Error(`the load process of ${side} at ${callers} callers ${how}`)
  // "close" comes after the last message has been delivered, "exit" may come before it.
  const ended = once(child, 'close').then(([code, signal]) => {
    if (code !== 0) throw failure(`ended with ${signal ?? `status ${code}`}`)
  })
  const early = ended.then(() => {
    throw failure('ended without its figures')
  })
  early.catch(() => {})
  const message = async () => (await Promise.race([once(child, 'message'), early]))[0]

  await message()
  const cpuBefore = await redisCpu(redis)
  child.send('go')
  const window = await message()
  const redisUs = (await redisCpu(redis)) - cpuBefore
  await ended
  await audit(redis, window.sent)

  const { jobs } = window
  return {
    jobs,
    throughput: (1000 * jobs) / window.elapsedMs,
    p50Ms: window.p50Ms,
    p99Ms: window.p99Ms,
    cpuUs: window.cpuUs / jobs,
    loopUs: window.loopUs / jobs,
    redisUs: redisUs / jobs,
    redisBusy: redisUs / (1000 * window.elapsedMs),
  }
}
