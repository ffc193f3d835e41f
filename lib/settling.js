'use strict'
// The last step of a call's journey: what the native side says of it becomes its result, or its error.

const { conflict } = require('./error.js')
const outcome = require('./outcome.js')
const { BATCH } = require('./slots.js')
const { nextTurn } = require('./turns.js')
const { warnOfEviction } = require('./warnings.js')

const { ADDED, LOOKED, created, deduplicated, duplicate, hasSameData, isAnswer, isDeduplicated, isDuplicate, queued } =
  outcome

class Settling {
  #calls
  #onConflict
  #tells
  /** What is told of a job that was added. */
  #added
  #results = new Uint32Array(2 * BATCH)
  #turning = false
  #turn = () => {
    this.#turning = false
    this.#calls.settle()
  }
  /** Whether the server was looked at since the connection was last replaced. */
  #watched = false

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

  /** Settles what has come, but no more than leaves others their turn. */
  settle() {
    const calls = this.#calls
    const { boundary, slots } = calls
    const results = this.#results
    const most = slots.share()
    const count = boundary.drain(results, most)
    for (let at = 0; at < 2 * count; at += 2) {
      const call = slots.at(results[at])
      if (call === undefined) continue
      const status = results[at + 1]
      if (status === ADDED) calls.succeed(call, this.#added(call.jobId), status)
      else this.#settleOther(call, status)
    }
    if (count === most) this.again()
    if (!this.#watched && count > 0) this.#watch()
  }

  /** @param {number} status how it ended, where its job was not added */
  #settleOther(call, status) {
    const calls = this.#calls
    if (status === LOOKED) return call.answered()
    if (isAnswer(status)) return call.quota.answer(status)
    if (isDeduplicated(status)) {
      const winner = calls.boundary.deduplicatedTo(call.slot)
      return calls.succeed(call, deduplicated(call.jobId, status, winner), status)
    }
    if (!isDuplicate(status)) return calls.fail(call)
    const rejects = this.#onConflict === 'reject' && call.chunk?.keeps !== true
    if (rejects && !hasSameData(status)) return calls.reject(call, conflict(call.jobId))
    calls.succeed(call, this.#tells ? duplicate(call.jobId, status) : queued(call.jobId), status)
  }

  /** Settles more in a turn to come: errors are dear, and others want the loop too. */
  again() {
    if (nextTurn === undefined) return this.#calls.boundary.ring()
    if (this.#turning) return
    this.#turning = true
    nextTurn(this.#turn)
  }

  /** An outcome is there, so a link was made: looks once at what kind of server it leads to. */
  #watch() {
    this.#watched = true
    const eviction = this.#calls.boundary.eviction()
    if (eviction) warnOfEviction(eviction)
  }

  /** Another server is to be looked at. */
  moved() {
    this.#watched = false
  }
}

module.exports = { Settling }
