'use strict'
// The one error class. It lives in JavaScript so that `instanceof` holds in every realm that loads the package.
//
// It is made to be thrown on to a web framework that has no handler of ours. Fastify sends the `message` of a 5xx to the
// client, Express outside of production the `stack`, and neither asks `expose`: so the message is one that a client may
// read and the stack has no frames. What an operator needs is the `cause`, which no framework sends and which
// console.error and pino print.

const { CODES } = require('./codes.js')
const { headersOf } = require('./quota/headers.js')

const brand = Symbol.for('enqueue-boundary.EnqueueError')

class EnqueueError extends Error {
  /** All that the tenant is held to that is over one of its limits, as a header. */
  #policy

  /**
   * @param {object} fields `code`, and what differs from that code's defaults. Errors are made by the thousand when Redis
   *   is away: whatever can be worked out later is on the prototype.
   */
  constructor(fields) {
    const code = fields?.code
    const defaults = CODES[code] ?? unknownCode(code)
    const { jobId, issues, title, quota, cause } = fields
    const { retryAfterMs = quota?.retryAfterMs ?? defaults.retryAfterMs } = fields
    const status = fields.status ?? defaults.status
    // What cannot be text throws here, and not while other errors would have no frames.
    const message = `${fields.message ?? defaults.message}`
    // V8 looks for frames in Error's own constructor, also for none, which is dear; but not without a limit.
    const limit = limitFrames(undefined)
    super(message, cause === undefined ? undefined : { cause })
    limitFrames(limit)
    // An Error has this one already, unlisted. It stays without frames where a program has frozen the limit.
    this.stack = `${this.name}: ${this.message}`
    this.code = code
    this.status = status
    this.statusCode = status
    this.expose = status < 500
    this.retryable = fields.retryable ?? defaults.retryable
    this.outcome = fields.outcome ?? defaults.outcome
    if (jobId !== undefined) this.jobId = jobId
    if (issues !== undefined) this.issues = issues
    if (quota !== undefined) {
      this.quota = quota
      this.#policy = fields.policy
    }
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
    if (title !== undefined && title !== defaults.title) define(this, 'title', title)
  }

  /** The `title` of RFC 9457, unless it was made with another. */
  get title() {
    return CODES[this.code]?.title ?? 'Error'
  }

  /** What Express, Fastify and Koa send along. Fastify takes undefined for none, and nothing else. */
  get headers() {
    if (this.retryAfterMs === undefined) return undefined
    const headers = { 'retry-after': String(Math.ceil(this.retryAfterMs / 1000)) }
    if (this.quota === undefined) return headers
    // What stands in its place, as a proxy does, has none.
    return { ...headers, ...headersOf(this.quota, #policy in this ? this.#policy : undefined) }
  }

  /** Middleware adds its own to those of an error on its way, as @koa/cors does. */
  set headers(headers) {
    define(this, 'headers', headers)
  }

  toProblem() {
    return {
      type: `urn:enqueue-boundary:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      outcome: this.outcome,
      retryable: this.retryable,
      ...(this.jobId !== undefined && { jobId: this.jobId }),
      ...(this.issues !== undefined && { issues: this.issues }),
      ...(this.quota !== undefined && { quota: this.quota }),
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
    }
  }

  toResponse() {
    const headers = new Headers(this.headers)
    headers.set('content-type', 'application/problem+json')
    return Response.json(this.toProblem(), { status: this.status, headers })
  }

  /** What Hono looks for in an error that it is thrown. */
  getResponse() {
    return this.toResponse()
  }
}

define(EnqueueError.prototype, 'name', 'EnqueueError')
define(EnqueueError.prototype, brand, true)

/** As an Error's own fields are: there, but not listed. */
function define(target, key, value) {
  Object.defineProperty(target, key, { value, writable: true, configurable: true })
}

function unknownCode(code) {
  const given = typeof code === 'string' ? JSON.stringify(code) : typeof code
  throw new TypeError(`an EnqueueError cannot have the code ${given}; there are ${Object.keys(CODES).join(', ')}`)
}

/** The fields of an error of our own, whatever has been put on Object.prototype. */
class Fields {
  constructor(code, jobId) {
    this.code = code
    this.jobId = jobId
    this.message = undefined
    this.outcome = undefined
    this.issues = undefined
    this.quota = undefined
    this.policy = undefined
    this.cause = undefined
  }
}
Object.setPrototypeOf(Fields.prototype, null)

/** How many frames the errors have that are made from here on. Returns what it was. */
function limitFrames(limit) {
  const before = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = limit
  } catch {
    // A program may have frozen Error.
  }
  return before
}

function withoutFrames(make) {
  const limit = limitFrames(0)
  try {
    return make()
  } finally {
    limitFrames(limit)
  }
}

function isEnqueueError(value) {
  return typeof value === 'object' && value !== null && value[brand] === true
}

/** The error for an argument that is the program's own, not the client's: the cause says which, and where. */
function invalidArgument(message, code = 'ERR_INVALID_ARG_TYPE') {
  return withCause(code, new (code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError)(message))
}

/** The error for settings that can never work: the cause says what is wrong with which. */
function misconfigured(message) {
  return withCause('MISCONFIGURED', new Error(message))
}

function withCause(code, cause) {
  const fields = new Fields(code)
  fields.cause = cause
  return new EnqueueError(fields)
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
  return new EnqueueError(new Fields('CLOSED'))
}

/** The error for a call that `authorize` did not say true of. */
function forbidden(jobId) {
  return new EnqueueError(new Fields('FORBIDDEN', jobId))
}

/** The error for a call whose id has a job with other data, where that is to be one. */
function conflict(jobId) {
  return new EnqueueError(new Fields('ID_CONFLICT', jobId))
}

module.exports = {
  EnqueueError,
  Fields,
  closed,
  conflict,
  forbidden,
  invalidArgument,
  isEnqueueError,
  isUnset,
  misconfigured,
  unset,
  withoutFrames,
}
