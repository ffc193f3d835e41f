'use strict'
// Enqueues what is missing, and finds out whose fault it is where Redis does not take it.

const { isEnqueueError } = require('../error.js')
const { redrive } = require('./redrive.js')

/** What keeps Redis from jobs: it says nothing of the record, and the sweep ends by it. */
const AWAY = ['QUEUE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'CLOSED']
/** What is one record's own, or is said to each. */
const OWN = ['MISCONFIGURED', 'INTERNAL']
/** The validation of others took its time: no storage is asked in here. */
const LATE = 'STORAGE_TIMEOUT'
/** So many are refused by themselves one after the other before that is taken for what Redis says to each. */
const MOST_REFUSED = 1000

function isTrouble({ error }) {
  return isEnqueueError(error) && (AWAY.includes(error.code) || OWN.includes(error.code) || error.code === LATE)
}

function isLate(outcome) {
  return isTrouble(outcome) && outcome.error.code === LATE
}

class Repair {
  #calls
  #stop
  /** How many were refused since the last one that was not. */
  #refused = 0
  #over
  /** What is wrong with the first of those that were refused by themselves, if there is any. */
  wrong

  /**
   * @param {import('../calls.js').Calls} calls
   * @param {import('./stop.js').Stop} stop
   */
  constructor(calls, stop) {
    this.#calls = calls
    this.#stop = stop
  }

  /** What became of each, in order. */
  async enqueue(entries) {
    const outcomes = await redrive(this.#calls, entries, this.#stop)
    for (const [at, outcome] of outcomes.entries()) {
      if (isLate(outcome)) outcomes[at] = await this.#again(entries[at], outcome)
      this.#note(outcomes[at])
    }
    return outcomes
  }

  /** By itself. */
  async #again(entry, before) {
    if (this.#over !== undefined || this.#stop.isOn) return before
    const [outcome = before] = await redrive(this.#calls, [entry], this.#stop)
    return outcome
  }

  #note(outcome) {
    if (!isTrouble(outcome)) {
      this.#refused = 0
      return
    }
    const { error: reason } = outcome
    const isAway = AWAY.includes(reason.code)
    if (!isAway) {
      this.#refused += 1
      this.wrong ??= { reason }
    }
    if (isAway || this.#refused === MOST_REFUSED) this.#over ??= { reason }
  }

  /** Throws what is wrong, where that is not with one record. */
  throwIfOver() {
    if (this.#over !== undefined) throw this.#over.reason
  }
}

module.exports = { Repair, isTrouble }
