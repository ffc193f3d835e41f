'use strict'
// What the caller of a `queue.add` is told that failed: what BullMQ's own backend says where it says something too.

const { EnqueueError, Fields } = require('../error.js')

/** BullMQ's numbers for what its scripts refuse. */
const MISSING_PARENT = -5
const OTHER_PARENT = -7

const SAYINGS = {
  __proto__: null,
  MISSING_PARENT: { code: MISSING_PARENT, say: (key) => `Missing key for parent job ${key}. addJob` },
  PARENT_CONFLICT: { code: OTHER_PARENT, say: (key) => `The parent job ${key} cannot be replaced. addJob` },
}

/** @param {EnqueueError} error */
function inBullWords(error, { jobId, parentKey }) {
  const saying = SAYINGS[error.code]
  if (saying !== undefined) return Object.assign(new Error(saying.say(parentKey)), { code: saying.code })
  return error.code === 'OUTCOME_UNKNOWN' && jobId === undefined ? unknownWithoutId(error.cause) : error
}

/** Without an id of its own a job that is added again is another one. */
function unknownWithoutId(cause) {
  const fields = new Fields('OUTCOME_UNKNOWN')
  fields.message = 'the job was sent to the queue and no answer came; it may be there'
  fields.retryable = false
  fields.cause = cause
  return new EnqueueError(fields)
}

/** The error for a job that BullMQ's backend did not answer about in time. */
function lateThere(jobId, timeoutMs) {
  const cause = new Error(`BullMQ's own connection did not answer within ${timeoutMs} ms`)
  cause.code = 'ETIMEDOUT'
  if (jobId === undefined) return unknownWithoutId(cause)
  const fields = new Fields('OUTCOME_UNKNOWN', jobId)
  fields.cause = cause
  return new EnqueueError(fields)
}

/** The number that `addBulk` of BullMQ has in place of an id, if any. */
function numberInBulk({ code }) {
  return code === MISSING_PARENT || code === OTHER_PARENT ? code : undefined
}

module.exports = { inBullWords, lateThere, numberInBulk }
