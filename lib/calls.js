'use strict'
// The JavaScript half of a call: it holds the promise and runs the caller's code, the native half holds the job and keeps
// the time. Each call has a slot number that both know it by. Read top to bottom it is the journey of a call.

const { Boundary } = require('./native.js')
const { Call, refuse } = require('./call.js')
const { closed, forbidden, invalidArgument } = require('./error.js')
const { describe, describeLate, notAnInput, refusal } = require('./failure.js')
const { CallOptions, isUsable, readLimits } = require('./options.js')
const { makeOutside, takeStoresOff } = require('./outside.js')
const { isObject, readTicket } = require('./read.js')
const { atEnd, nextTurn } = require('./turns.js')
const { warnOfEviction } = require('./warnings.js')

/** How many calls cross to the native side, or come back, at most and at least before others get their turn. */
const BATCH = 256
const FEW = 16

/** Those of a pipeline that has not been called yet. */
const NO_STATS = { inFlight: 0, waitingForRedis: 0, bytes: 0, connected: false, connects: 0 }

const FAILED = 2
const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** Those with calls in flight, which are to be settled whether anybody still has the pipeline or not. */
const busy = new Set()

/** The async resource of what wakes us: jest asks it whether it holds the process open. */
class Resource {
  boundary

  hasRef() {
    return this.boundary?.deref()?.isBusy() ?? false
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
  #turning = false
  #turn = () => {
    this.#turning = false
    this.#settle()
  }
  #closed
  #drained
  /** Whether the server was looked at since the connection was last replaced. */
  #watched = false

  /**
   * @param {() => object} connect the connection options, asked for at the first call, and again while they are unusable
   * @param {{ timeoutMs: number | undefined, maxInFlight: number | undefined }} options
   */
  constructor(connect, options) {
    const { timeoutMs, maxInFlight } = readLimits(options)
    this.#connect = connect
    this.#timeoutMs = timeoutMs
    this.#maxInFlight = maxInFlight
  }

  enqueue(input, storage, options) {
    // Whatever is thrown in here, a getter's own exception too, rejects the promise as it is.
    return new Promise((resolve, reject) => this.#start(new Call(resolve, reject), input, storage, options))
  }

  // --- read, validate -----------------------------------------------------------------------------------------------

  #start(call, input, storage, options) {
    if (this.#closed !== undefined) return refuse(call, closed())
    const createPending = isUsable(storage) ? storage.createPending : undefined
    if (typeof createPending !== 'function') {
      throw invalidArgument('storage must be an object with a method createPending')
    }
    let timeoutMs = this.#timeoutMs
    let caller
    let tenant
    let authorize
    if (options !== undefined) {
      const told = new CallOptions(options)
      timeoutMs = told.timeoutMs ?? timeoutMs
      caller = told.caller
      tenant = told.tenant
      authorize = told.authorize
    }
    const boundary = this.#boundary ?? this.open()
    if (!isObject(input)) return refuse(call, notAnInput(input))
    const data = readTicket(input)

    // The getters above may have closed it.
    if (this.#closed !== undefined) return refuse(call, closed())
    const slot = this.#free.length > 0 ? this.#free.pop() : this.#calls.push(undefined) - 1
    let begun
    try {
      begun = boundary.begin(slot, data.tenantId, data.ticketId, data.summary, timeoutMs, tenant)
    } finally {
      if (typeof begun !== 'string') this.#free.push(slot)
    }
    if (typeof begun !== 'string') return refuse(call, refusal(begun, boundary))
    call.jobId = begun
    call.slot = slot
    this.#calls[slot] = call
    if (this.#inFlight() === 1) busy.add(this)

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

  /** What the native half holds of us, it holds weakly: a pipeline that nobody has any more lets go of its link. */
  #make() {
    const resource = new Resource()
    const settle = Calls.#settler(new WeakRef(this))
    const boundary = makeOutside(() => new Boundary(settle, resource, this.#maxInFlight))
    resource.boundary = new WeakRef(boundary)
    takeStoresOff(resource)
    return boundary
  }

  /** Not made in `#make`, where it would close over `this`. */
  static #settler(self) {
    return () => self.deref()?.#settle()
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

  /** Waits for the verdict as `#record` does for the record. */
  #authorize(call, authorize, data, caller, createPending, storage, record) {
    call.authorizing = true
    const judged = (verdict) => this.#judged(call, verdict, createPending, storage, record)
    try {
      apply(then, promiseResolve(authorize(data, caller)), [judged, (reason) => this.#abandon(call, reason)])
    } catch (reason) {
      this.#abandon(call, reason)
    }
  }

  #judged(call, verdict, createPending, storage, record) {
    if (call.slot < 0) return
    if (verdict !== true) return this.#abandon(call, forbidden(call.jobId))
    // Its deadline may have passed although nobody was woken for it yet: the loop may have been held up.
    if (!this.#boundary.inTime(call.slot)) return this.#fail(call)
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

  /** The native side sends none whose deadline has passed. */
  #send(call) {
    if (call.slot < 0) return
    // Handing over wakes the writer's thread, which is dear: records made in this turn of the loop go together.
    if (this.#readyCount === 0) {
      atEnd(this.#commit)
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

  // --- settle -------------------------------------------------------------------------------------------------------

  /** Called from the native side when outcomes are there, or deadlines passed. */
  #settle() {
    // Not before the code that awaits the last calls has run.
    if (this.#drained !== undefined && this.#inFlight() === 0) return this.#drained()
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
        this.#fail(call)
      }
    }
    if (count === most) this.#again()
    if (!this.#watched && count > 0) this.#watch()
  }

  /** Settles more in a turn to come: errors are dear, and others want the loop too. */
  #again() {
    if (nextTurn === undefined) return this.#boundary.ring()
    if (this.#turning) return
    this.#turning = true
    nextTurn(this.#turn)
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
  #fail(call) {
    this.#reject(call, describeLate(this.#boundary.failure(call.slot, call.authorizing), call.jobId))
  }

  #reject(call, reason) {
    this.#release(call)
    call.reject(reason)
  }

  #release(call) {
    this.#calls[call.slot] = undefined
    this.#free.push(call.slot)
    call.slot = -1
    if (this.#inFlight() > 0) return
    busy.delete(this)
    if (this.#drained !== undefined) this.#again()
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
      this.#boundary.hold()
      await new Promise((resolve) => {
        this.#drained = resolve
      })
    }
    this.#boundary?.close()
  }

  stats() {
    return { ...(this.#boundary?.stats() ?? NO_STATS), closed: this.#closed !== undefined }
  }
}

module.exports = { Calls }
