'use strict'
// What a sweep is told: where stale records come from, and who hears what became of them.

const { invalidArgument } = require('../error.js')
const { readConcurrency } = require('../many/options.js')
const { isUsable, option, readCount } = require('../options.js')

const DEFAULT_OLDER_THAN_MS = 60_000
/** Some 30 years. */
const MOST_OLDER_THAN_MS = 1e12
const DEFAULT_BATCH = 100
const MOST_BATCH = 1000
const DEFAULT_LIMIT = 100_000
const MOST_LIMIT = 1e9
/** A sweep leaves the rest of what may be in flight to others. */
const PART = 4

class SweepOptions {
  constructor(calls, options) {
    if (!isUsable(options)) throw invalidArgument('a sweep needs options: { pending, onQueued, onFinished }')
    this.pending = method(options, 'pending')
    if (this.pending === undefined) throw invalidArgument('options.pending must be a function')
    this.onQueued = method(options, 'onQueued')
    this.onFinished = method(options, 'onFinished')
    this.onDeduplicated = method(options, 'onDeduplicated')
    this.onRejected = method(options, 'onRejected')
    this.olderThanMs = readOlderThan(option(options, 'olderThanMs'))
    const batch = readCount(option(options, 'batch'), 'options.batch', DEFAULT_BATCH, MOST_BATCH)
    this.batch = Math.max(1, Math.min(batch, Math.floor(calls.maxInFlight / PART)))
    this.limit = readCount(option(options, 'limit'), 'options.limit', DEFAULT_LIMIT, MOST_LIMIT)
    this.concurrency = readConcurrency(option(options, 'concurrency'))
    this.signal = readSignal(option(options, 'signal'))
  }
}

/** A function of the options, called as their method: they may be an object that holds a database. */
function method(options, name) {
  const own = option(options, name)
  if (own === undefined) return undefined
  if (typeof own !== 'function') throw invalidArgument(`options.${name} must be a function`)
  return (...given) => Reflect.apply(own, options, given)
}

function readOlderThan(ms = DEFAULT_OLDER_THAN_MS) {
  if (typeof ms !== 'number') throw invalidArgument('options.olderThanMs must be a number')
  if (!(ms >= 0 && ms <= MOST_OLDER_THAN_MS)) {
    throw invalidArgument(`options.olderThanMs must be from 0 to ${MOST_OLDER_THAN_MS}`, 'ERR_OUT_OF_RANGE')
  }
  return ms
}

function readSignal(signal) {
  if (signal === undefined) return undefined
  const usable = isUsable(signal) && typeof signal.aborted === 'boolean'
  if (!usable || typeof signal.addEventListener !== 'function') {
    throw invalidArgument('options.signal must be an AbortSignal')
  }
  return signal
}

module.exports = { SweepOptions }
