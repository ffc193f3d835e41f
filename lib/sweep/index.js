'use strict'
// Repairs what a crash left: records that were made and whose jobs were not. Looks where the jobs of stale records are, enqueues
// those that are nowhere, and only then says so. Whatever ends it on the way, the next one finds the rest, or the same again.

const { closed, isEnqueueError } = require('../error.js')
const { SweepOptions } = require('./options.js')
const { Pages } = require('./pages.js')
const { redrive } = require('./redrive.js')
const { Report } = require('./report.js')

/** What is wrong with Redis or the pipeline and not with a record: the sweep ends by it. */
const TROUBLES = ['QUEUE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'MISCONFIGURED', 'CLOSED', 'INTERNAL']

/**
 * @param {import('../calls.js').Calls} calls
 * @returns {Promise<object>} how many records there were, and what each was found to be
 */
async function sweep(calls, options) {
  if (calls.isClosed) throw closed()
  const told = new SweepOptions(calls, options)
  const stop = new Stop(told.signal)
  const pages = new Pages(told)
  const report = new Report(told, stop)
  try {
    for (;;) {
      stop.check()
      const page = await stop.before(pages.next())
      if (page.length === 0) return report.end(pages.isComplete)
      await settle(calls, page, report, stop)
    }
  } finally {
    stop.end()
    // Nobody waits for what is not wanted any more.
    pages.close().catch(() => {})
  }
}

/** Brings the records of a page to where they belong. */
async function settle(calls, page, report, stop) {
  const states = await stop.before(calls.states(page.map(({ jobId }) => jobId)))
  const missing = page.filter((_, at) => states[at] === 'missing')
  const driven = (await stop.before(redrive(calls, missing))).values()
  const outcomes = states.map((state) => (state === 'missing' ? driven.next().value : { existing: { state } }))
  // A record that Redis had no time for is as good as before, and nobody is to mark it.
  const told = outcomes.map((outcome, at) => [page[at], outcome]).filter(([, outcome]) => !isTrouble(outcome))
  await stop.before(report.tell(told))
  const trouble = outcomes.find(isTrouble)
  if (trouble !== undefined) throw trouble.error
}

function isTrouble({ error }) {
  return isEnqueueError(error) && TROUBLES.includes(error.code)
}

/** A signal that ends it amid whatever it waits for. */
class Stop {
  #signal
  #stopped
  #listen

  /** @param {AbortSignal | undefined} signal */
  constructor(signal) {
    this.#signal = signal
    if (signal === undefined) return
    this.#stopped = new Promise((_, reject) => {
      this.#listen = () => reject(signal.reason)
      if (signal.aborted) this.#listen()
      else signal.addEventListener('abort', this.#listen, { once: true })
    })
    this.#stopped.catch(() => {})
  }

  get isOn() {
    return this.#signal?.aborted === true
  }

  /** Throws its reason where it was given. */
  check() {
    if (this.isOn) throw this.#signal.reason
  }

  /** What the work comes to, unless it is ended before. */
  before(work) {
    return this.#stopped === undefined ? work : Promise.race([this.#stopped, work])
  }

  end() {
    this.#signal?.removeEventListener('abort', this.#listen)
  }
}

module.exports = { sweep }
