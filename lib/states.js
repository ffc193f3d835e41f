'use strict'
// Where jobs are: asks Redis for many ids, some at a time, and keeps one deadline for all of them.

const { QUESTION_MESSAGES } = require('./codes.js')
const { closed, invalidArgument } = require('./error.js')
const { describeLate } = require('./failure.js')
const { TimeoutOptions } = require('./options.js')
const { STATES } = require('./outcome.js')
const { nextTurn } = require('./turns.js')

/** Ids that are handed over at once: reading more of them would hold the loop up. */
const PART = 1024
/** What is said of a job that is not there. */
const MISSING = STATES.at(-1)

/** @param {import('./calls.js').Calls} calls of the pipeline */
function statesOf(calls, jobIds, options) {
  return new Promise((resolve, reject) => {
    if (calls.isClosed) throw closed()
    const { timeoutMs = calls.timeoutMs } = new TimeoutOptions(options)
    const ids = readIds(jobIds)
    if (ids.length === 0) return resolve([])
    calls.ready()
    new Question(calls, ids, timeoutMs, resolve, reject).ask()
  })
}

/** As they are now: they are asked for bit by bit. */
function readIds(jobIds) {
  if (!Array.isArray(jobIds)) throw invalidArgument('jobIds must be an array of ids of jobs')
  const ids = Array.from(jobIds)
  const wrong = ids.findIndex((id) => typeof id !== 'string')
  if (wrong >= 0) throw invalidArgument(`jobIds must be an array of strings; jobIds[${wrong}] is none`)
  return ids
}

/** It has a slot as a call has one, and ends as one does. */
class Question {
  #calls
  #timeoutMs
  /** The places of ids that can be asked for, and how many of them were. */
  #places
  #ids
  #asked = 0
  #states
  slot = -1
  jobId = undefined
  messages = QUESTION_MESSAGES
  phase = 0

  constructor(calls, ids, timeoutMs, resolve, reject) {
    this.#calls = calls
    this.#timeoutMs = timeoutMs
    // On their way to Redis, lone surrogates would become another id.
    this.#places = Array.from(ids.keys()).filter((at) => ids[at].isWellFormed())
    this.#ids = ids
    this.#states = new Array(ids.length).fill(MISSING)
    this.resolve = resolve
    this.reject = reject
  }

  get #isLast() {
    return this.#asked === this.#places.length
  }

  ask() {
    if (this.#isLast) return this.resolve(this.#states)
    this.#calls.register(this, this.#calls.slots.take())
    this.#askMore()
  }

  #askMore() {
    const places = this.#places.slice(this.#asked, this.#asked + PART)
    this.#asked += places.length
    const { boundary } = this.#calls
    const refused = boundary.look(
      this.slot,
      this.#timeoutMs,
      places.map((at) => this.#ids[at]),
    )
    if (refused === null) this.#calls.ask()
    else this.#calls.reject(this, describeLate(boundary.refusal(), undefined, this.messages))
  }

  /** Called when Redis has answered what was asked for last. */
  answered() {
    const states = this.#calls.boundary.looked(this.slot, this.#isLast)
    const from = this.#asked - states.length
    for (let at = 0; at < states.length; at++) this.#states[this.#places[from + at]] = STATES[states[at]]
    if (this.#isLast) this.#calls.resolve(this, this.#states)
    else if (nextTurn === undefined) this.#askMore()
    else nextTurn(() => this.#askMore())
  }
}

module.exports = { statesOf }
