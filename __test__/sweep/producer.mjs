// Enqueues until it is killed. Says of each record that it is made; some calls never come further than that.
import { pipeline, records } from './pipeline.mjs'

const CALLERS = 4
const HELD = 8
const run = `${process.pid}`

const storage = {
  async createPending(record) {
    await records.createPending(record)
    const isHeld = Number(record.no) % HELD === 0
    console.log(`${isHeld ? 'held' : 'made'} ${record.jobId}`)
    if (isHeld) await new Promise(() => {})
  },
}

let last = 0
async function callOn() {
  for (;;) {
    last += 1
    const call = pipeline.enqueue({ run, no: `${last}`, text: `"${last}" of ${run}` }, storage)
    const isHeld = last % HELD === 0
    if (isHeld) call.catch(() => {})
    else await call
  }
}
for (let caller = 0; caller < CALLERS; caller++) callOn()
