'use strict'
// What a tenant is held to, one limit each, and the error for a call that is over it.

const { EnqueueError, Fields } = require('../error.js')

const SENTENCES = {
  rate: ({ max, periodMs }) => `enqueues more than ${max} jobs in ${periodMs} ms`,
  backlog: ({ max }) => `has ${max} jobs that have not ended`,
  inFlight: ({ max }) => `has ${max} calls in flight`,
}

/** Floods are made of calls that are refused: all that can be known before is. */
class Bound {
  /**
   * @param {'rate' | 'backlog' | 'inFlight'} limit
   * @param {number} max
   * @param {number} [periodMs] of a rate
   */
  constructor(limit, max, periodMs) {
    this.limit = limit
    this.max = max
    this.periodMs = periodMs
    this.message = `the tenant ${SENTENCES[limit](this)}; nothing was recorded or enqueued`
  }

  /** @param {string} policy all that the tenant is held to, as a header */
  exceeded(jobId, retryAfterMs, policy) {
    const { limit, max, periodMs } = this
    const fields = new Fields('QUOTA_EXCEEDED', jobId)
    fields.quota =
      periodMs === undefined
        ? { limit, max, remaining: 0, retryAfterMs }
        : { limit, max, remaining: 0, retryAfterMs, periodMs }
    fields.policy = policy
    fields.message = this.message
    return new EnqueueError(fields)
  }
}

/** By the name of the limit; those that a tenant is not held to are undefined. */
function boundsOf({ rate, backlog, inFlight }) {
  return {
    rate: rate && new Bound('rate', rate.limit, rate.periodMs),
    backlog: backlog && new Bound('backlog', backlog),
    inFlight: inFlight && new Bound('inFlight', inFlight),
  }
}

module.exports = { boundsOf }
