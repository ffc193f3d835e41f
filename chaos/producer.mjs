// One of the processes that enqueue. It keeps a number of calls in flight, as many in all as it is granted, and writes
// down what each came to: id, outcome, code, whose word it waits for, when it settled, how late, and how much of that was
// not spent in a process that stood still.
import { closeSync, openSync, writeSync } from 'node:fs'
import boundary from '../index.js'
import { stallWatch } from './stalls.mjs'
import { calls } from './tickets.mjs'

const { Pipeline, isEnqueueError, ticketTriageDefinition } = boundary
const { seed, number, connection, durability, width, file } = JSON.parse(process.argv[2])

/** A call that is not settled this long after the last one was never will be. */
const STUCK_MS = 10_000

const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, durability })
const source = calls({ seed, number })
const stalls = stallWatch()
const log = openSync(file, 'w')
let lines = []

let granted = 0
let final = false
let quiet = false
let started = 0
let settled = 0
let queued = 0
let lastSettled = performance.now()
let pumping = false

function pump() {
  pumping = false
  while (!quiet && started - settled < width && started < granted) {
    started += 1
    one(source.next())
  }
  if (final && settled === granted) end(pipeline.close())
}

async function one(call) {
  const failure = new Error('the storage failed')
  const records = []
  const createPending = ({ jobId }) => {
    records.push(jobId)
    return call.createPending(failure, call.timeoutMs)
  }
  const deadline = performance.now() + call.timeoutMs
  let outcome = 'queued'
  let code = 'queued'
  try {
    const { timeoutMs, jobOptions } = call
    const result = await pipeline.enqueue(call.input, { createPending }, { timeoutMs, jobOptions })
    const { jobId, status, created, existing } = result
    code = created ? 'created' : 'existing'
    const told = created ? existing === undefined : existing?.sameData === true
    if (jobId !== `ticket-triage:${call.id}` || status !== 'queued' || !told) code = `odd: ${JSON.stringify(result)}`
    queued += 1
  } catch (error) {
    // A job whose record failed is never enqueued, and its caller gets the very thing that was thrown.
    outcome = isEnqueueError(error) ? error.outcome : 'refused'
    code = isEnqueueError(error) ? error.code : error === failure ? 'the storage failed' : `odd: ${error}`
    if (error.retryable) source.retry(call)
  }
  const now = performance.now()
  const expected = call.valid ? `ticket-triage:${call.id}` : ''
  if (records.join() !== expected) code = `odd: recorded ${records.join()}, ${code}`
  const late = Math.max(0, now - deadline)
  const unexcused = late > 0 ? Math.max(0, late - stalls.between(deadline, now)) : 0
  write([call.id, outcome, code, durability, Date.now(), late.toFixed(0), unexcused.toFixed(0)])
  settled += 1
  lastSettled = now
  // Calls that are answered at once must not keep the process from everything else.
  if (!pumping) setImmediate(pump)
  pumping = true
}

function write(fields) {
  lines.push(fields.join('\t'))
  if (lines.length >= 1000) flush()
}

function flush() {
  if (lines.length > 0) writeSync(log, `${lines.join('\n')}\n`)
  lines = []
}

async function end(closed) {
  final = false
  await closed
  flush()
  closeSync(log)
  process.send({ started, settled, queued, ended: true }, () => process.exit())
}

setInterval(() => {
  process.send({ started, settled, queued })
  if (final && performance.now() - lastSettled > STUCK_MS) end()
}, 20)
process.on('message', (told) => {
  ;({ quiet } = told)
  if ('granted' in told) ({ granted, final, bulky: source.bulky } = told)
  pump()
})
process.once('disconnect', () => process.exit())
