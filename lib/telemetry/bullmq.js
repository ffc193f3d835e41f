'use strict'
// BullMQ's telemetry object, as a pipeline uses it: spans as BullMQ's own Queue makes them, and metrics that it has not.
//
// None of it may break a call. What it throws is counted and warned of once, and the call goes on without.

const { isUsable } = require('../options.js')
const { warnOfTelemetry } = require('../warnings.js')
const { NAMES, errorType } = require('./attributes.js')

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** OpenTelemetry's number, and BullMQ's. */
const PRODUCER = 3
const STATUS_ERROR = 2

/** In seconds: what is usual lies around a millisecond, and 5 s is the usual deadline. */
const BOUNDARIES = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
]
const DURATION = 'enqueue_boundary.enqueue.duration'
const CALLS = 'enqueue_boundary.enqueue.calls'

class Telemetry {
  #tracer
  #contextManager
  #histogram
  #counter
  #queueName
  jobName
  /** How often it threw. */
  errors = 0
  /** The methods that were warned of: their errors may be called anything, each time. */
  #warned = new Set()

  /** @param {{ tracer: object, contextManager: object, meter?: object }} given as `readTelemetry` has it */
  constructor({ tracer, contextManager, meter }, queueName, jobName) {
    this.#tracer = tracer
    this.#contextManager = contextManager
    this.#queueName = queueName
    this.jobName = jobName
    if (meter === undefined) return
    const advice = { explicitBucketBoundaries: BOUNDARIES }
    const duration = { description: 'How long calls that enqueue take', unit: 's', advice }
    this.#histogram = this.#guard('meter.createHistogram', () => meter.createHistogram(DURATION, duration), isUsable)
    const calls = { description: 'Calls that enqueue, by what they came to', unit: '{call}' }
    this.#counter = this.#guard('meter.createCounter', () => meter.createCounter(CALLS, calls), isUsable)
  }

  /** Begins the span of `add <queue>.<job>` or `addBulk <queue>`. Gives undefined where that fails. */
  span(operation) {
    const name = operation === 'add' ? `add ${this.#queueName}.${this.jobName}` : `${operation} ${this.#queueName}`
    // BullMQ hands over no parent either: the tracer takes the context that is current.
    const start = () => this.#tracer.startSpan(name, { kind: PRODUCER }, undefined)
    const started = this.#guard('tracer.startSpan', start, isUsable)
    if (started === undefined) return undefined
    const span = new Span(started, (what, work, expected) => this.#guard(what, work, expected))
    span.set({ [NAMES.queueName]: this.#queueName, [NAMES.operation]: operation })
    span.enter(this.#contextManager)
    return span
  }

  get #measures() {
    return this.#histogram !== undefined || this.#counter !== undefined
  }

  /**
   * @param {'add' | 'addBulk'} operation
   * @param {number} ms how long the call took
   * @param {string} outcome
   * @param {string} [error] what an error is called
   */
  measure(operation, ms, outcome, error) {
    if (!this.#measures) return
    const attributes = {
      [NAMES.queueName]: this.#queueName,
      [NAMES.jobName]: this.jobName,
      [NAMES.operation]: operation,
      [NAMES.outcome]: outcome,
    }
    if (error !== undefined) attributes[NAMES.errorType] = error
    if (this.#histogram !== undefined) {
      this.#guard('histogram.record', () => this.#histogram.record(ms / 1000, attributes))
    }
    if (this.#counter !== undefined) this.#guard('counter.add', () => this.#counter.add(1, attributes))
  }

  /** What `work` makes, or undefined where it fails, or makes what it is not to. Without `expected` it is to make nothing. */
  #guard(what, work, expected) {
    try {
      const made = work()
      // A method that is async rejects where nobody looks, which would end the process.
      if (expected === undefined) {
        if (isPromise(made)) apply(then, promiseResolve(made), [undefined, (reason) => this.#failed(what, reason)])
        return undefined
      }
      ignoreEnd(made)
      if (isPromise(made) || !expected(made)) throw new TypeError('not what it should return')
      return made
    } catch (reason) {
      this.#failed(what, reason)
      return undefined
    }
  }

  #failed(what, reason) {
    this.errors += 1
    if (this.#warned.has(what)) return
    this.#warned.add(what)
    warnOfTelemetry(this.#queueName, what, errorType(reason))
  }
}

const isPromise = (value) => isUsable(value) && typeof value.then === 'function'
const isTextIfAny = (value) => value === undefined || typeof value === 'string'
const isAny = () => true
const ignore = () => {}

function ignoreEnd(returned) {
  if (isPromise(returned)) apply(then, promiseResolve(returned), [ignore, ignore])
}

/** One span, and the context that has it. */
class Span {
  #span
  #guard
  #contextManager
  #context
  /** What a worker finds the span by, as text; undefined where the telemetry has none. */
  metadata

  constructor(span, guard) {
    this.#span = span
    this.#guard = guard
  }

  set(attributes) {
    this.#guard('span.setAttributes', () => this.#span.setAttributes(attributes))
  }

  enter(contextManager) {
    const active = this.#guard('contextManager.active', () => contextManager.active(), isAny)
    const entered = this.#guard('span.setSpanOnContext', () => this.#span.setSpanOnContext(active), isAny)
    if (entered === undefined) return
    this.#context = entered
    this.#contextManager = contextManager
    const get = () => contextManager.getMetadata(entered)
    const metadata = this.#guard('contextManager.getMetadata', get, isTextIfAny)
    // BullMQ stores no empty text either.
    if (metadata) this.metadata = metadata
  }

  /** Calls `begin`, which never throws, once and at once, in the context that has the span where that can be done. */
  run(begin) {
    let begun
    const once = () => {
      begun ??= { promise: begin() }
      return begun.promise
    }
    if (this.#contextManager !== undefined) {
      this.#guard('contextManager.with', () => {
        const returned = this.#contextManager.with(this.#context, once)
        if (begun === undefined) return returned
        // One that is async makes a promise of its own, which rejects with the call where nobody looks.
        if (returned !== begun.promise) ignoreEnd(returned)
        return undefined
      })
    }
    return once()
  }

  fail(reason) {
    this.#guard('span.recordException', () => this.#span.recordException(reason))
    this.#guard('span.setStatus', () => {
      // What OpenTelemetry's own spans have, and BullMQ's interface does not.
      if (typeof this.#span.setStatus !== 'function') return undefined
      return this.#span.setStatus({ code: STATUS_ERROR, message: errorType(reason) })
    })
  }

  end() {
    this.#guard('span.end', () => this.#span.end())
  }
}

module.exports = { Telemetry }
