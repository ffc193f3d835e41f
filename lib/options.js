'use strict'
// Reads options: of a pipeline's definition, and of a call. Undefined is "not given"; null is a value like any other, and a
// wrong one for all that are not said to take it.

const { invalidArgument } = require('./error.js')

const DEFAULT_TIMEOUT_MS = 5000
const DEFAULT_MAX_IN_FLIGHT = 100_000
/** What a slot number can count to, with room to spare. */
const MAX_IN_FLIGHT = 10_000_000
/** 24.8 days, which is what Node's own timers can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

const { getPrototypeOf, hasOwn, prototype: objectPrototype } = Object

function isUsable(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * Whether a program gave this option. One that is inherited counts, since options may be an instance of a class; but not
 * from Object.prototype, where it was put by whoever could pollute that: it must not name a caller or let everyone in.
 */
function has(options, key) {
  if (hasOwn(options, key)) return true
  for (let at = getPrototypeOf(options); at !== null && at !== objectPrototype; at = getPrototypeOf(at)) {
    // That of another realm is another one.
    if (hasOwn(at, key)) return !(getPrototypeOf(at) === null && hasOwn(at, 'isPrototypeOf'))
  }
  return false
}

/** The option, read once, or undefined. */
function option(options, key) {
  return has(options, key) ? options[key] : undefined
}

/** How long something may take. */
class TimeoutOptions {
  constructor(options) {
    if (options !== undefined && !isUsable(options)) throw invalidArgument('options must be an object')
    const timeoutMs = options === undefined ? undefined : option(options, 'timeoutMs')
    this.timeoutMs = timeoutMs === undefined ? undefined : readTimeout(timeoutMs, 'options.timeoutMs')
  }
}

/** What a call is told. `tenant` is what the native side compares: undefined where no caller is to be checked. */
class CallOptions extends TimeoutOptions {
  /** @param {string | undefined} tenantField the field of the data, and of a caller, that names the tenant */
  constructor(options, tenantField) {
    super(options)
    this.authorize = option(options, 'authorize')
    if (this.authorize !== undefined && typeof this.authorize !== 'function') {
      throw invalidArgument('options.authorize must be a function')
    }
    this.jobOptions = option(options, 'jobOptions')
    this.caller = undefined
    this.tenant = undefined
    // A route that passes its caller means to have it checked. One that turns out to be undefined, because nobody is
    // signed in, is nobody's tenant and must not pass for "no check".
    if (has(options, 'caller')) {
      this.caller = options.caller
      if (tenantField !== undefined) {
        this.tenant = (isUsable(this.caller) ? option(this.caller, tenantField) : undefined) ?? null
      } else if (this.authorize === undefined) {
        throw invalidArgument('options.caller is compared with nothing: the definition of the pipeline names no tenant')
      }
    }
  }
}

/** The limits of a pipeline, each with its default. */
function readLimits(options) {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxInFlight } = options
  return {
    timeoutMs: readTimeout(timeoutMs, 'timeoutMs'),
    maxInFlight: readCount(maxInFlight, 'maxInFlight', DEFAULT_MAX_IN_FLIGHT, MAX_IN_FLIGHT),
  }
}

/** A whole number from 1 to `most`, or the usual one. */
function readCount(given, name, usual, most) {
  const count = given === undefined ? usual : given
  if (typeof count !== 'number') throw invalidArgument(`${name} must be a number`)
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw invalidArgument(`${name} must be an integer from 1 to ${most}`, 'ERR_OUT_OF_RANGE')
  }
  return count
}

function readTimeout(timeoutMs, name) {
  if (typeof timeoutMs !== 'number') throw invalidArgument(`${name} must be a number`)
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidArgument(`${name} must be over 0 and at most ${MAX_TIMEOUT_MS}`, 'ERR_OUT_OF_RANGE')
  }
  return Math.ceil(timeoutMs)
}

module.exports = { CallOptions, TimeoutOptions, has, isUsable, option, readCount, readLimits }
