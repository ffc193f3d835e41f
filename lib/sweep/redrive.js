'use strict'
// Enqueues the jobs of records that are made already: validated as ever, and with nothing recorded. Nobody is asked whether they
// may be, since that was asked before the record was made.

const { Call } = require('../call.js')
const { invalidArgument } = require('../error.js')
const { option } = require('../options.js')

class Redriven extends Call {
  #calls
  #entry

  constructor(calls, entry) {
    let settle
    const settled = new Promise((resolve) => {
      settle = resolve
    })
    super(settle, (error) => settle({ status: 'rejected', error }))
    this.#calls = calls
    this.#entry = entry
    /** Resolves to what became of it. */
    this.settled = settled
    this.timeoutMs = calls.timeoutMs
    // It is asked in the storage's place.
    this.chunk = this
    /** Whatever the pipeline says of jobs that are there: another sweep may have made this one, and a worker ended it. */
    this.keeps = true
  }

  begin() {
    try {
      const { record } = this.#entry
      this.jobOptions = option(record, 'jobOptions') ?? undefined
      this.#calls.begin(this, option(record, 'input'))
    } catch (reason) {
      this.#calls.broke(this, reason)
    }
  }

  /** It is valid: sends it where its record would be made. */
  accept() {
    const { jobId } = this.#entry
    if (this.jobId !== jobId) {
      const why = `the input of the record ${JSON.stringify(jobId)} makes another job, ${JSON.stringify(this.jobId)}`
      return this.#calls.abandon(this, invalidArgument(why))
    }
    this.#calls.boundary.keep(this.slot)
    this.#calls.send(this)
  }

  /** Nobody has a promise of it that could be rejected too soon. */
  refuse(error) {
    if (error.code === 'OVERLOADED') this.crowded = true
    else this.reject(error)
  }
}

/** What became of each, in order, up to where it was stopped. Waits for room where there is none. */
async function redrive(calls, entries, stop) {
  const underWay = []
  for (const entry of entries) {
    const call = await begin(calls, entry, stop)
    if (call === undefined) break
    underWay.push(call.settled)
  }
  return Promise.all(underWay)
}

async function begin(calls, entry, stop) {
  while (!stop.isOn) {
    const call = new Redriven(calls, entry)
    call.begin()
    if (!call.crowded) return call
    await calls.ended()
  }
}

module.exports = { redrive }
