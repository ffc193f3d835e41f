'use strict'
// The last step of a call's journey: what the native side says of it becomes its result, or its error.

const { conflict } = require('./error.js')
const outcome = require('./outcome.js')

const { ADDED, LOOKED, created, deduplicated, duplicate, hasSameData, isAnswer, isDeduplicated, isDuplicate, queued } =
  outcome

class Verdict {
  #calls
  #onConflict
  #tells
  /** What is told of a job that was added. */
  #added

  /**
   * @param {import('./calls.js').Calls} calls
   * @param {import('./definition/index.js').Compiled} definition
   */
  constructor(calls, { onConflict, tells }) {
    this.#calls = calls
    this.#onConflict = onConflict
    this.#tells = tells
    this.#added = tells ? created : queued
  }

  /** @param {number} status how it ended */
  settle(call, status) {
    if (status === ADDED) this.#calls.succeed(call, this.#added(call.jobId), status)
    else this.#settleOther(call, status)
  }

  /** @param {number} status how it ended, where its job was not added */
  #settleOther(call, status) {
    const calls = this.#calls
    if (status === LOOKED) return call.answered()
    if (isAnswer(status)) return calls.answered(call, status)
    if (isDeduplicated(status)) {
      const winner = calls.boundary.deduplicatedTo(call.slot)
      return calls.succeed(call, deduplicated(call.jobId, status, winner), status)
    }
    if (!isDuplicate(status)) return calls.fail(call)
    const rejects = this.#onConflict === 'reject' && call.chunk?.keeps !== true
    if (rejects && !hasSameData(status)) return calls.reject(call, conflict(call.jobId))
    calls.succeed(call, this.#tells ? duplicate(call.jobId, status) : queued(call.jobId), status)
  }
}

module.exports = { Verdict }
