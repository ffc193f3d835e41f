'use strict'
// How a queue is doing: what it holds, who works on it, and whether anybody does.
const { failure, ok, warning, count } = require('./verdict.js')
const { isRefusal } = require('./server.js')

/** What a queue's keys are, by what tells their lengths. */
const LENGTHS = {
  LLEN: ['wait', 'paused', 'active'],
  ZCARD: ['delayed', 'prioritized', 'completed', 'failed', 'waiting-children', 'marker'],
  XLEN: ['events'],
}
/** A job that has waited for so long, with nobody at work, is waited for in vain. */
const LONG_MS = 60_000
/** Scores of delayed jobs are times of so many parts. */
const SCORE = 4096
/** Majors of BullMQ whose workers are tested with. */
const TESTED = [5, 6]

/** What is known of a queue; a length that may not be asked for is undefined. */
class Queue {
  constructor(name, base, clients) {
    this.name = name
    this.base = base
    /** Names of its workers' connections; undefined where the server does not show its clients. */
    this.workers = clients
    this.lengths = {}
    /** Keys that hold something else than BullMQ keeps there. */
    this.foreign = []
    this.meta = {}
    this.denied = false
  }

  get waiting() {
    const { wait = 0, paused = 0, prioritized = 0 } = this.lengths
    return wait + paused + prioritized
  }
}

async function look(server, prefix, name) {
  const base = `${prefix}:${name}:`
  const queue = new Queue(name, base, await workersOf(server, prefix, name))
  const ask = async (command, key, ...rest) => {
    const { reply } = await server.ask(command, `${base}${key}`, ...rest)
    if (!isRefusal(reply)) return reply
    if (reply.error.startsWith('WRONGTYPE')) queue.foreign.push(key)
    else queue.denied = true
    return undefined
  }
  for (const [command, keys] of Object.entries(LENGTHS)) {
    for (const key of keys) queue.lengths[key] = await ask(command, key)
  }
  const [paused, version, concurrency] = (await ask('HMGET', 'meta', 'paused', 'version', 'concurrency')) ?? []
  queue.meta = { paused: paused === '1', version, concurrency }
  queue.limited = (await server.value('PTTL', `${base}limiter`)) > 0
  queue.oldestMs = await oldest(server, queue)
  return queue
}

/** The names of connections of BullMQ's workers: `<prefix>:<queue in base64>`, and for a worker with a name `:w:<name>`. */
async function workersOf(server, prefix, name) {
  const list = await server.value('CLIENT', 'LIST')
  if (typeof list !== 'string') return undefined
  const ours = `${prefix}:${Buffer.from(name).toString('base64')}`
  const names = [...list.matchAll(/ name=(\S*)/g)].map(([, each]) => each)
  return names.filter((each) => each === ours || each.startsWith(`${ours}:w:`))
}

/** How long the job has waited that is next, or is late; 0 where there is none, or it cannot be seen. */
async function oldest(server, { base, lengths }) {
  const time = await server.value('TIME')
  const now = Array.isArray(time) ? Number(time[0]) * 1000 + Number(time[1]) / 1000 : Date.now()
  const list = lengths.wait > 0 ? 'wait' : 'paused'
  const id = lengths[list] > 0 ? await server.value('LINDEX', `${base}${list}`, '-1') : undefined
  const made = typeof id === 'string' ? Number(await server.value('HGET', `${base}${id}`, 'timestamp')) : 0
  const late = lengths.delayed > 0 ? await server.value('ZRANGE', `${base}delayed`, '0', '0', 'WITHSCORES') : undefined
  const due = Array.isArray(late) && late.length === 2 ? Number(late[1]) / SCORE : 0
  return Math.max(0, ...[made, due].filter((at) => at > 0).map((at) => now - at))
}

function keys({ foreign, base }) {
  if (foreign.length === 0) return ok('all of the kinds that BullMQ keeps')
  const names = foreign.map((key) => `${base}${key}`).join(', ')
  return failure(`not what BullMQ keeps there: ${names}`, 'jobs are refused (WRONGTYPE): use another prefix or queue')
}

function paused({ meta, lengths }) {
  if (!meta.paused) return ok('no')
  const { wait = 0, paused = 0 } = lengths
  if (wait > 0 && paused > 0) {
    const text = `yes, with ${count(paused, 'job')} parked by BullMQ 5 and ${wait} by BullMQ 6`
    return warning(text, 'resume with BullMQ 6: a resume by BullMQ 5 loses some of them')
  }
  return warning('yes: jobs are added, and none is run', 'queue.resume(), when it may go on')
}

const age = (ms) => {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ]
  const [length, unit] = units.find(([each]) => ms >= each) ?? units.at(-1)
  return count(Math.floor(ms / length), unit)
}

/** Whether jobs get done. What holds them up on purpose, such as a pause, is not being stuck. */
function work(queue) {
  const { lengths, workers, meta, waiting, oldestMs } = queue
  const { active = 0, failed = 0, delayed = 0 } = lengths
  const there = workers === undefined ? 'workers are not shown' : count(workers.length, 'worker')
  const text = `${waiting} waiting, ${active} active, ${delayed} delayed, ${failed} failed, ${there}`
  if (workers?.length === 0 && active > 0) {
    return warning(`${text}: what is active was given up`, 'start a worker, which takes them back and runs them again')
  }
  if (meta.paused || (waiting === 0 && oldestMs === 0)) return ok(text)
  if (workers?.length === 0 && waiting > 0)
    return warning(`${text}: nobody takes them`, 'start a worker for this queue')
  const stuck = active === 0 && oldestMs > LONG_MS && !queue.limited
  if (!stuck) return ok(text)
  const most = meta.concurrency === '0' ? ' (its global concurrency is 0)' : ''
  return warning(
    `${text}: stuck, the oldest is ${age(oldestMs)} late${most}`,
    'see the logs of its workers, or start one',
  )
}

function bullmq({ meta }) {
  const [, library, major] = /^([\w-]+):(\d+)\./.exec(meta.version ?? '') ?? []
  if (library === undefined) return ok('not seen: no Queue of BullMQ 5.20 or later has made itself known')
  if (TESTED.includes(Number(major)) || library !== 'bullmq') return ok(meta.version)
  return warning(meta.version, `tested with workers of ${TESTED.join(' and ')}: have them run one of those`)
}

const LOOKS = [
  ['keys', keys],
  ['paused', paused],
  ['work', work],
  ['bullmq', bullmq],
]

/** @returns {Promise<{ name: string, verdict: Verdict }[]>} */
async function examineQueue(server, prefix, name) {
  const queue = await look(server, prefix, name)
  return LOOKS.map(([what, check]) => ({ name: what, verdict: check(queue) }))
}

module.exports = { examineQueue }
