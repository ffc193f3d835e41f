// The beat of an open loop, which clock.mjs sends to this process's standard input: a timer of Node's is too coarse, and
// watching the clock in a loop would be work of the process under test. Reading it costs two hundredths of a core.
import net from 'node:net'
import { performance } from 'node:perf_hooks'

export const TICK_MS = 0.5

const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds on the monotonic clock, which all processes of a machine share. */
export const now = () => origin + performance.now()

const listeners = new Set()
let input

/**
 * Calls `send(due)` for each of the calls that fall due in `duration` ms at `rate` a second, whatever became of those
 * before it. Calls fall due in groups, one a tick. `due` is when that was to be: count latency from there, and a stall
 * is felt by each call that met it (no coordinated omission).
 * @returns a promise for the end of all of them, rejected when one is
 */
export function openLoop(rate, duration, send) {
  const first = Math.ceil(now() / TICK_MS) + 1
  const ticks = Math.floor(duration / TICK_MS)
  let tick = 0
  let sent = 0
  // Counted, not kept in an array: what lives as long as the loop makes the garbage collector stop it.
  let answered = 0
  return new Promise((resolve, reject) => {
    const onAnswer = () => {
      answered++
      endIfDone()
    }
    const endIfDone = () => {
      if (tick === ticks && answered === sent) resolve()
    }
    const onTick = () => {
      const present = Math.floor(now() / TICK_MS) - first
      for (; tick <= present && tick < ticks; tick++) {
        const dueByNow = Math.floor(((tick + 1) * TICK_MS * rate) / 1000)
        for (; sent < dueByNow; sent++) send((first + tick) * TICK_MS).then(onAnswer, reject)
      }
      if (tick < ticks) return
      listeners.delete(onTick)
      endIfDone()
    }
    listeners.add(onTick)
    input ??= listen()
  })
}

function listen() {
  const buffer = Buffer.alloc(4096)
  const callback = () => {
    for (const listener of listeners) listener()
    return true
  }
  return new net.Socket({ fd: 0, readable: true, writable: false, onread: { buffer, callback } })
}

/** Ends the beat, which would hold the process. */
export function silence() {
  input?.destroy()
}
