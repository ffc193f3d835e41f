'use strict'
// How a sent job ended, as the native side numbers it, and what its caller is told.

const { states } = require('./native.js')

const ADDED = 0
// 1 is one that failed, 2 one that no call waits for.
/** No job, but a question that is answered. */
const LOOKED = 3
/** A call may go on, or its tenant is over a limit; the next one is that this could not be found out. */
const ADMITTED = 4
const REFUSED = 5
const UNADMITTED = 6
/** The native side has the id that a job was given, or what was asked for. */
const NAMED = 7
/** No call, but the link: it was made or lost. */
const NEWS = 8
/** And twice the number of the state of the job that is there, and 1 where that has the same data. */
const DUPLICATE = 16
/** And the number of the state of the job that has its place. */
const DEDUPLICATED = 32

/** Behind those of a job what is said of one that is not there. */
const STATES = states()

const isDuplicate = (status) => status >= DUPLICATE && status < DEDUPLICATED
const isAnswer = (status) => status >= ADMITTED && status <= UNADMITTED
const isDeduplicated = (status) => status >= DEDUPLICATED

/** @param {number} status of a duplicate */
function hasSameData(status) {
  return (status & 1) === 1
}

/** @param {number} status of a duplicate */
function stateOf(status) {
  return STATES[(status - DUPLICATE) >> 1]
}

/** All that is told of a job whose pipeline does not say more. */
function queued(jobId) {
  return { jobId, status: 'queued' }
}

function created(jobId) {
  return { jobId, status: 'queued', created: true }
}

/** @param {number} status of a duplicate */
function duplicate(jobId, status) {
  const existing = { state: stateOf(status), sameData: hasSameData(status) }
  return { jobId, status: 'queued', created: false, existing }
}

/** @param {string} winner the id of the job that has its place */
function deduplicated(jobId, status, winner) {
  return {
    jobId,
    status: 'deduplicated',
    created: false,
    existing: { jobId: winner, state: STATES[status - DEDUPLICATED] },
  }
}

module.exports = {
  ADDED,
  ADMITTED,
  LOOKED,
  NAMED,
  NEWS,
  REFUSED,
  STATES,
  created,
  deduplicated,
  duplicate,
  hasSameData,
  isAnswer,
  isDeduplicated,
  isDuplicate,
  queued,
  stateOf,
}
