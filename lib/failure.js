'use strict'
// From what the native side reports to the error that a caller gets.

const { codes, notAnObject } = require('./native.js')
const { CODES } = require('./codes.js')
const { EnqueueError, Fields, withoutFrames } = require('./error.js')
const { issuesOf, messageOf } = require('./issues.js')

const byNumber = codes()

/**
 * The error for a call that was not begun.
 * @param {number} number of the code or of the issues, as `begin` returned it
 * @param {object} boundary which has the rest
 */
function refusal(number, boundary) {
  if (number >= byNumber.length) return invalidInput(number)
  const code = byNumber[number]
  return code === 'INTERNAL' ? describe(boundary.refusal()) : new EnqueueError(new Fields(code))
}

/** The error for an input that is no object. */
function notAnInput(input) {
  return invalidInput(notAnObject(input))
}

/** @param {number} number of the issues */
function invalidInput(number) {
  const fields = new Fields('INVALID_INPUT')
  fields.message = messageOf(number)
  fields.issues = issuesOf(number)
  return new EnqueueError(fields)
}

/**
 * The error for a failure that the native side describes. What it says of a 5xx is for operators.
 * @param {object} failure
 * @param {string} [jobId]
 */
function describe(failure, jobId) {
  const { code, message, outcome, detail, detailCode } = { __proto__: null, ...failure }
  const fields = new Fields(code, jobId)
  fields.outcome = outcome
  if (CODES[code].status < 500) {
    fields.message = message
  } else if (message !== undefined || detail !== undefined) {
    fields.cause = new Error(operatorText(message, detail))
    if (detailCode !== undefined) fields.cause.code = detailCode
  }
  return new EnqueueError(fields)
}

/** All that is known beyond the message that a client sees. */
function operatorText(message, detail) {
  if (message === undefined) return detail
  return detail === undefined ? message : `${message} (${detail})`
}

/** The same for a call in flight, to whose error no frame of the caller's led: its cause has none either. */
function describeLate(failure, jobId) {
  return withoutFrames(() => describe(failure, jobId))
}

module.exports = { describe, describeLate, notAnInput, refusal }
