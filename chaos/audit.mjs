// Holds what was answered against what is there. Every check says how much it looked at and names what breaks it.
import { countBy } from '../tools/count.js'
import { repeatedIn } from './keyspace.mjs'

/** How late a call may settle by its promise, on a machine that has a core for everybody. */
const PROMISED_MS = 50
/** Its replica is in sync when a primary is made to die, so that what is lost with it happened at most this long before. */
const LAG_MS = 2000
/** What is written down as late as this after a crash may have happened before it. */
const DELAY_MS = 1000

/** How many breaches are told with all that is known of them. */
const DETAILED = 10

// What the calls for an id said of it, as bits.
const QUEUED = 1
const UNKNOWN = 2
/** Queued, and a replica has it too. */
const REPLICATED = 4

/**
 * @typedef {object} Evidence
 * @property {number} started when the run started
 * @property {{ number: number, started: number, settled: number }[]} processes
 * @property {{ id: string, outcome: string, code: string, replicated: boolean, at: number, late: number, unexcused: number }[]} calls
 *   `replicated` where a replica was waited for, `unexcused` what of `late` was not spent in a process that stood still
 * @property {{ id: string, own: boolean, at: number, intact: boolean }[]} runs what the worker did, in order; `own` where
 *   BullMQ itself says that it runs the job again, after a stall or a failure
 * @property {[string, string[]][]} places the ids in each list and set of the queue, in the end
 * @property {string[]} repeated ids that were seen in two places at once before that
 * @property {Iterable<string>} stored ids that have a hash
 * @property {number[]} crashes when a primary died and its replica took its place
 *
 * @param {Evidence} evidence
 * @param {number} graceMs how late a call may settle
 */
export function audit(evidence, graceMs) {
  const { started, processes, calls, places, repeated } = evidence
  const stored = new Set(evidence.stored)
  const answers = readAnswers(calls)
  const ran = readRuns(evidence)
  const jobs = new Set([...stored, ...ran.ids])

  const [queued, unknown, unwritten] = [[], [], []]
  for (const [id, said] of answers) (said & QUEUED ? queued : said & UNKNOWN ? unknown : unwritten).push(id)
  const missing = queued.filter((id) => !jobs.has(id))
  const lost = lostWithPrimary(missing, answers, evidence)
  const unknownThere = unknown.filter((id) => jobs.has(id)).length

  const listed = new Set(places.flatMap(([, ids]) => ids))
  const failed = places.find(([place]) => place === 'failed')[1]
  const naming = ({ id, code, late }) => `${id}: ${code}, ${late} ms late`
  const latest = calls.reduce((worst, call) => (call.unexcused > worst.unexcused ? call : worst))

  const checks = []
  const check = (title, looked, breaches) => checks.push({ title, looked, breaches })
  check(
    'every call settled',
    calls.length,
    processes.flatMap(({ number, started, settled }) =>
      started === settled ? [] : [`process ${number}: ${settled} of ${started}`],
    ),
  )
  check(
    `within ${graceMs} ms after its deadline`,
    calls.length,
    calls.filter(({ unexcused }) => unexcused > graceMs).map(naming),
  )
  check(
    'with one record and an answer that is documented',
    calls.length,
    calls.filter(({ code }) => code.startsWith('odd')).map(naming),
  )
  check(
    'queued: its job is there, or ran',
    queued.length,
    missing.filter((id) => !lost.has(id)),
  )
  check(
    'refused or not sent: nothing is there',
    unwritten.length,
    unwritten.filter((id) => jobs.has(id)),
  )
  const since = (at) => `${((at - started) / 1000).toFixed(1)} s`
  const callsOf = (id) => calls.filter((call) => call.id === id).map(({ code, at }) => `${code} ${since(at)}`)
  check(
    'no id ran twice but by BullMQ’s own retry',
    ran.ids.size,
    // The first ones tell what there is to tell.
    ran.twice.map(({ id, before, at }, number) =>
      number < DETAILED ? `${id}: ran ${since(before)} and ${since(at)}, calls: ${callsOf(id).join(', ')}` : id,
    ),
  )
  const created = readCreated(calls, evidence.crashes)
  check(
    'of one process, no id was created twice but where the first was lost with its primary',
    created.ids,
    created.twice,
  )
  check('no id was in two places', listed.size, [...repeated, ...repeatedIn(places)])
  check(
    'every stored job is listed',
    stored.size,
    [...stored].filter((id) => !listed.has(id)),
  )
  check(
    'every listed job is stored',
    listed.size,
    [...listed].filter((id) => !stored.has(id)),
  )
  check('every job has its own data', ran.ids.size, ran.odd)
  check(
    'every job was sent',
    jobs.size,
    [...jobs].filter((id) => !(answers.get(id) & (QUEUED | UNKNOWN))),
  )
  check('no job failed', jobs.size, failed)
  return {
    checks,
    answers: countBy(calls, ({ outcome, code }) => (outcome === code ? code : `${outcome}, ${code}`)),
    figures: {
      [`calls that settled over ${PROMISED_MS} ms late`]: calls.filter(({ late }) => late > PROMISED_MS).length,
      'the latest of all, ms': latest.late,
      '… of which its process ran, ms': latest.unexcused,
      'ids left unknown whose job is there': unknownThere,
      'ids left unknown whose job is not there': unknown.length - unknownThere,
      'ids acknowledged by a primary alone and lost when it died': lost.size,
      'runs again by BullMQ’s own retry': ran.own,
      'runs again since the first was lost with its primary': ran.lost,
    },
  }
}

function readAnswers(calls) {
  const answers = new Map()
  for (const { id, outcome, replicated } of calls) {
    const queued = replicated ? QUEUED | REPLICATED : QUEUED
    const said = outcome === 'queued' ? queued : outcome === 'unknown' ? UNKNOWN : 0
    answers.set(id, (answers.get(id) ?? 0) | said)
  }
  return answers
}

/** Of the calls for an id, one is told that it made the job; two processes that lose their links may both be. */
function readCreated(calls, crashes) {
  const first = new Map()
  const twice = []
  for (const { id, code, at } of calls) {
    if (code !== 'created' || id.startsWith('shared:')) continue
    const before = first.get(id)
    first.set(id, at)
    if (before === undefined) continue
    const [earlier, later] = [Math.min(before, at), Math.max(before, at)]
    const excused = crashes.some((crash) => crash > earlier - DELAY_MS && crash < later + DELAY_MS)
    if (!excused) twice.push(id)
  }
  return { ids: first.size, twice }
}

/** A job runs again where BullMQ says so, and where a crash took it, with all it had gone through, and it was sent again. */
function readRuns({ runs, crashes }) {
  const last = new Map()
  const result = { ids: new Set(), twice: [], odd: [], own: 0, lost: 0 }
  for (const { id, own, at, intact } of runs) {
    const before = last.get(id)
    last.set(id, at)
    if (!intact) result.odd.push(id)
    if (before === undefined) continue
    if (own) result.own += 1
    else if (crashes.some((crash) => isNear(before, crash) && crash < at)) result.lost += 1
    else result.twice.push({ id, before, at })
  }
  result.ids = new Set(last.keys())
  return result
}

/** Which of these ids a primary that died took with it: a replica was waited for by none of their calls. */
function lostWithPrimary(missing, answers, { calls, crashes }) {
  const lost = new Set(missing.filter((id) => !(answers.get(id) & REPLICATED)))
  for (const { id, outcome, at } of calls) {
    if (outcome === 'queued' && !crashes.some((crash) => isNear(at, crash))) lost.delete(id)
  }
  return lost
}

function isNear(at, crash) {
  return crash - LAG_MS < at && at < crash + DELAY_MS
}
