'use strict'
// The quota of a definition: limits for every tenant, or a function that says a tenant's.

const { Faults, readWord } = require('../definition/faults.js')
const { isObject } = require('../definition/option-values.js')
const { option } = require('../options.js')
const { boundsOf } = require('./bounds.js')
const { policyOf } = require('./headers.js')

const OPTIONS = ['rate', 'backlog', 'inFlight']
const RATE_OPTIONS = ['limit', 'periodMs', 'burst']
const UNAVAILABLE = ['open', 'closed']

const MOST = 1_000_000
/** 31 days. */
const LONGEST_PERIOD_MS = 2_678_400_000
/** A year: what a tenant that used up its burst has to make up for. */
const LONGEST_BURST_MS = 31_536_000_000

/** What one tenant may. What it is not held to is undefined. */
class Limits {
  constructor({ rate, backlog, inFlight }) {
    this.rate = rate
    this.backlog = backlog
    this.inFlight = inFlight
    /** Whether Redis counts any of it. */
    this.isCounted = rate !== undefined || backlog !== undefined
    this.policy = policyOf(this)
    this.bounds = boundsOf(this)
  }

  /** As the native side takes them. */
  of(tenant) {
    const { limit = 0, periodMs = 0, burst = 0 } = this.rate ?? {}
    return { __proto__: null, tenant, limit, periodMs, burst, backlog: this.backlog ?? 0 }
  }
}

/**
 * @returns {{ limits?: Limits, of?: Function, isOpen: boolean } | undefined} nothing where none is given. `isOpen` says whether
 *   calls go on where nothing can be counted
 */
function readQuota(definition, tenant, faults) {
  const given = option(definition, 'quota')
  const unavailable = option(definition, 'onQuotaUnavailable')
  if (given === undefined) {
    if (unavailable !== undefined) faults.add('onQuotaUnavailable is for a quota, and there is none')
    return undefined
  }
  if (tenant === undefined) faults.add('a quota needs tenant: the field that says whose it is')
  const of = typeof given === 'function' ? given : undefined
  const limits = of === undefined ? readLimits(given, 'quota', faults) : undefined
  const isNeeded = of !== undefined || (limits?.isCounted ?? false)
  if (unavailable === undefined && isNeeded) {
    faults.add(
      "onQuotaUnavailable must be chosen with a quota: 'closed' refuses calls while Redis is away, 'open' does not",
    )
  } else if (unavailable !== undefined) readWord(unavailable, 'onQuotaUnavailable', UNAVAILABLE, faults)
  return { limits, of, isOpen: unavailable === 'open' }
}

/** What a function said of a tenant. Throws everything that is wrong with it. */
function limitsOf(given) {
  const faults = new Faults()
  const limits = readLimits(given, 'what the function quota returns', faults)
  faults.throwAny()
  return limits
}

function readLimits(given, name, faults) {
  if (!isObject(given)) {
    faults.add(`${name} must be { rate, backlog, inFlight }, at least one of them`)
    return undefined
  }
  expectKnown(given, name, OPTIONS, faults)
  const [rate, backlog, inFlight] = OPTIONS.map((key) => option(given, key))
  if (rate === undefined && backlog === undefined && inFlight === undefined) {
    faults.add(`${name} must have at least one of ${OPTIONS.join(', ')}`)
  }
  return new Limits({
    rate: rate === undefined ? undefined : readRate(rate, `${name}.rate`, faults),
    backlog: backlog === undefined ? undefined : readNumber(backlog, `${name}.backlog`, MOST, faults),
    inFlight: inFlight === undefined ? undefined : readNumber(inFlight, `${name}.inFlight`, MOST, faults),
  })
}

function readRate(given, name, faults) {
  if (!isObject(given)) {
    faults.add(`${name} must be { limit, periodMs, burst }`)
    return undefined
  }
  expectKnown(given, name, RATE_OPTIONS, faults)
  const limit = readNumber(option(given, 'limit'), `${name}.limit`, MOST, faults)
  const periodMs = readNumber(option(given, 'periodMs'), `${name}.periodMs`, LONGEST_PERIOD_MS, faults)
  const burst = option(given, 'burst')
  const rate = {
    limit,
    periodMs,
    burst: burst === undefined ? limit : readNumber(burst, `${name}.burst`, MOST, faults),
  }
  if ((rate.burst * periodMs) / limit > LONGEST_BURST_MS) {
    faults.add(`${name}.burst must not take longer than a year at that rate`, 'ERR_OUT_OF_RANGE')
  }
  return rate
}

function expectKnown(given, name, known, faults) {
  for (const key of Object.keys(given)) if (!known.includes(key)) faults.unknown(`option in ${name}`, key, known)
}

function readNumber(value, name, most, faults) {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  faults.add(`${name} must be an integer from 1 to ${most}`, typeof value === 'number' ? 'ERR_OUT_OF_RANGE' : undefined)
  return 1
}

module.exports = { limitsOf, readQuota }
