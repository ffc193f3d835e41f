// One side under load, in a process of its own, so that CPU and event-loop figures are that side's and nobody else's.
// Started by measure.mjs, which it talks to over the IPC channel: "warm" → "go" → the figures.
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { ticket } from './tickets.mjs'

// Room for one latency a job. A window that fills it ends early, and its figures stay right.
const MOST_JOBS_A_SECOND = 500_000

// A load whose bench has gone must not go on alone: BullMQ would wait for its Redis for ever.
const abandoned = () => process.exit(1)
process.once('disconnect', abandoned)

const { side, callers, seconds, redisUrl } = JSON.parse(process.argv[2])
const { open } = await import(`./sides/${side}.mjs`)
const { enqueue, close } = await open(redisUrl)

const storage = { createPending: async () => {} }
let sent = 0

/**
 * Closed loop: each caller makes its next call when the last one is answered. When the side or Redis stalls, the callers
 * stall with it, so the calls that would have met the stall are never made and p99 looks better than an open stream
 * of requests would see it (coordinated omission). Both sides are flattered alike; use the figures as ratios.
 */
async function load(duration, latencies) {
  const first = sent
  const end = performance.now() + duration
  const last = first + latencies.length
  async function caller() {
    for (;;) {
      const start = performance.now()
      if (start >= end || sent === last) return
      const n = sent++
      await enqueue(ticket(n), storage)
      latencies[n - first] = performance.now() - start
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return sent - first
}

const room = Math.ceil(seconds * MOST_JOBS_A_SECOND)
const latencies = new Float64Array(room)
await load(Math.min(1000, seconds * 1000), new Float64Array(room))

process.send('warm')
await once(process, 'message')

const cpuBefore = process.cpuUsage()
const loopBefore = performance.eventLoopUtilization()
const begun = performance.now()
const jobs = await load(seconds * 1000, latencies)
const elapsed = performance.now() - begun
const loop = performance.eventLoopUtilization(loopBefore)
const cpu = process.cpuUsage(cpuBefore)

const sorted = latencies.subarray(0, jobs).sort()
const percentile = (p) => sorted[Math.min(jobs - 1, Math.floor(jobs * p))]
process.send({
  sent,
  jobs,
  elapsedMs: elapsed,
  p50Ms: percentile(0.5),
  p99Ms: percentile(0.99),
  cpuUs: cpu.user + cpu.system,
  loopUs: loop.active * 1000,
})
await close()
process.off('disconnect', abandoned)
process.disconnect()
