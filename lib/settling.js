'use strict'
// Fetches how calls ended from the native side, so many at a time that others get their turn, and has each settled.

const { NEWS } = require('./outcome.js')
const { BATCH } = require('./slots.js')
const { nextTurn } = require('./turns.js')
const { warnOfEviction } = require('./warnings.js')

class Settling {
  #calls
  #verdict
  #results = new Uint32Array(2 * BATCH)
  #turning = false
  #turn = () => {
    this.#turning = false
    this.#calls.settle()
  }
  /** Whether the server was looked at since the connection was last replaced. */
  #watched = false

  /**
   * @param {import('./calls.js').Calls} calls those that it fetches for
   * @param {{ settle(call: object, status: number): void }} verdict what a call comes to
   */
  constructor(calls, verdict) {
    this.#calls = calls
    this.#verdict = verdict
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
      const status = results[at + 1]
      if (call !== undefined) this.#verdict.settle(call, status)
      else if (status === NEWS) calls.heard()
    }
    if (count === most) this.again()
    if (!this.#watched && count > 0) this.#watch()
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
