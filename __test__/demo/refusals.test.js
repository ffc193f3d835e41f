'use strict'
// The ways in which `npm run demo` must say no.
const { Worker } = require('bullmq')
const { keysOf, runDemo, startDemo } = require('../support/demo.js')
const { freePort, useDatabase } = require('../support/redis.js')

const database = useDatabase()

describe('a run that cannot go well', () => {
  test('without a Redis at REDIS_URL it says so and ends with status 1', async () => {
    const port = await freePort()
    const { code, output } = await runDemo([], { REDIS_URL: `redis://:secret@127.0.0.1:${port}` })
    expect(output).toContain(`No Redis answers at 127.0.0.1:${port}: connect ECONNREFUSED`)
    expect(output).not.toContain('secret')
    expect(code).toBe(1)
  })

  test('without a PostgreSQL at DATABASE_URL it says so and ends with status 1', async () => {
    const port = await freePort()
    const { code, output } = await runDemo([], { DATABASE_URL: `postgres://u:secret@127.0.0.1:${port}/x` })
    expect(output).toContain(`No PostgreSQL answers at 127.0.0.1:${port}: connect ECONNREFUSED`)
    expect(output).not.toContain('secret')
    expect(code).toBe(1)
  })

  /** The last line of a run one of whose workers is stopped from the start. */
  async function runWithoutWorker(pipeline, args, meanwhile = async () => {}) {
    const demo = startDemo(args, { REDIS_URL: database.url })
    const [, pid] = await demo.line(new RegExp(`^workers .*process (\\d+) \\(${pipeline}\\)`, 'm'))
    process.kill(Number(pid), 'SIGSTOP')
    await meanwhile()
    expect(await demo.end).toBe(1)
    return demo.output.trim().split('\n').at(-1)
  }

  test('jobs that another worker took without marking their records are noticed', async () => {
    const rogue = new Worker('ticket-triage', async () => {}, { connection: database.connection, autorun: false })
    const complaint = await runWithoutWorker('tickets', [], async () => void rogue.run())
    await rogue.close()
    expect(complaint).toMatch(
      /^It does not add up: queued tickets whose record is not done: \d+, such as "ticket-triage:/,
    )
  })

  test('a worker that stands still is given up at the deadline, and the queues are removed all the same', async () => {
    const complaint = await runWithoutWorker('tickets', ['--deadline', '1'])
    expect(complaint).toMatch(/^It does not add up: queued jobs that BullMQ did not complete: \d+, such as/)
    expect(await keysOf(database.redis)).toEqual([])
  })

  test('invoices that nobody exports are noticed, and what was answered otherwise than it should have been', async () => {
    const complaint = await runWithoutWorker('invoices', ['--deadline', '1'])
    expect(complaint).toMatch(/^It does not add up: I-1, the same again: waiting instead of completed; /)
    expect(complaint).toContain('jobs that BullMQ did not complete: 471, such as "invoice-export:acme:')
    expect(complaint).toContain('records done: 0 of 471')
    expect(await keysOf(database.redis)).toEqual([])
  })
})
