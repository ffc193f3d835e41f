'use strict'
// Whether the tenant of a call may enqueue one more job: the step between `authorize` and the record.

const { phases } = require('../call.js')
const { now } = require('../clock.js')
const { EnqueueError, Fields, isEnqueueError } = require('../error.js')
const { describeLate, invalidByLibrary } = require('../failure.js')
const { ADMITTED, REFUSED } = require('../outcome.js')
const { atEnd } = require('../turns.js')
const { LimitsOfTenants } = require('./limits-of-tenants.js')

const { apply } = Reflect
const { then } = Promise.prototype

/** When a tenant may try again is not known where that depends on its other calls and jobs. */
const SOON_MS = 1000
/** So long after an answer its call still has the time that it had then. */
const FRESH_MS = 1

class Admission {
  #calls
  #limits
  #tenants
  #isOpen
  #field
  /** How many calls of each tenant are in flight. */
  #inFlight = new Map()
  #asking = []
  #askAll = () => {
    const asking = this.#asking.splice(0).filter(({ slot }) => slot >= 0)
    if (asking.length === 0) return
    const slots = Uint32Array.from(asking, ({ slot }) => slot)
    const { tenants, places } = tenantsOf(asking)
    this.#calls.boundary.admit(slots, places, tenants, this.#isOpen)
  }
  #answeredAt = 0
  #isSettling = false
  #settle = () => {
    this.#isSettling = false
    this.#calls.boundary.settleQuotas()
  }
  /** Calls that went on although nothing could be counted. */
  unchecked = 0

  /**
   * @param {import('../calls.js').Calls} calls
   * @param {NonNullable<ReturnType<import('./definition.js')['readQuota']>>} quota
   * @param {string} field of the data, which names the tenant
   */
  constructor(calls, { limits, of, isOpen }, field) {
    this.#calls = calls
    this.#limits = limits
    this.#tenants = of === undefined ? undefined : new LimitsOfTenants(of)
    this.#isOpen = isOpen
    this.#field = field
  }

  /** Goes on with the record, at once or later, or ends the call. */
  admit(call) {
    const tenant = call.owner
    if (typeof tenant !== 'string') return this.#calls.abandon(call, nobodys(this.#field))
    if (this.#tenants === undefined) return this.#count(call, tenant, this.#limits)
    let limits
    try {
      limits = this.#tenants.of(tenant)
    } catch (reason) {
      return this.#unknown(call, reason)
    }
    if (!(limits instanceof Promise)) return this.#count(call, tenant, limits)
    call.phase = phases.Admitting
    apply(then, limits, [
      (known) => this.#goOn(call, () => this.#count(call, tenant, known)),
      (reason) => this.#goOn(call, () => this.#unknown(call, reason)),
    ])
  }

  /** After a wait, in which its time may have run out, where it is not known to have some. */
  #goOn(call, next, hasTime = false) {
    if (call.slot < 0 || !(hasTime || this.#calls.isInTime(call))) return
    call.phase = phases.Recording
    next()
  }

  #count(call, tenant, limits) {
    if (limits === undefined) return this.#calls.record(call)
    call.quota = { tenant, limits, answer: undefined }
    if (limits.inFlight !== undefined && !this.#hold(call)) return
    if (!limits.isCounted) return this.#calls.record(call)
    // What follows is in the stores of the call's own request.
    const answered = new Promise((answer) => {
      call.quota.answer = answer
    })
    apply(then, answered, [(status) => this.#answered(call, status)])
    call.phase = phases.Admitting
    if (call.watch !== undefined) call.watch.step('admit')
    if (this.#asking.push(call) === 1) atEnd(this.#askAll)
  }

  #hold(call) {
    const { tenant, limits } = call.quota
    const held = this.#inFlight.get(tenant) ?? 0
    if (held >= limits.inFlight) {
      this.#calls.turnAway(call, limits.bounds.inFlight.exceeded(call.jobId, SOON_MS, limits.policy))
      return false
    }
    this.#inFlight.set(tenant, held + 1)
    call.quota.isHeld = true
    return true
  }

  /**
   * Called when Redis has said whether the call may go on, or could not: it goes on as a promise does, but that nothing of the
   * caller's own runs where it ends at once.
   */
  answer(call, status) {
    if (status === REFUSED) return this.#refused(call)
    this.#answeredAt = now()
    call.quota.answer(status)
  }

  #refused(call) {
    const { limits } = call.quota
    const retryAfterMs = this.#calls.boundary.quotaRefusal(call.slot)
    const error =
      retryAfterMs < 0
        ? limits.bounds.backlog.exceeded(call.jobId, SOON_MS, limits.policy)
        : limits.bounds.rate.exceeded(call.jobId, retryAfterMs, limits.policy)
    this.#calls.reject(call, error)
  }

  #answered(call, status) {
    if (call.slot < 0) return
    if (status === ADMITTED) this.#goOn(call, () => this.#calls.record(call), now() - this.#answeredAt < FRESH_MS)
    else this.#unknown(call, describeLate(this.#calls.boundary.quotaFailure(call.slot), call.jobId))
  }

  #unknown(call, reason) {
    if (this.#isOpen) {
      this.unchecked += 1
      this.#goOn(call, () => this.#calls.record(call))
    } else this.#calls.abandon(call, isEnqueueError(reason) ? reason : unavailable(call.jobId, reason))
  }

  /** The call has ended, however it did. */
  release(call) {
    if (call.quota === undefined) {
      if (call.phase === phases.Admitting) this.#tenants.forget(call.owner)
      return
    }
    const { tenant, limits, isHeld } = call.quota
    if (isHeld) {
      const held = this.#inFlight.get(tenant) - 1
      if (held > 0) this.#inFlight.set(tenant, held)
      else this.#inFlight.delete(tenant)
    }
    if (!limits.isCounted || this.#isSettling) return
    this.#isSettling = true
    atEnd(this.#settle)
  }
}

/** The tenants of these calls with their limits, each once, and which of them each call is of: calls are many, tenants are few. */
function tenantsOf(calls) {
  const tenants = []
  const known = new Map()
  const places = Uint32Array.from(calls, ({ quota: { tenant, limits } }) => {
    let found = known.get(tenant)
    // What a function says may have changed between two calls.
    if (found?.limits !== limits) {
      found = { limits, place: tenants.push(limits.of(tenant)) - 1 }
      known.set(tenant, found)
    }
    return found.place
  })
  return { tenants, places }
}

/** The tenant of its job is no text. */
function nobodys(field) {
  return invalidByLibrary([{ path: [field], message: 'must be a string: it says whose quota it is' }])
}

function unavailable(jobId, cause) {
  const fields = new Fields('QUOTA_UNAVAILABLE', jobId)
  fields.cause = cause
  return new EnqueueError(fields)
}

module.exports = { Admission }
