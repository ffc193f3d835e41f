'use strict'
// Many processes, threads and copies of the package against one queue, and two that race for the same ids.
const { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { hostTarget } = require('../../lib/binary/target.js')
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { jobId } = require('../support/tickets.js')

const root = path.join(__dirname, '../..')

/**
 * What each program begins with: `report` writes what came of each call as a line of JSON, to a file of each process, as
 * what several write to one pipe can get mixed up. A program forks itself by handing its arguments on, the program among
 * them; the file that has to be named is empty.
 */
const REPORT = `
  const write = (outcome) =>
    require('node:fs').appendFileSync(process.env.REPORTS + '/' + process.pid, JSON.stringify(outcome) + '\\n')
  const outcomeOf = (call) => call.then(
    ({ jobId }) => ({ jobId, code: 'queued', outcome: 'queued' }),
    ({ jobId, code, outcome }) => ({ jobId, code, outcome }))
  const report = async (calls) => {
    for (const outcome of await Promise.all(calls.map(outcomeOf))) write(outcome)
  };`

const on = useFaults()
let server
beforeEach(async () => {
  server = await on.server()
})

/** Runs the program in a child, which must end by itself and well; gives the outcomes that it reported. */
async function run(program) {
  const reports = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-reports-'))
  try {
    const env = { ...on.environment(server), REPORTS: reports }
    expect(await runChild(REPORT + program, { env })).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    const lines = readdirSync(reports).flatMap((file) => readFileSync(path.join(reports, file), 'utf8').match(/.+/g))
    return lines.map((line) => JSON.parse(line))
  } finally {
    rmSync(reports, { recursive: true })
  }
}

/** Checks that all were queued, and writes the case down. */
async function expectQueued(fault, outcomes, count) {
  expect(outcomes).toHaveLength(count)
  expect(outcomes.filter(({ outcome }) => outcome !== 'queued')).toEqual([])
  fault.add(outcomes)
  await fault.ends(on.client(server.url))
}

describe('many at once', () => {
  test('the workers of node:cluster enqueue side by side and end by themselves', async () => {
    const fault = on.fault({ row: 28, fault: 'node:cluster', done: '4 workers, 300 calls each' })
    const outcomes = await run(`
      const cluster = require('node:cluster')
      if (cluster.isPrimary) {
        cluster.setupPrimary({ exec: '/dev/null', execArgv: process.execArgv })
        for (let i = 0; i < 4; i++) cluster.fork()
      } else {
        const calls = Array.from({ length: 300 }, (_, i) =>
          enqueueTicketTriage(ticket('cluster' + cluster.worker.id + '-' + i), storage))
        report(calls).then(() => cluster.worker.disconnect())
      }`)
    await expectQueued(fault, outcomes, 1200)
  })

  test('a process that has enqueued can fork, and both go on', async () => {
    const fault = on.fault({ row: 28, fault: 'fork amid calls', done: 'parent and child, 300 calls each' })
    const outcomes = await run(`
      const { fork } = require('node:child_process')
      const burst = (who) => report(Array.from({ length: 300 }, (_, i) => enqueueTicketTriage(ticket(who + i), storage)))
      if (process.send) burst('child').then(() => process.disconnect())
      else {
        burst('parent')
        fork('/dev/null', { execArgv: [...process.execArgv] }).once('exit', (code) => (process.exitCode = code))
      }`)
    await expectQueued(fault, outcomes, 600)
  })

  test('twelve worker threads and the main thread enqueue side by side, and half of them are terminated', async () => {
    const fault = on.fault({ row: 28, fault: 'worker threads', done: '12 threads, 6 of them terminated amid calls' })
    const worker = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { enqueueTicketTriage } = require(${JSON.stringify(root)})
      const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
      const loop = async (i) => {
        const { jobId } = await enqueueTicketTriage(ticket('thread' + workerData + '-' + i), { createPending() {} })
        parentPort.postMessage(jobId)
        if (i < 99) return loop(i + 1)
      }
      loop(0)`
    const outcomes = await run(`
      const { Worker } = require('node:worker_threads')
      for (let i = 0; i < 12; i++) {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: i })
        let heard = 0
        worker.on('message', (jobId) => {
          write({ jobId, code: 'queued', outcome: 'queued' })
          heard += 1
          if (i % 2 && heard === 10) worker.terminate()
        })
      }
      report(Array.from({ length: 300 }, (_, i) => enqueueTicketTriage(ticket('main' + i), storage)))`)
    expect(outcomes.length).toBeGreaterThanOrEqual(300 + 6 * 100 + 6 * 10)
    await expectQueued(fault, outcomes, outcomes.length)
  })
})

describe('loaded twice', () => {
  test('two copies of the package in one process work side by side and know each other’s errors', async () => {
    const copy = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-copy-'))
    try {
      for (const file of ['index.js', 'package.json', 'lib'])
        cpSync(path.join(root, file), path.join(copy, file), { recursive: true })
      const binary = path.join('node_modules/@enqueue-boundary', hostTarget())
      cpSync(path.join(root, binary), path.join(copy, binary), { recursive: true, dereference: true })
      const fault = on.fault({ row: 28, fault: 'two copies of the package', done: '300 calls to each' })
      const outcomes = await run(`
        const other = require(${JSON.stringify(copy)})
        const { isEnqueueError, EnqueueError } = require(${JSON.stringify(root)})
        if (other.EnqueueError === EnqueueError) throw new Error('one copy')
        other.enqueueTicketTriage({}, storage).catch((error) => {
          if (!isEnqueueError(error) || error instanceof EnqueueError) throw new Error('not known')
          report(Array.from({ length: 600 }, (_, i) =>
            (i % 2 ? other.enqueueTicketTriage : enqueueTicketTriage)(ticket('copy' + i), storage)))
        })`)
      await expectQueued(fault, outcomes, 600)
    } finally {
      rmSync(copy, { recursive: true })
    }
  })

  test('a package that is evaluated again, as a reload of modules does, enqueues on the connection that is there', async () => {
    const redis = on.client(server.url)
    const received = async () => Number(/total_connections_received:(\d+)/.exec(await redis.info('stats'))[1])
    const before = await received()
    const fault = on.fault({ row: 28, fault: 'reload of modules', done: 'evaluated 5 times in one process' })
    const outcomes = await run(`
      const evaluate = () => {
        for (const key of Object.keys(require.cache)) if (key.startsWith(${JSON.stringify(root)})) delete require.cache[key]
        return require(${JSON.stringify(root)}).enqueueTicketTriage
      }
      report(Array.from({ length: 5 }, (_, i) => evaluate()(ticket('reload' + i), storage)))`)
    expect((await received()) - before).toBe(1)
    await expectQueued(fault, outcomes, 5)
  })
})

test('two processes that race for the same ids make one job of each, and the first to come has its data stored', async () => {
  const fault = on.fault({ row: 29, fault: 'same id, other payload', done: '2 processes, the same 1000 ids at once' })
  const outcomes = await run(`
    const { fork } = require('node:child_process')
    if (process.send) {
      const burst = (summary) => report(Array.from({ length: 1000 }, (_, i) =>
        enqueueTicketTriage({ ...ticket('race' + i), summary }, storage)))
      // Connected first, so that neither has a head start.
      process.once('message', (summary) => burst(summary).then(() => process.disconnect()))
      outcomeOf(enqueueTicketTriage(ticket('warm'), storage)).then(() => process.send('ready'))
    } else {
      let ready = 0
      const racers = ['one', 'two'].map((name) => [name, fork('/dev/null', { execArgv: [...process.execArgv] })])
      for (const [, racer] of racers) {
        racer.once('message', () => {
          ready += 1
          if (ready === 2) for (const [name, racer] of racers) racer.send(name)
        })
      }
    }`)
  const redis = on.client(server.url)
  const seen = new Map()
  for (const [, fields] of await redis.xrange('bull:ticket-triage:events', '-', '+')) {
    const [, event, , id] = fields
    if (id.includes('race')) seen.set(id, [...(seen.get(id) ?? []), event])
  }
  for (let i = 0; i < 1000; i++) {
    const id = jobId({ tenantId: 'child', ticketId: `race${i}` })
    expect(seen.get(id)).toEqual(['added', 'waiting', 'duplicated'])
    const { summary, ...rest } = JSON.parse(await redis.hget(`bull:ticket-triage:${id}`, 'data'))
    expect(rest).toEqual({ tenantId: 'child', ticketId: `race${i}` })
    expect(['one', 'two']).toContain(summary)
  }
  fault.remark('both are answered `queued`; the data of the first is kept, the second left the event `duplicated`')
  await expectQueued(fault, outcomes, 2000)
})
