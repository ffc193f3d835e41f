// The shapes of load, by name. Each takes what to do and gives `run(duration, latencies)`, which fills `latencies` in ms, ends early
// when it is full, and resolves with how many there are.
import { performance } from 'node:perf_hooks'
import { now, openLoop } from './ticks.mjs'

const storage = { createPending: async () => {}, createPendingMany: async () => {} }

/**
 * Each caller makes its next call when the last one is answered. When the side or Redis stalls, the callers stall with
 * it, so the calls that would have met the stall are never made and p99 looks better than an open stream of requests
 * would see it (coordinated omission). All sides are flattered alike; use the figures as ratios.
 */
function closed({ callers }, { enqueue }, nextInput) {
  return async (duration, latencies) => {
    const end = performance.now() + duration
    let begun = 0
    async function caller() {
      for (;;) {
        const start = performance.now()
        if (start >= end || begun === latencies.length) return
        const n = begun++
        await enqueue(nextInput(), storage)
        latencies[n] = performance.now() - start
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return begun
  }
}

/** Many inputs at once, `by` the one or the other way that a side has for it, and the next when those are answered. */
function bulk({ size, by }, { [by]: enqueueAll }, nextInput) {
  return async (duration, latencies) => {
    const end = performance.now() + duration
    let done = 0
    while (performance.now() < end && done < latencies.length) {
      const inputs = Array.from({ length: size }, nextInput)
      const start = performance.now()
      const outcomes = await enqueueAll(inputs, storage)
      if (outcomes.length !== size) throw new Error(`${outcomes.length} outcomes of ${size} inputs`)
      latencies[done++] = performance.now() - start
    }
    return done
  }
}

/** Calls at a fixed rate, whether or not those before are answered. Latency counts from when a call was due. */
function open({ rate }, { enqueue }, nextInput) {
  return async (duration, latencies) => {
    let begun = 0
    await openLoop(rate, Math.min(duration, (1000 * latencies.length) / rate), async (due) => {
      const n = begun++
      await enqueue(nextInput(), storage)
      latencies[n] = now() - due
    })
    return begun
  }
}

export const LOOPS = { closed, bulk, open }
