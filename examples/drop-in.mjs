// BullMQ's own queue.add through the boundary, with one line: `node examples/drop-in.mjs`, with REDIS_URL where Redis is not on
// this machine. Everything else is BullMQ as it was, the worker too.

import { createRedisBackend, Queue, setDefaultBackendFactory, Worker } from 'bullmq'
import { isEnqueueError } from 'enqueue-boundary'
import { boundaryBackend } from 'enqueue-boundary/bullmq'

const backend = boundaryBackend(createRedisBackend, { timeoutMs: 5000 })
setDefaultBackendFactory(backend)

const connection = { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }
const name = `drop-in-${process.pid}`
const queue = new Queue(name, { connection })

// A thousand callers share scripts, each with an answer of its own.
const greetings = Array.from({ length: 1000 }, (_, n) => queue.add('greet', { n }))
await Promise.all([
  ...greetings,
  queue.add('remind', { n: 1000 }, { delay: 50 }),
  queue.add('greet', { n: 1001 }, { priority: 1 }),
  queue.addBulk([{ name: 'greet', data: { n: 1002 } }]),
])
const again = await Promise.all([queue.add('once', {}, { jobId: 'mine' }), queue.add('once', {}, { jobId: 'mine' })])
console.log('the same id again:', again.map(({ id }) => id).join(', '))

let done = 0
const worker = new Worker(name, async () => {}, { connection, concurrency: 100 })
await new Promise((resolve) => {
  worker.on('completed', () => {
    done += 1
    if (done === 1004) resolve()
  })
})
console.log('jobs that a worker has done:', done)
await worker.close()

// Where Redis is away an add says so in time: BullMQ's would wait.
const away = new Queue(name, { connection: { port: 1 } }, boundaryBackend(createRedisBackend, { timeoutMs: 300 }))
away.on('error', () => {})
try {
  await away.add('greet', {})
} catch (error) {
  if (!isEnqueueError(error)) throw error
  console.log('with no Redis:', error.code, error.outcome)
}
await away.close()

console.log(JSON.stringify(backend.stats()))
await queue.obliterate({ force: true })
await queue.close()
