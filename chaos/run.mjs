// A run: servers, proxies, processes, and the faults that strike while calls are made. Ends with the evidence.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Authority } from '../tools/certificates.js'
import { FaultyProxy } from '../tools/proxy.js'
import { Doors } from './doors.mjs'
import { faults } from './faults.mjs'
import { places, repeatedIn, stored, unfinished } from './keyspace.mjs'
import { schedule } from './schedule.mjs'
import { Pair } from './servers.mjs'

/** Calls in flight, over all processes. */
const WIDTH = 1024
/** A worker that is this far behind is waited for: a server that loads a long queue takes its time. */
const MOST_UNFINISHED = 30_000
/** Where nothing at all happens for so long, nothing will. */
const PATIENCE_MS = 60_000

/** A part of the run in a process of its own. What it reports is in `report`. */
class Part {
  constructor(name, options) {
    const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url))
    this.child = fork(file, [JSON.stringify(options)])
    this.file = options.file
    this.report = { started: 0, settled: 0, queued: 0, processed: 0 }
    this.child.on('message', (report) => Object.assign(this.report, report))
    this.gone = once(this.child, 'exit').then(([code, signal]) => {
      if (!this.report.ended) throw new Error(`a ${name} ended by itself (${signal ?? code})`)
    })
    this.gone.catch(() => {})
  }

  /** The lines that it wrote, as arrays of fields. */
  *lines() {
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      if (line) yield line.split('\t')
    }
  }
}

/**
 * @param {{ command: string, seed: number, calls: number, processes: number, ways: ('TCP' | 'TLS')[], rounds: number,
 *   longestMs: number, signal: AbortSignal }} options the processes take the `ways` to Redis in turns
 * @param {(line: string) => void} say told how it goes
 * @returns {Promise<object>} the evidence for `audit`
 */
export async function run({ command, seed, calls, processes, ways, rounds, longestMs, signal }, say) {
  const dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-chaos-'))
  const authority = ways.includes('TLS') ? new Authority() : undefined
  const pair = await Pair.start({ command, certificate: authority?.issueFiles() })
  const admin = () => pair.primary.admin
  const wayOf = (number) => ways[number % ways.length]
  const toProducers = await Doors.start(
    Array.from({ length: processes }, (_, number) => wayOf(number)),
    pair.primary,
  )
  const toConsumer = await FaultyProxy.start(pair.primary.port)
  const crashes = []

  const plan = schedule({ seed, rounds, longestMs })
  const share = Math.ceil(calls / plan.length)
  const producers = Array.from({ length: processes }, (_, number) => {
    const tls = wayOf(number) === 'TLS' ? { ca: authority.ca } : undefined
    const connection = { port: toProducers.ports[number], tls }
    // Of each way half of the processes take the word of the primary, as is the default, and half wait for a replica.
    const durability = Math.floor(number / ways.length) % 2 ? 'replica' : 'primary'
    const file = path.join(dir, `calls-${number}`)
    const width = Math.ceil(WIDTH / processes)
    return new Part('producer', { seed, number, connection, durability, width, file })
  })
  // Calls for one ticket come from all processes, never further apart than a few shares.
  const keep = 20_000 + 4 * share
  const consumer = new Part('consumer', { port: toConsumer.port, keep, file: path.join(dir, 'runs') })
  const parts = [...producers, consumer]
  // A process that is quiet makes no calls.
  const hush = (quiet, number) => {
    for (const { child } of number === undefined ? producers : [producers[number]]) child.send({ quiet })
  }
  const strike = faults({ pair, producers: toProducers, consumer: toConsumer, hush, crashes })

  const trouble = Promise.race([
    once(signal, 'abort').then(() => Promise.reject(signal.reason)),
    ...parts.map((part) => part.gone.then(() => new Promise(() => {}))),
  ])
  const settled = () => producers.reduce((sum, { report }) => sum + report.settled, 0)
  const behind = () => producers.reduce((sum, { report }) => sum + report.queued, -consumer.report.processed)
  async function until(title, condition) {
    let last
    let since
    while (!(await Promise.race([trouble, condition()]))) {
      const now = settled() + consumer.report.processed
      if (now !== last) [last, since] = [now, performance.now()]
      if (performance.now() > since + PATIENCE_MS) throw new Error(`waited too long for ${title}`)
      await sleep(20)
    }
  }

  try {
    const repeated = []
    for (const [at, { kind, after, ms }] of plan.entries()) {
      const granted = Math.ceil(((at + 1) * share) / processes)
      // Requests are cut amid as much as there can be in one write: large tickets, and as many at once as may be in flight.
      const bulky = kind === 'requestsCut'
      const grant = { granted, bulky, quiet: bulky, final: at === plan.length - 1 }
      for (const { child } of producers) child.send(grant)
      if (!bulky) await until('calls to be answered', () => settled() >= (at + after) * share)
      say(`${settled()} calls answered, ${consumer.report.processed} jobs done, next: ${kind}, ${ms} ms`)
      await Promise.race([trouble, strike[kind](ms)])
      repeated.push(...repeatedIn(await places(admin())))
      await until('calls to be answered', () => settled() >= (at + 0.8) * share)
      await until('the worker to keep up', () => behind() < MOST_UNFINISHED)
    }
    await Promise.race([trouble, Promise.all(producers.map(({ gone }) => gone))])
    say(`all calls answered, ${consumer.report.processed} jobs done, waiting for the others`)
    await until('all jobs to be done', async () => (await unfinished(admin())) === 0)
    consumer.child.send('end')
    await consumer.gone
    return {
      processes: producers.map(({ report: { started, settled } }, number) => ({ number, started, settled })),
      calls: producers.flatMap((producer) => Array.from(producer.lines(), callOf)),
      runs: Array.from(consumer.lines(), runOf),
      repeated,
      places: await places(admin()),
      stored: await stored(admin()),
      crashes,
    }
  } finally {
    for (const { child } of parts) child.kill('SIGKILL')
    await Promise.all([toProducers.each((proxy) => proxy.stop()), toConsumer.stop()])
    await pair.stop()
    authority?.remove()
    rmSync(dir, { recursive: true, force: true })
  }
}

function callOf([id, outcome, code, replicated, at, late, unexcused]) {
  const numbers = { at: Number(at), late: Number(late), unexcused: Number(unexcused) }
  return { id, outcome, code, replicated: replicated === 'replica', ...numbers }
}

function runOf([id, which, at, data]) {
  return { id, own: which === 'again', at: Number(at), intact: data === 'intact' }
}
