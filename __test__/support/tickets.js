'use strict'
// Small things that most test files need.

let last = 0

/** A valid ticket that no other test has. */
function newTicket(fields) {
  last += 1
  return { tenantId: `t${process.pid}`, ticketId: `k${last}`, summary: 'The printer prints blank pages', ...fields }
}

/** A storage that remembers what it recorded. */
function recorder() {
  const records = []
  return { records, createPending: async (record) => void records.push(record) }
}

/** What a promise rejects with; fails when it does not. */
function rejection(promise) {
  return promise.then(
    (value) => {
      throw new Error(`resolved to ${JSON.stringify(value)}`)
    },
    (reason) => reason,
  )
}

/** What the stats of a pipeline say as long as no call has ended. */
const NOTHING_ENDED = { outcomes: { created: 0, existing: 0, deduplicated: 0, rejected: {} }, telemetryErrors: 0 }

const jobId = ({ tenantId, ticketId }) => `ticket-triage:${tenantId}:${ticketId}`
const jobKey = (ticket) => `bull:ticket-triage:${jobId(ticket)}`

module.exports = { NOTHING_ENDED, jobId, jobKey, newTicket, recorder, rejection }
