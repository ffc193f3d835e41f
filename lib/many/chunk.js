'use strict'
// Calls that go together: each is validated and authorised for itself, then their records are made, then each is enqueued.
// What they come to is counted; there is no promise for each.

const { Call, phases } = require('../call.js')

function resolve(result) {
  this.chunk.settle(this, result)
}

function reject(error) {
  const { chunk, jobId } = this
  chunk.settle(this, jobId === '' ? { status: 'rejected', error } : { status: 'rejected', error, jobId })
}

/** One of the calls. */
class Row extends Call {
  /** @param {Call} told what all of them are told */
  constructor(chunk, at, told) {
    super(resolve, reject)
    this.chunk = chunk
    this.at = at
    this.timeoutMs = told.timeoutMs
    this.caller = told.caller
    this.tenant = told.tenant
    this.authorize = told.authorize
    this.jobOptions = told.jobOptions
    this.watch = chunk.watch
    /** Whether it waits for the records, or is past them. */
    this.accepted = false
    /** Whether the storage is at work on its record alone. */
    this.storing = false
  }

  /** Nobody has a promise of it, so that it needs not wait to be rejected. */
  refuse(error) {
    if (error.code === 'OVERLOADED') this.crowded = true
    else this.reject(error)
  }
}

class Chunk {
  #calls
  #recorder
  #accepted = []
  /** Calls that are neither accepted nor settled, and one more until all are begun. */
  #undecided = 1
  /** The same of those that are not settled. */
  #unsettled = 1
  #decided
  #settled
  /** What each came to, in order. */
  outcomes = []
  /** The pipeline says what is done about a job that is there. */
  keeps = false
  /** Resolves when all are settled. */
  settled = new Promise((done) => {
    this.#settled = done
  })

  /** @param {import('./recorders.js').Together | import('./recorders.js').Each} recorder */
  constructor(calls, recorder, watch) {
    this.watch = watch
    this.#calls = calls
    this.#recorder = recorder
    // The storage is called where this is made, in the caller's AsyncLocalStorage stores, whoever is decided on last.
    const decided = new Promise((done) => {
      this.#decided = done
    })
    decided.then(() => this.#record())
    this.settled.then(() => recorder.go())
  }

  /** Begins calls for these inputs, as many as there is room for, and returns how many that is. */
  begin(inputs, told) {
    const { outcomes } = this
    for (const input of inputs) {
      if (this.#calls.isFull) break
      const row = new Row(this, outcomes.length, told)
      outcomes.push(undefined)
      this.#undecided += 1
      this.#unsettled += 1
      try {
        this.#calls.begin(row, input)
      } catch (reason) {
        this.#calls.broke(row, reason)
      }
      if (row.crowded) {
        outcomes.pop()
        this.#undecided -= 1
        this.#unsettled -= 1
        break
      }
    }
    this.#decide()
    this.#countDown()
    return outcomes.length
  }

  /** It is valid, and may be enqueued. */
  accept(row) {
    row.accepted = true
    // Until then what it waits for are the others, which may wait for Redis where there is a quota.
    if (row.phase === phases.Recording) row.phase = row.owner === undefined ? phases.Validating : phases.Admitting
    this.#accepted.push(row)
    this.#decide()
  }

  settle(row, outcome) {
    this.outcomes[row.at] = outcome
    if (row.storing) this.#recorder.ended(row)
    if (!row.accepted) this.#decide()
    this.#countDown()
  }

  #decide() {
    this.#undecided -= 1
    if (this.#undecided === 0) this.#decided()
  }

  #countDown() {
    this.#unsettled -= 1
    if (this.#unsettled === 0) this.#settled()
  }

  #record() {
    const rows = this.#inTime()
    for (const row of rows) row.phase = phases.Recording
    if (rows.length > 0) this.#recorder.record(rows)
  }

  /** Those whose deadline has not passed meanwhile. */
  #inTime() {
    const rows = this.#accepted.filter(({ slot }) => slot >= 0)
    // Where the one that began first has time, all have.
    if (rows.length === 0 || this.#calls.isInTime(rows[0])) return rows
    return rows.filter((row) => row.slot >= 0 && this.#calls.isInTime(row))
  }
}

module.exports = { Chunk }
