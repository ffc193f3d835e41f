'use strict'
// What a bulk of calls is told: whom they are by and for how long, as one call is, and what becomes of the outcomes.

const { invalidArgument } = require('../error.js')
const { CallOptions, isUsable, option, readCount } = require('../options.js')
const { Each, Together } = require('./recorders.js')

const DEFAULT_CONCURRENCY = 16
/** As many as calls may be in flight. */
const MOST_CONCURRENCY = 10_000_000

/** Inputs of which the records are made together. */
const CHUNK = 250
/** With a call of the storage for each, a chunk is no larger than what it does in so many turns: their deadlines run. */
const TURNS = 8
/** A bulk leaves this part of what may be in flight to others, with two chunks under way. */
const PART = 4

class BulkOptions {
  constructor(calls, storage, options = {}) {
    const { many, one } = methodsOf(storage)
    /** What each of the calls is told. */
    this.call = new CallOptions(options, calls.tenant)
    this.call.timeoutMs ??= calls.timeoutMs
    this.onOutcome = option(options, 'onOutcome')
    if (this.onOutcome !== undefined && typeof this.onOutcome !== 'function') {
      throw invalidArgument('options.onOutcome must be a function')
    }
    const concurrency = readConcurrency(option(options, 'concurrency'))
    this.recorder = many === undefined ? new Each(calls, one, concurrency) : new Together(calls, many)
    const most = many === undefined ? Math.min(CHUNK, TURNS * concurrency) : CHUNK
    /** How many inputs go together. */
    this.chunk = Math.max(1, Math.min(most, Math.floor(calls.maxInFlight / PART)))
  }
}

function readConcurrency(concurrency) {
  return readCount(concurrency, 'options.concurrency', DEFAULT_CONCURRENCY, MOST_CONCURRENCY)
}

/** The one that makes the records of a chunk, or the one that makes one, each called as a method. */
function methodsOf(storage) {
  const usable = isUsable(storage)
  const many = usable ? storage.createPendingMany : undefined
  if (typeof many === 'function') return { many: (records) => Reflect.apply(many, storage, [records]) }
  const one = usable ? storage.createPending : undefined
  if (typeof one === 'function') return { one: (record) => Reflect.apply(one, storage, [record]) }
  throw invalidArgument('storage must be an object with a method createPendingMany, or createPending')
}

module.exports = { BulkOptions, readConcurrency }
