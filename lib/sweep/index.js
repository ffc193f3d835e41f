'use strict'
// Repairs what a crash left: records that were made and whose jobs were not. Looks where the jobs of stale records are, enqueues
// those that are nowhere, and only then says so. Whatever ends it on the way, the next one finds the rest, or the same again.

const { closed } = require('../error.js')
const { SweepOptions } = require('./options.js')
const { Pages } = require('./pages.js')
const { Repair, isTrouble } = require('./repair.js')
const { Report } = require('./report.js')
const { Stop } = require('./stop.js')

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
  const repair = new Repair(calls, stop)
  try {
    for (;;) {
      stop.check()
      const page = await stop.before(pages.next())
      if (page.length === 0) break
      await settle(calls, page, { repair, report, stop })
    }
  } finally {
    stop.end()
    // Nobody waits for what is not wanted any more.
    pages.close().catch(() => {})
  }
  // What is wrong with one record has kept it from no other.
  const wrong = repair.wrong ?? pages.wrong
  if (wrong !== undefined) throw wrong.reason
  return report.end(pages.isComplete)
}

/** Brings the records of a page to where they belong. */
async function settle(calls, page, { repair, report, stop }) {
  const states = await stop.before(calls.states(page.map(({ jobId }) => jobId)))
  const missing = page.filter((_, at) => states[at] === 'missing')
  const driven = (await stop.before(repair.enqueue(missing))).values()
  const outcomes = states.map((state) => (state === 'missing' ? driven.next().value : { existing: { state } }))
  // A record that Redis had no time for is as good as before, and nobody is to mark it.
  const told = outcomes.map((outcome, at) => [page[at], outcome]).filter(([, outcome]) => !isTrouble(outcome))
  await stop.before(report.tell(told))
  repair.throwIfOver()
}

module.exports = { sweep }
