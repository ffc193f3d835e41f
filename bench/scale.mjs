// What one job costs Redis on its way in and on its way through a worker: the constants of docs/scale.md.
//   node bench/scale.mjs
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { median } from '../tools/count.js'
import { pinning } from './environment.mjs'
import { tickets } from './pipelines/tickets.mjs'
import { startRedis } from './redis.mjs'

const JOBS = 100_000
const CALLERS = 1000
const CONCURRENCY = 100
const ROUNDS = 3
const SIDES = ['ours', 'bullmq6']
const ticket = tickets.inputs()
const storage = { createPending: async () => {} }

/** What the server has used up so far. */
async function meter(redis) {
  const info = await redis.info('all')
  const number = (field) => Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)[1])
  return {
    cpuUs: 1e6 * (number('used_cpu_user') + number('used_cpu_sys')),
    bytesIn: number('total_net_input_bytes'),
    bytesOut: number('total_net_output_bytes'),
    memory: number('used_memory'),
  }
}

/** What `work` used up, by the job. */
async function spent(redis, work) {
  const before = await meter(redis)
  await work()
  const after = await meter(redis)
  return Object.fromEntries(Object.keys(before).map((key) => [key, (after[key] - before[key]) / JOBS]))
}

async function addAll(enqueue) {
  let next = 0
  const caller = async () => {
    while (next < JOBS) await enqueue(ticket(next++), storage)
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
}

async function finishAll(url) {
  let left = JOBS
  const worker = new Worker(tickets.queueName, async () => {}, { connection: { url }, concurrency: CONCURRENCY })
  await new Promise((resolve, reject) => {
    worker.on('completed', () => --left === 0 && resolve())
    worker.on('error', reject)
  })
  await worker.close()
}

const server = await startRedis(pinning(true).redis)
const redis = new Redis(server.url)
const rounds = {}
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of SIDES) {
      await redis.flushdb('SYNC')
      const { enqueue, close } = await (await import(`./sides/${side}.mjs`)).open(server.url, {
        pipeline: 'tickets',
        job: 'plain',
      })
      // So that neither connecting nor loading a script is counted.
      await enqueue(ticket(JOBS), storage)
      const added = await spent(redis, () => addAll(enqueue))
      const finished = await spent(redis, () => finishAll(server.url))
      await close()
      for (const [what, cost] of Object.entries({
        [`added by ${side}`]: added,
        [`finished, added by ${side}`]: finished,
      })) {
        rounds[what] ??= []
        rounds[what].push(cost)
      }
    }
  }
} finally {
  redis.disconnect()
  await server.stop()
}

console.log(`a job, median of ${ROUNDS} rounds of ${JOBS} jobs`.padEnd(48), 'CPU, µs   bytes in  bytes out  memory')
for (const [what, costs] of Object.entries(rounds)) {
  const of = (key, digits) => median(costs.map((cost) => cost[key])).toFixed(digits)
  console.log(
    what.padEnd(48),
    of('cpuUs', 2).padStart(7),
    of('bytesIn', 0).padStart(10),
    of('bytesOut', 0).padStart(10),
    of('memory', 0).padStart(7),
  )
}
