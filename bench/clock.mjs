// Writes one byte to standard output at each tick of the machine's monotonic clock, until nobody reads it.
import { writeSync } from 'node:fs'
import { now, TICK_MS } from './ticks.mjs'

const beat = Buffer.alloc(1)
const never = new Int32Array(new SharedArrayBuffer(4))

for (;;) {
  const present = now()
  // Sleeps for a part of a millisecond, which timers can't.
  Atomics.wait(never, 0, 0, (Math.floor(present / TICK_MS) + 1) * TICK_MS - present)
  try {
    writeSync(1, beat)
  } catch (error) {
    if (error.code === 'EPIPE') break
    // A reader that is busy has unread ticks already.
    if (error.code !== 'EAGAIN') throw error
  }
}
