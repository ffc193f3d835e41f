'use strict'
// What each tenant may, where a function says it: asked once for all calls that come meanwhile, and remembered for a while.

const { now } = require('../clock.js')
const { isUsable } = require('../options.js')
const { limitsOf } = require('./definition.js')

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** How long what was said of a tenant holds. */
const LIFETIME_MS = 30_000
/** Of how many tenants it is remembered. */
const MOST = 20_000
/** Of a tenant with a longer name it is asked each time: many of those would take all memory. */
const LONGEST = 256

class LimitsOfTenants {
  #ask
  /** Those that were said first come first. */
  #known = new Map()
  #asked = new Map()

  /** @param {(tenant: string) => unknown} ask */
  constructor(ask) {
    this.#ask = ask
  }

  /** The limits, undefined where there are none, or a promise of them. What the function throws is thrown. */
  of(tenant) {
    const known = this.#known.get(tenant)
    if (known !== undefined && known.until > now()) return known.limits
    return this.#asked.get(tenant) ?? this.#askFor(tenant)
  }

  /** A call that waited for it ran out of time: the next one asks anew, as this may never be answered. */
  forget(tenant) {
    this.#asked.delete(tenant)
  }

  #askFor(tenant) {
    const said = this.#ask(tenant)
    if (!isUsable(said) || typeof said.then !== 'function') return this.#keep(tenant, said)
    const asked = apply(then, promiseResolve(said), [
      (limits) => {
        if (this.#asked.get(tenant) === asked) this.#asked.delete(tenant)
        return this.#keep(tenant, limits)
      },
      (reason) => {
        if (this.#asked.get(tenant) === asked) this.#asked.delete(tenant)
        throw reason
      },
    ])
    this.#asked.set(tenant, asked)
    return asked
  }

  #keep(tenant, said) {
    const limits = said === undefined || said === null ? undefined : limitsOf(said)
    if (tenant.length > LONGEST) return limits
    this.#known.delete(tenant)
    this.#known.set(tenant, { limits, until: now() + LIFETIME_MS })
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value)
    return limits
  }
}

module.exports = { LIFETIME_MS, LimitsOfTenants, MOST }
