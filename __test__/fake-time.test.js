'use strict'
// In a test that fakes time, from before the package is loaded: calls are settled, deadlines hold, and a job has the time
// that it is.
const { execFile } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { runChild } = require('./support/child.js')
const { useFaults } = require('./support/faults.js')
const { useDatabase } = require('./support/redis.js')

const database = useDatabase()
const on = useFaults()
const boundary = JSON.stringify(require.resolve('..'))

/** The end of one call of each kind, and of the pipeline. */
const CALLS = `
async function calls({ Pipeline, ticketTriageDefinition, enqueueTicketTriage }) {
  const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
  const storage = { createPending: async () => {} }
  const never = { createPending: () => new Promise(() => {}) }
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL })
  const end = (promise) => promise.then(({ status }) => status, ({ code }) => code)
  const ends = []
  ends.push(await end(enqueueTicketTriage(ticket('faked'), storage)))
  ends.push(await end(pipeline.enqueue(ticket('late'), never, { timeoutMs: 20 })))
  ends.push(await end(pipeline.enqueue(ticket('undecided'), storage, { timeoutMs: 20, authorize: () => new Promise(() => {}) })))
  ends.push(await end(pipeline.enqueue({}, storage)))
  // More than are taken in one go.
  const many = await Promise.all(Array.from({ length: 1000 }, (_, i) => end(pipeline.enqueue(ticket('many' + i), storage))))
  const hanging = Array.from({ length: 1000 }, (_, i) => end(pipeline.enqueue(ticket('hangs' + i), never, { timeoutMs: 30 })))
  await pipeline.close()
  ends.push([...new Set(many)].join(), [...new Set(await Promise.all(hanging))].join())
  ends.push(await end(pipeline.enqueue(ticket('closed'), storage)))
  return ends.join(' ')
}`
const ENDS = 'queued STORAGE_TIMEOUT AUTHORIZE_TIMEOUT INVALID_INPUT queued STORAGE_TIMEOUT CLOSED'

/** Writes down what the child has shown to be so. */
async function record(done) {
  const fault = on.fault({ row: 38, fault: 'faked time', done })
  const ended = (code, outcome, ids) =>
    fault.add(ids.map((id) => ({ jobId: `ticket-triage:child:${id}`, code, outcome })))
  const thousand = (name) => Array.from({ length: 1000 }, (_, at) => `${name}${at}`)
  ended('queued', 'queued', ['faked', ...thousand('many')])
  ended('STORAGE_TIMEOUT', 'refused', ['late', ...thousand('hangs')])
  ended('AUTHORIZE_TIMEOUT', 'refused', ['undecided'])
  await fault.ends(database.redis)
}

/** The job that the child made has the time of the world in which nothing is faked. */
async function expectRealTimestamp(before) {
  const timestamp = Number(await database.redis.hget('bull:ticket-triage:ticket-triage:child:faked', 'timestamp'))
  expect(timestamp).toBeGreaterThanOrEqual(before)
  expect(timestamp).toBeLessThanOrEqual(Date.now())
}

beforeEach(() => database.redis.flushdb())

test.each([
  ['its fake timers', { enableGlobally: true, now: 1000 }],
  ['its legacy fake timers', { enableGlobally: true, legacyFakeTimers: true }],
])('jest, with %s enabled for all tests', async (which, fakeTimers) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-fake-'))
  const before = Date.now()
  try {
    writeFileSync(
      path.join(dir, 'faked.test.js'),
      `${CALLS}
      test('calls', async () => {
        expect(setTimeout.clock !== undefined || setTimeout._isMockFunction).toBe(true)
        expect(await calls(require(${boundary}))).toBe(${JSON.stringify(ENDS)})
      })`,
    )
    const config = JSON.stringify({ fakeTimers, testTimeout: 240_000 })
    const args = [require.resolve('jest/bin/jest'), '--rootDir', dir, '--config', config, '--forceExit']
    const { code, stderr } = await new Promise((resolve) => {
      execFile(process.execPath, args, { env: process.env, timeout: 280_000 }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })
    expect(stderr).toContain('1 passed')
    expect(code).toBe(0)
  } finally {
    rmSync(dir, { recursive: true })
  }
  await expectRealTimestamp(before)
  await record(`jest, with ${which}, loaded after they are`)
})

test('what vitest and jest fake time with, where it fakes all it can, of node:timers too', async () => {
  const before = Date.now()
  const child = await runChild(
    `${CALLS}
    const { install, timers } = require(${JSON.stringify(require.resolve('@sinonjs/fake-timers'))})
    const { port1: hold } = new MessageChannel()
    hold.ref()
    install({ now: 1000, toFake: Object.keys(timers) })
    const faked = [process.nextTick, setImmediate, require('node:timers').setImmediate].every((it) => it.clock)
    calls(require(${boundary})).then((ends) => {
      process._rawDebug(ends, faked, Date.now())
      hold.close()
    })`,
    { bare: true },
  )
  expect(child).toMatchObject({ code: 0, stderr: `${ENDS} true 1000\n` })
  await expectRealTimestamp(before)
  await record('all that sinon can fake, of `node:timers` too, loaded after it is')
})
