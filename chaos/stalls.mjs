// When this process did not get to run: on a busy machine a call is seen to settle late because nobody looked.

const TICK_MS = 10
const STALL_MS = 2 * TICK_MS
/** More than enough to look back over one deadline. */
const KEPT = 1000

export function stallWatch() {
  const stalls = []
  let last = performance.now()
  setInterval(() => {
    const now = performance.now()
    if (now - last > STALL_MS) stalls.push([last, now])
    if (stalls.length > KEPT) stalls.shift()
    last = now
  }, TICK_MS)
  return {
    /** How much of the time from `start` to `end`, which is now, the event loop stood still. */
    between(start, end) {
      const all = end - last > STALL_MS ? [...stalls, [last, end]] : stalls
      return all.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)), 0)
    },
  }
}
