'use strict'
// From what the native side reports to the error that a caller gets.

const { codes, notAnObject } = require('./native.js')
const { CODES } = require('./codes.js')
const { EnqueueError, Fields, invalidArgument, withoutFrames } = require('./error.js')
const { issuesOf, messageOf } = require('./issues.js')

const byNumber = codes()

/**
 * The error for a call that was not begun.
 * @param {number} number of the code or of the issues, as `begin` returned it
 * @param {object} boundary which has the rest
 * @param {number} maxDataBytes the limit of the pipeline
 */
function refusal(number, boundary, maxDataBytes) {
  if (number >= byNumber.length) return invalidInput(number)
  const code = byNumber[number]
  if (code === 'INTERNAL') return describe(boundary.refusal())
  const fields = new Fields(code)
  if (code === 'PAYLOAD_TOO_LARGE') fields.message = `the data is longer than ${maxDataBytes} bytes of JSON`
  return new EnqueueError(fields)
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

/** What of a library's issues is told: nobody reads more, and hostile input could have millions. */
const MOST_ISSUES = 100

/**
 * The error for an input that a schema's own library refused.
 * @param {Iterable<{ message: string, path?: readonly (PropertyKey | { key: PropertyKey })[], code?: unknown }>} told
 */
function invalidByLibrary(told) {
  const issues = []
  for (const issue of told) {
    if (issues.push(ownIssue(issue)) === MOST_ISSUES) break
  }
  const fields = new Fields('INVALID_INPUT')
  fields.issues = issues
  fields.message = issues.map(({ path, message }) => `${nameOf(path)}: ${message}`).join('; ') || undefined
  return new EnqueueError(fields)
}

/** Names of hostile input may be long, and messages that repeat some of it. */
const LONGEST_NAME = 64
const LONGEST_MESSAGE = 1000

function cut(text, length) {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

function ownIssue({ message, path = [], code }) {
  const keys = path.map((step) => (typeof step === 'object' && step !== null ? step.key : step))
  const steps = keys.map((key) => (typeof key === 'number' ? key : cut(String(key), LONGEST_NAME)))
  const pointer = steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return {
    path: steps,
    pointer,
    code: typeof code === 'string' ? code : 'custom',
    message: cut(String(message), LONGEST_MESSAGE),
  }
}

function nameOf(path) {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return name.replace(/^\./, '') || 'the input'
}

/** The error for data that a schema made and that JSON cannot hold. */
function notJson(why) {
  return invalidArgument(`what the schema makes of the input has no JSON: ${why}`)
}

/**
 * The error for a failure that the native side describes. What it says of a 5xx is for operators.
 * @param {object} failure
 * @param {string} [jobId]
 * @param {Record<string, string>} [messages] by code, of a 5xx, in place of the code's own
 */
function describe(failure, jobId, messages) {
  const { code, message, outcome, detail, detailCode } = { __proto__: null, ...failure }
  const fields = new Fields(code, jobId)
  fields.outcome = outcome
  if (CODES[code].status < 500) {
    fields.message = message
    return new EnqueueError(fields)
  }
  fields.message = messages?.[code]
  if (message !== undefined || detail !== undefined) {
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
function describeLate(failure, jobId, messages) {
  return withoutFrames(() => describe(failure, jobId, messages))
}

module.exports = { describe, describeLate, invalidByLibrary, notAnInput, notJson, refusal }
