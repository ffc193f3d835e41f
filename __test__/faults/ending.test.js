'use strict'
// The end of a pipeline, a process or a thread with calls in flight.
const { runChild } = require('../support/child.js')
const { expectAll, useFaults } = require('../support/faults.js')

const on = useFaults()
const row = 23

describe('close()', () => {
  test('takes no more calls, and resolves once those in flight are settled', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: '`close()`', done: 'amid 1,000 calls, and once more', pipeline })
    const calls = fault.burst(1000)
    const closing = pipeline.close()
    expect(await fault.call()).toMatchObject({ code: 'CLOSED', outcome: 'refused', error: { status: 503 } })
    await closing
    expect(pipeline.stats().inFlight).toBe(0)
    expectAll(await calls, { code: 'queued' })
    await pipeline.close()
    expect(await fault.call()).toMatchObject({ code: 'CLOSED' })
    await fault.ends(on.client(server.url))
  })

  test('waits for the calls of a server that does not answer to their deadline, and no longer', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: '`close()`, no answer', done: 'the server stopped, then closed', pipeline })
    await fault.call()
    server.freeze()
    const calls = fault.burst(100, { timeoutMs: 300 })
    await Promise.all([pipeline.close(), pipeline.close()])
    for (const { code } of await calls) expect(['OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE']).toContain(code)
    server.thaw()
    await fault.ends(on.client(server.url))
  })

  test('of a pipeline that never had a call resolves', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row, fault: '`close()`, unused', done: 'before the first call', pipeline })
    await pipeline.close()
    expect(await fault.call()).toMatchObject({ code: 'CLOSED' })
    await fault.ends(on.client(server.url))
  })
})

describe('a process that ends', () => {
  // Every id on its way in, every answer on its way out, written at once so that no exit loses a line.
  const REPORT = `
    const { writeSync } = require('node:fs')
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL })
    const say = (line) => writeSync(1, JSON.stringify(line) + '\\n')
    let last = 0
    const call = async (options) => {
      const next = ticket('end' + ++last)
      const jobId = 'ticket-triage:child:' + next.ticketId
      say({ jobId })
      const outcome = await pipeline.enqueue(next, storage, options).then(
        () => ({ outcome: 'queued', code: 'queued' }),
        ({ outcome, code }) => ({ outcome, code }),
      )
      say({ jobId, ...outcome })
    }
    const burst = (count, options) => Promise.all(Array.from({ length: count }, () => call(options)))
    const load = async () => {
      while (last < 50_000) await burst(50)
    };`

  /** The last word on each id: what was answered, or that nothing was. */
  function outcomesOf({ stdout }) {
    const last = new Map()
    for (const line of stdout.trim().split('\n')) {
      const { jobId, outcome = 'unknown', code = 'ended' } = JSON.parse(line)
      last.set(jobId, { jobId, outcome, code })
    }
    return [...last.values()]
  }

  const endings = [
    {
      fault: 'SIGTERM',
      done: 'sent amid a load; the process stops taking calls and closes',
      program: `
        let stopping = false
        process.once('SIGTERM', async () => {
          stopping = true
          await pipeline.close()
          clearInterval(hold)
        })
        const hold = setInterval(() => {}, 1000)
        const serve = () => call().then(() => stopping || serve())
        for (let n = 0; n < 100; n++) serve()`,
      code: 0,
      codes: ['queued'],
    },
    { fault: '`process.exit`', done: 'amid a load', program: `load(); burst(50).then(() => process.exit(7))`, code: 7 },
    { fault: '`process.exit` at once', done: 'after 500 calls', program: `burst(500); process.exit(7)`, code: 7 },
    {
      fault: '`process.exit` soon',
      done: 'a turn after 500 calls',
      program: `burst(500); setImmediate(() => process.exit(7))`,
      code: 7,
    },
    {
      fault: '`process.exit` amid answers',
      done: 'at the first answer of 500',
      program: `call().then(() => process.exit(7)); burst(499)`,
      code: 7,
    },
    {
      fault: 'nothing left to do',
      done: '2,000 calls that nobody awaits',
      program: `burst(2000)`,
      code: 0,
      codes: ['queued'],
    },
    {
      fault: 'a thread terminated',
      done: 'amid its load, 8 times; the main thread goes on',
      program: `
        const { Worker } = require('node:worker_threads')
        const round = (n) => \`
          const { parentPort } = require('node:worker_threads')
          const { enqueueTicketTriage } = require(${JSON.stringify(require.resolve('../..'))})
          const storage = { createPending() {} }
          const next = (i) => enqueueTicketTriage({ tenantId: 'w\${n}', ticketId: 't' + i, summary: 's' }, storage).then(() => next(i + 1))
          for (let i = 0; i < 100; i++) next(i * 1e6)
          parentPort.postMessage('up')\`
        ;(async () => {
          for (let n = 0; n < 8; n++) {
            const worker = new Worker(round(n), { eval: true })
            await new Promise((resolve) => worker.once('message', resolve))
            if (n % 2) await burst(10)
            await worker.terminate()
          }
          await burst(10)
        })()`,
      code: 0,
      codes: ['queued'],
    },
  ]

  test.each(endings)('has the jobs of all that it answered: $fault', async ({ fault, done, program, code, codes }) => {
    const server = await on.server()
    const run = on.fault({ row, fault, done })
    let answers = 0
    const child = await runChild(REPORT + program, {
      env: on.environment(server),
      onLine(line, running) {
        if (fault === 'SIGTERM' && line.includes('queued') && ++answers === 500) running.kill('SIGTERM')
      },
    })
    expect(child).toMatchObject({ code, signal: null, stderr: '' })
    const outcomes = outcomesOf(child)
    if (codes) expect([...new Set(outcomes.map((outcome) => outcome.code))]).toEqual(codes)
    run.add(outcomes)
    await run.ends(on.client(server.url))
  })

  test('while Redis does not answer is held by its calls to their deadline, and ends with status 0', async () => {
    const server = await on.server()
    server.freeze()
    const run = on.fault({ row, fault: 'nothing left to do, no answer', done: 'the server stopped, 300 ms a call' })
    const child = await runChild(`${REPORT} burst(100, { timeoutMs: 300 })`, { env: on.environment(server) })
    expect(child).toMatchObject({ code: 0, signal: null, stderr: '' })
    server.thaw()
    const outcomes = outcomesOf(child)
    expect(outcomes).toHaveLength(100)
    expectAll(outcomes, { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    run.add(outcomes)
    await run.ends(on.client(server.url))
  })
})
