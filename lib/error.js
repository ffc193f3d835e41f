'use strict'
// The one error class. It lives in JavaScript so that `instanceof` holds in every realm that loads the package.

const brand = Symbol.for('enqueue-boundary.EnqueueError')

class EnqueueError extends Error {
  /** @param {object} failure what the native side says of it, and `jobId` once there is one */
  constructor(failure) {
    super(failure.message)
    this.code = failure.code
    this.status = failure.status
    this.statusCode = failure.status
    this.expose = failure.status < 500
    this.retryable = failure.retryable
    this.outcome = failure.outcome
    if (failure.jobId !== undefined) this.jobId = failure.jobId
    if (failure.issues !== undefined) this.issues = failure.issues
    if (failure.retryAfterMs !== undefined) this.retryAfterMs = failure.retryAfterMs
    define(this, 'title', failure.title)
    if (failure.detail !== undefined)
      define(
        this,
        'cause',
        withoutStack(() => causeOf(failure)),
      )
  }

  toProblem() {
    return {
      type: `urn:enqueue-boundary:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title: this.title,
      status: this.status,
      detail: this.expose ? this.message : advice(this),
      code: this.code,
      outcome: this.outcome,
      retryable: this.retryable,
      ...(this.jobId !== undefined && { jobId: this.jobId }),
      ...(this.issues !== undefined && { issues: this.issues }),
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
    }
  }
}

define(EnqueueError.prototype, 'name', 'EnqueueError')
define(EnqueueError.prototype, brand, true)

/** What an operator reads: which server, what it or the system said, and the code of that. */
function causeOf({ detail, detailCode }) {
  const cause = new Error(detail)
  if (detailCode !== undefined) cause.code = detailCode
  return cause
}

/** As an Error's own fields are: there, but not listed. */
function define(target, key, value) {
  Object.defineProperty(target, key, { value, writable: true, configurable: true })
}

/**
 * Makes an error without the frames of its stack, which are the dearest part of it. For errors that are made where no
 * frame is the caller's, thousands at a time when Redis is away.
 */
function withoutStack(make) {
  const limit = Error.stackTraceLimit
  // A program may have frozen Error; then the stack is there.
  Reflect.set(Error, 'stackTraceLimit', 0)
  const error = make()
  Reflect.set(Error, 'stackTraceLimit', limit)
  return error
}

/** What a client of a 5xx is told: what it can do, not what is wrong with the server. */
function advice({ outcome, retryable }) {
  if (outcome === 'unknown') return 'The request may or may not have been carried out. Sending it again is safe.'
  if (retryable) return 'The request could not be carried out now. Try again later.'
  return 'The request could not be carried out.'
}

function isEnqueueError(value) {
  return typeof value === 'object' && value !== null && value[brand] === true
}

/** The error for an argument that is the program's own, not the client's. */
function invalidArgument(message, code = 'ERR_INVALID_ARG_TYPE') {
  return new EnqueueError({
    code,
    title: 'Invalid argument',
    message,
    status: 500,
    retryable: false,
    outcome: 'refused',
  })
}

/** The error for settings that can never work. `message` is for an operator. */
function misconfigured(message) {
  return new EnqueueError({
    code: 'MISCONFIGURED',
    title: 'Misconfigured',
    message,
    status: 500,
    retryable: false,
    outcome: 'refused',
  })
}

const unsets = new WeakSet()

/** The error for what was meant to name a server and is empty, as where a variable is not set. */
function unset(source, what = 'is empty') {
  const error = misconfigured(`${source} ${what}: set it to the server, as redis://host:port or as options`)
  unsets.add(error)
  return error
}

/** Whether an error says that something is not set yet. */
function isUnset(error) {
  return unsets.has(error)
}

/** The error for a call after close(). */
function closed() {
  return new EnqueueError({
    code: 'CLOSED',
    title: 'Closed',
    message: 'the pipeline is closed; nothing was recorded or enqueued',
    status: 503,
    retryable: true,
    outcome: 'refused',
  })
}

module.exports = {
  EnqueueError,
  closed,
  invalidArgument,
  isEnqueueError,
  isUnset,
  misconfigured,
  unset,
  withoutStack,
}
