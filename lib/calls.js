'use strict'
// The JavaScript half of a call: it holds the promise and runs the caller's code, the native half holds the job. Each
// call has a slot number that both know it by. Read top to bottom it is the journey of a call.

const { Boundary, notAnObject } = require('../binding.js')
const { closed, describe, describeLate, invalidArgument } = require('./error.js')
const { isObject, readTicket } = require('./read.js')
const { warnOfEviction } = require('./warnings.js')

const DEFAULT_TIMEOUT_MS = 5000
const DEFAULT_MAX_IN_FLIGHT = 100_000
/** What a slot number can count to, with room to spare. */
const MAX_IN_FLIGHT = 10_000_000
/** The longest time that a timer can be set for. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** Deadlines closer together than this are dealt with in one sweep. */
const SWEEP_MS = 10
/** How many calls cross to the native side, or come back, at most and at least before others get their turn. */
const BATCH = 256
const FEW = 16

/** Those of a pipeline that has not been called yet. */
const NO_STATS = { inFlight: 0, waitingForRedis: 0, bytes: 0, connected: false, connects: 0 }

const FAILED = 2
const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)
// Taken now, so that a test that fakes time later does not stop calls from being settled.
const { setTimeout, clearTimeout, setImmediate, performance } = globalThis
const { nextTick } = process

/** A call in flight. */
class Call {
  constructor(resolve, reject) {
    this.resolve = resolve
    this.reject = reject
    this.jobId = ''
    /** Its slot, or -1 once it is settled. */
    this.slot = -1
    this.authorizing = false
  }
}

/** The calls of one pipeline, from one JavaScript environment. */
class Calls {
  #connect
  #timeoutMs
  #maxInFlight
  #boundary
  /** By slot. */
  #calls = []
  #free = []
  #ready = new Uint32Array(BATCH)
  #readyCount = 0
  #readyMost = 0
  #commit = () => {
    const count = this.#readyCount
    this.#readyCount = 0
    if (count > 0) this.#boundary.commit(this.#ready, count)
  }
  #results = new Uint32Array(2 * BATCH)
  #timer
  #timerMs = Number.POSITIVE_INFINITY
  #timerDue = Number.POSITIVE_INFINITY
  #closed
  #drained
  /** Whether the server was looked at since the connection was last replaced. */
  #watched = false

  /**
   * @param {() => object} connect the connection options, asked for at the first call, and again while they are unusable
   * @param {{ timeoutMs?: number, maxInFlight?: number }} [options]
   */
  constructor(connect, { timeoutMs = DEFAULT_TIMEOUT_MS, maxInFlight = DEFAULT_MAX_IN_FLIGHT } = {}) {
    this.#connect = connect
    this.#timeoutMs = readTimeout(timeoutMs, 'timeoutMs')
    if (!Number.isInteger(maxInFlight) || maxInFlight < 1 || maxInFlight > MAX_IN_FLIGHT) {
      throw invalidArgument(`maxInFlight must be an integer from 1 to ${MAX_IN_FLIGHT}`, 'ERR_OUT_OF_RANGE')
    }
    this.#maxInFlight = maxInFlight
  }

  enqueue(input, storage, options) {
    // Whatever is thrown in here, a getter's own exception too, rejects the promise as it is.
    return new Promise((resolve, reject) => this.#start(new Call(resolve, reject), input, storage, options))
  }

  // --- read, validate -----------------------------------------------------------------------------------------------

  #start(call, input, storage, options) {
    const createPending = isUsable(storage) ? storage.createPending : undefined
    if (typeof createPending !== 'function') {
      throw invalidArgument('storage must be an object with a method createPending')
    }
    let timeoutMs = this.#timeoutMs
    let caller
    let tenant
    let authorize
    if (options !== undefined) {
      ;({ timeoutMs = timeoutMs, caller, tenant, authorize } = readOptions(options))
    }
    const boundary = this.#boundary ?? this.open()
    if (!isObject(input)) throw describe(notAnObject(input))
    const data = readTicket(input)

    // The getters above may have closed it.
    if (this.#closed !== undefined) throw closed()
    const slot = this.#free.length > 0 ? this.#free.pop() : this.#calls.push(undefined) - 1
    let begun
    try {
      begun = boundary.begin(slot, data.tenantId, data.ticketId, data.summary, timeoutMs, tenant)
    } finally {
      if (typeof begun !== 'string') this.#free.push(slot)
    }
    if (typeof begun !== 'string') throw describe(begun)
    call.jobId = begun
    call.slot = slot
    this.#calls[slot] = call
    // The timer that is set rings in time for a call that has as long as the one it was set for.
    if (timeoutMs < this.#timerMs) this.#arm(timeoutMs)

    const record = { jobId: begun, tenantId: data.tenantId, ticketId: data.ticketId }
    if (authorize === undefined) this.#record(call, createPending, storage, record)
    else this.#authorize(call, authorize, data, caller, createPending, storage, record)
  }

  /** Makes the native half, which connects with the first valid call. Throws when the connection options are unusable. */
  open() {
    const connection = this.#connect()
    const boundary = this.#make()
    const failure = boundary.open(connection)
    if (failure) {
      boundary.close()
      throw describe(failure)
    }
    this.#boundary = boundary
    return boundary
  }

  #make() {
    const resource = { hasRef: () => boundary.isBusy() }
    const boundary = new Boundary(() => this.#settle(), resource, this.#maxInFlight)
    return boundary
  }

  /** Goes over to another connection, or throws when its options are unusable and stays with the one it has. */
  reconnect(connection) {
    if (this.#closed !== undefined) throw closed()
    const boundary = this.#boundary ?? this.#make()
    const failure = boundary.open(connection)
    if (failure) {
      if (boundary !== this.#boundary) boundary.close()
      throw describe(failure)
    }
    this.#boundary = boundary
    this.#watched = false
  }

  // --- authorise ----------------------------------------------------------------------------------------------------

  async #authorize(call, authorize, data, caller, createPending, storage, record) {
    call.authorizing = true
    try {
      const verdict = await authorize(data, caller)
      if (call.slot < 0) return
      if (verdict !== true) {
        return this.#fail(call, this.#boundary.forbid(call.slot))
      }
    } catch (reason) {
      return this.#abandon(call, reason)
    }
    call.authorizing = false
    this.#record(call, createPending, storage, record)
  }

  // --- record -------------------------------------------------------------------------------------------------------

  /**
   * Makes the record in the caller's own stack, and waits for whatever createPending returns. As `await` would, but that
   * takes more memory a call and more time.
   */
  #record(call, createPending, storage, record) {
    try {
      const made = promiseResolve(apply(createPending, storage, [record]))
      apply(then, made, [() => this.#send(call), (reason) => this.#abandon(call, reason)])
    } catch (reason) {
      this.#abandon(call, reason)
    }
  }

  #send(call) {
    if (call.slot < 0) return
    // Handing over wakes the writer's thread, which is dear: records made in this turn of the loop go together.
    if (this.#readyCount === 0) {
      nextTick(this.#commit)
      this.#readyMost = this.#share()
    }
    this.#ready[this.#readyCount++] = call.slot
    if (this.#readyCount === this.#readyMost) this.#commit()
  }

  /** The caller's code failed: what it threw goes on as it is. */
  #abandon(call, reason) {
    if (call.slot < 0) return
    this.#boundary.abandon(call.slot)
    this.#reject(call, reason)
  }

  /** One timer for all calls that wait for the caller's code. It holds no process open, as theirs does not either. */
  #arm(ms) {
    const due = performance.now() + ms
    if (due >= this.#timerDue) return
    clearTimeout(this.#timer)
    this.#timerMs = ms
    this.#timerDue = due
    this.#timer = setTimeout(() => this.#expire(), ms)
    if (this.#closed === undefined) this.#timer.unref()
  }

  #expire() {
    this.#timer = undefined
    this.#timerMs = this.#timerDue = Number.POSITIVE_INFINITY
    const { slots, nextMs } = this.#boundary.expire(BATCH)
    for (const slot of slots) {
      const call = this.#calls[slot]
      this.#fail(call, this.#boundary.late(slot, call.authorizing))
    }
    // Errors are dear: between batches of them, the loop does other things.
    if (slots.length === BATCH) setImmediate(() => this.#expire())
    else if (nextMs !== undefined) this.#arm(Math.max(Math.ceil(nextMs), SWEEP_MS))
  }

  // --- settle -------------------------------------------------------------------------------------------------------

  /** Called from the native side when outcomes are there. */
  #settle() {
    const results = this.#results
    const most = this.#share()
    const count = this.#boundary.drain(results, most)
    for (let at = 0; at < 2 * count; at += 2) {
      const call = this.#calls[results[at]]
      if (call === undefined) continue
      if (results[at + 1] < FAILED) {
        this.#release(call)
        call.resolve({ jobId: call.jobId, status: 'queued' })
      } else {
        this.#fail(call, this.#boundary.failure(call.slot))
      }
    }
    if (count === most) setImmediate(() => this.#settle())
    if (!this.#watched) this.#watch()
  }

  /** An outcome is there, so a link was made: looks once at what kind of server it leads to. */
  #watch() {
    this.#watched = true
    const eviction = this.#boundary.eviction()
    if (eviction) warnOfEviction(eviction)
  }

  /**
   * How many calls to take in one go: just over half of those in flight, so that callers who make their next call when the
   * last one is answered stay in two groups, and Redis has the one while the other is here.
   */
  #share() {
    return Math.min(Math.max((this.#inFlight() >> 1) + 1, FEW), BATCH)
  }

  /** Rejects with an error that the native side describes, and that no frame of the caller's led to. */
  #fail(call, failure) {
    this.#reject(call, describeLate(failure, call.jobId))
  }

  #reject(call, reason) {
    this.#release(call)
    call.reject(reason)
  }

  #release(call) {
    this.#calls[call.slot] = undefined
    this.#free.push(call.slot)
    call.slot = -1
    // Not before the code that awaits the last calls has run.
    if (this.#drained !== undefined && this.#inFlight() === 0) setImmediate(this.#drained)
  }

  // --- close --------------------------------------------------------------------------------------------------------

  #inFlight() {
    return this.#calls.length - this.#free.length
  }

  /** Takes no more calls, and resolves when those in flight are settled, each within its own deadline. */
  close() {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  async #drain() {
    if (this.#inFlight() > 0) {
      // Whoever waits for the end waits for the deadlines of calls that are held up in the caller's own code.
      this.#timer?.ref()
      await new Promise((resolve) => {
        this.#drained = resolve
      })
    }
    clearTimeout(this.#timer)
    this.#boundary?.close()
  }

  stats() {
    return this.#boundary?.stats() ?? { ...NO_STATS }
  }
}

function isUsable(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Reads each option once. `tenant` is what the native side compares: undefined where no caller is to be checked. */
function readOptions(options) {
  if (!isUsable(options)) throw invalidArgument('options must be an object')
  const { timeoutMs, authorize } = options
  const read = { timeoutMs: timeoutMs === undefined ? undefined : readTimeout(timeoutMs, 'options.timeoutMs') }
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw invalidArgument('options.authorize must be a function')
  }
  read.authorize = authorize
  // A route that passes its caller means to have it checked. One that turns out to be undefined, because nobody is
  // signed in, is nobody's tenant and must not pass for "no check".
  if ('caller' in options) {
    read.caller = options.caller
    const tenantId = isUsable(read.caller) ? read.caller.tenantId : undefined
    read.tenant = tenantId === undefined ? null : tenantId
  }
  return read
}

function readTimeout(timeoutMs, name) {
  if (typeof timeoutMs !== 'number') throw invalidArgument(`${name} must be a number`)
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidArgument(`${name} must be over 0 and at most ${MAX_TIMEOUT_MS}`, 'ERR_OUT_OF_RANGE')
  }
  return Math.ceil(timeoutMs)
}

module.exports = { Calls, isUsable }
