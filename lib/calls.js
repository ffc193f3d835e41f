'use strict'
// The JavaScript half of a call: it holds the promise and runs the caller's code, the native half holds the job and keeps
// the time. Each call has a slot number that both know it by. Read top to bottom it is the journey of a call, but for its
// first steps, which are in intake.js.

const { makeBoundary } = require('./boundary.js')
const { Call, phases, refuse } = require('./call.js')
const { closed, forbidden } = require('./error.js')
const { describe, describeLate } = require('./failure.js')
const { Handover } = require('./handover.js')
const { Intake } = require('./intake.js')
const { enqueueMany } = require('./many/index.js')
const { readLimits } = require('./options.js')
const { Admission } = require('./quota/admission.js')
const { Settling } = require('./settling.js')
const { Slots } = require('./slots.js')
const { statesOf } = require('./states.js')
const { watchBulk, watchCall } = require('./telemetry/index.js')
const { Outcomes } = require('./telemetry/outcomes.js')
const { Way } = require('./transport.js')
const { Verdict } = require('./verdict.js')

/** Those of a pipeline that has not been called yet. */
const NO_STATS = { inFlight: 0, waitingForRedis: 0, bytes: 0, connected: false, connects: 0 }

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** Those with calls in flight, which are to be settled whether anybody still has the pipeline or not. */
const busy = new Set()

/** The calls of one pipeline, from one JavaScript environment. */
class Calls {
  #definition
  #connect
  #timeoutMs
  #maxInFlight
  #boundary
  #way = new Way()
  #slots = new Slots()
  #outcomes = new Outcomes()
  #intake
  /** Where the pipeline has a quota. */
  #admission
  #handover = new Handover(this)
  #settling
  #closed
  #drained

  /**
   * @param {import('./definition/index.js').Compiled} definition
   * @param {() => object} connect the connection options, asked for at the first call, and again while they are unusable
   * @param {{ timeoutMs: number | undefined, maxInFlight: number | undefined }} options
   */
  constructor(definition, connect, options) {
    const { timeoutMs, maxInFlight } = readLimits(options)
    this.#definition = definition
    this.#intake = new Intake(definition, this)
    const { quota, tenant } = definition
    this.#admission = quota === undefined ? undefined : new Admission(this, quota, tenant)
    this.#settling = new Settling(this, new Verdict(this, definition))
    this.#connect = connect
    this.#timeoutMs = timeoutMs
    this.#maxInFlight = maxInFlight
  }

  enqueue(input, storage, options) {
    const watch = watchCall(this.#definition)
    if (watch === undefined) return this.#enqueue(undefined, input, storage, options)
    return watch.run(() => this.#enqueue(watch, input, storage, options))
  }

  #enqueue(watch, input, storage, options) {
    return new Promise((resolve, reject) => {
      const call = new Call(resolve, reject)
      call.watch = watch
      try {
        this.#start(call, input, storage, options)
      } catch (reason) {
        // Whatever is thrown in there, a getter's own exception too, rejects the promise as it is.
        this.broke(call, reason)
      }
    })
  }

  enqueueMany(inputs, storage, options) {
    const watch = watchBulk(this.#definition)
    if (watch === undefined) return enqueueMany(this, inputs, storage, options, undefined)
    return watch.run(() => enqueueMany(this, inputs, storage, options, watch))
  }

  states(jobIds, options) {
    return statesOf(this, jobIds, options)
  }

  #start(call, input, storage, options) {
    if (this.#closed !== undefined) return this.refuse(call, closed())
    call.tell(storage, options, this.#timeoutMs, this.#definition.tenant)
    this.begin(call, input)
  }

  /** Begins a call that has been told everything but its input. What is thrown in here is what it ends with. */
  begin(call, input) {
    this.#intake.begin(call, input)
  }

  // --- what an intake goes by ---------------------------------------------------------------------------------------

  get boundary() {
    return this.#boundary
  }

  get slots() {
    return this.#slots
  }

  get isClosed() {
    return this.#closed !== undefined
  }

  register(call, slot) {
    this.#slots.give(slot, call)
    if (this.#slots.taken === 1) busy.add(this)
  }

  /** A call that may have waited already ends before its record is made. */
  refuse(call, error) {
    if (call.slot >= 0) return this.abandon(call, error)
    refuse(call, error)
    if (!call.crowded) this.#failed(call, error)
  }

  /** Something threw before the call was begun. */
  broke(call, reason) {
    if (call.slot >= 0) return this.abandon(call, reason)
    this.#failed(call, reason)
    call.reject(reason)
  }

  /** Has the native half made, and calls go where they go now. Throws when the connection options are unusable. */
  ready() {
    if (this.#boundary === undefined) this.open()
    if (this.#way.isOther) this.#way.turn(this.#boundary, () => this.#go(this.#boundary, this.#connect()))
  }

  /** Makes the native half, which connects with the first valid call. Throws when the connection options are unusable. */
  open() {
    const connection = this.#connect()
    const boundary = this.#make()
    try {
      this.#go(boundary, connection)
    } catch (error) {
      boundary.close()
      throw error
    }
    this.#boundary = boundary
    return boundary
  }

  #go(boundary, connection) {
    const failure = boundary.open(connection)
    if (failure) throw describe(failure)
    this.#way.opened(connection)
  }

  #make() {
    return makeBoundary(new WeakRef(this), this.#maxInFlight, this.#definition.plan)
  }

  /** Goes over to another connection, or throws when its options are unusable and stays with the one it has. */
  reconnect(connection) {
    if (this.#closed !== undefined) throw closed()
    const boundary = this.#boundary ?? this.#make()
    try {
      this.#go(boundary, connection)
    } catch (error) {
      if (boundary !== this.#boundary) boundary.close()
      throw error
    }
    this.#boundary = boundary
    this.#settling.moved()
  }

  // --- authorise ----------------------------------------------------------------------------------------------------

  /** Waits for the verdict as `record` does for the record. */
  authorize(call, data) {
    call.phase = phases.Authorizing
    if (call.watch !== undefined) call.watch.step('authorise')
    const { authorize } = call
    const judged = (verdict) => this.#judged(call, verdict)
    try {
      apply(then, promiseResolve(authorize(data, call.caller)), [judged, (reason) => this.abandon(call, reason)])
    } catch (reason) {
      this.abandon(call, reason)
    }
  }

  #judged(call, verdict) {
    if (call.slot < 0) return
    if (verdict !== true) return this.abandon(call, forbidden(call.jobId))
    // Its deadline may have passed although nobody was woken for it yet: the loop may have been held up.
    if (!this.#boundary.inTime(call.slot)) return this.fail(call)
    this.admit(call)
  }

  // --- admit --------------------------------------------------------------------------------------------------------

  /** It is authorised. One whose record is there already was admitted when that was made. */
  admit(call) {
    if (this.#admission === undefined || call.chunk?.keeps === true) this.record(call)
    else this.#admission.admit(call)
  }

  /** @param {number} status whether it may go on */
  answered(call, status) {
    this.#admission.answer(call, status)
  }

  // --- record -------------------------------------------------------------------------------------------------------

  /**
   * Makes the record in the caller's own stack, and waits for whatever createPending returns. As `await` would, but that
   * takes more memory a call and more time.
   */
  record(call) {
    if (call.chunk !== undefined) return call.chunk.accept(call)
    call.phase = phases.Recording
    if (call.watch !== undefined) call.watch.step('record')
    try {
      const made = promiseResolve(apply(call.createPending, call.storage, [call.record]))
      apply(then, made, [() => this.send(call), (reason) => this.abandon(call, reason)])
    } catch (reason) {
      this.abandon(call, reason)
    }
  }

  send(call) {
    if (call.slot < 0) return
    if (call.watch !== undefined) call.watch.step('enqueue')
    this.#handover.add(call.slot)
  }

  /** A question where jobs are waits to be sent. */
  ask() {
    this.#handover.ask()
  }

  /** The caller's code failed: what it threw goes on as it is. */
  abandon(call, reason) {
    if (call.slot < 0) return
    this.#boundary.abandon(call.slot)
    this.reject(call, reason)
  }

  /** A call of which nothing was recorded ends, maybe before its caller has the promise. */
  turnAway(call, error) {
    this.#boundary.abandon(call.slot)
    this.#failed(call, error)
    this.#release(call)
    refuse(call, error)
  }

  // --- settle -------------------------------------------------------------------------------------------------------

  /** Called from the native side when outcomes are there, or deadlines passed. */
  settle() {
    // Not before the code that awaits the last calls has run.
    if (this.#drained !== undefined && this.#slots.taken === 0) return this.#drained()
    this.#settling.settle()
  }

  /** @param {number} status how it ended */
  succeed(call, result, status) {
    this.#outcomes.settled(status)
    if (call.watch !== undefined) call.watch.resolved(call, status, result)
    this.resolve(call, result)
  }

  resolve(call, result) {
    this.#release(call)
    call.resolve(result)
  }

  /** Rejects with an error that the native side describes, and that no frame of the caller's led to. */
  fail(call) {
    this.reject(call, describeLate(this.#boundary.failure(call.slot, call.phase), call.jobId, call.messages))
  }

  reject(call, reason) {
    this.#failed(call, reason)
    this.#release(call)
    call.reject(reason)
  }

  #failed(call, reason) {
    // A question about jobs is none.
    if (!(call instanceof Call)) return
    this.#outcomes.failed(reason)
    if (call.watch !== undefined) call.watch.failed(call, reason)
  }

  #release(call) {
    if (this.#admission !== undefined) this.#admission.release(call)
    this.#slots.release(call)
    if (this.#slots.taken > 0) return
    busy.delete(this)
    if (this.#drained !== undefined) this.#settling.again()
  }

  // --- many and states: what they do with their calls, and what they go by -------------------------------------------

  get timeoutMs() {
    return this.#timeoutMs
  }

  get maxInFlight() {
    return this.#maxInFlight
  }

  get tenant() {
    return this.#definition.tenant
  }

  get isFull() {
    return this.#slots.taken >= this.#maxInFlight
  }

  /** Resolves when a call has ended. */
  ended() {
    return this.#slots.freed()
  }

  /** Whether it still has time. Ends it where it has none. */
  isInTime(call) {
    if (this.#boundary.inTime(call.slot)) return true
    this.fail(call)
    return false
  }

  // --- close --------------------------------------------------------------------------------------------------------

  /** Takes no more calls, and resolves when those in flight are settled, each within its own deadline. */
  close() {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  async #drain() {
    if (this.#slots.taken > 0) {
      this.#boundary.hold()
      await new Promise((resolve) => {
        this.#drained = resolve
      })
    }
    this.#boundary?.close()
  }

  stats() {
    const { telemetry } = this.#definition
    return {
      ...(this.#boundary?.stats() ?? NO_STATS),
      closed: this.#closed !== undefined,
      outcomes: this.#outcomes.counts(),
      telemetryErrors: telemetry === undefined ? 0 : telemetry.errors,
      ...(this.#admission !== undefined && { uncheckedQuotas: this.#admission.unchecked }),
    }
  }
}

module.exports = { Calls }
