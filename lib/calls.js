'use strict'
// The JavaScript half of a call: it holds the promise and runs the caller's code, the native half holds the job and keeps
// the time. Each call has a slot number that both know it by. Read top to bottom it is the journey of a call, but for its
// first steps, which are in intake.js.

const { makeBoundary } = require('./boundary.js')
const { Call, phases, refuse } = require('./call.js')
const { closed, conflict, forbidden, invalidArgument } = require('./error.js')
const { describe, describeLate } = require('./failure.js')
const { Intake } = require('./intake.js')
const { enqueueMany } = require('./many/index.js')
const { CallOptions, isUsable, readLimits } = require('./options.js')
const outcome = require('./outcome.js')
const { Admission } = require('./quota/admission.js')
const { BATCH, Slots } = require('./slots.js')
const { statesOf } = require('./states.js')
const { watchBulk, watchCall } = require('./telemetry/index.js')
const { Outcomes } = require('./telemetry/outcomes.js')
const { atEnd, nextTurn } = require('./turns.js')
const { warnOfEviction } = require('./warnings.js')

/** Those of a pipeline that has not been called yet. */
const NO_STATS = { inFlight: 0, waitingForRedis: 0, bytes: 0, connected: false, connects: 0 }

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

const { ADDED, LOOKED, created, deduplicated, duplicate, hasSameData, isAnswer, isDeduplicated, isDuplicate, queued } =
  outcome

/** Those with calls in flight, which are to be settled whether anybody still has the pipeline or not. */
const busy = new Set()

/** The calls of one pipeline, from one JavaScript environment. */
class Calls {
  #definition
  #connect
  #timeoutMs
  #maxInFlight
  /** What is told of a job that was added. */
  #added
  #boundary
  #slots = new Slots()
  #outcomes = new Outcomes()
  #intake
  /** Where the pipeline has a quota. */
  #admission
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
    this.settle()
  }
  #closed
  #drained
  /** Whether the server was looked at since the connection was last replaced. */
  #watched = false

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
    this.#added = definition.tells ? created : queued
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
    const createPending = isUsable(storage) ? storage.createPending : undefined
    if (typeof createPending !== 'function') {
      throw invalidArgument('storage must be an object with a method createPending')
    }
    call.storage = storage
    call.createPending = createPending
    call.timeoutMs = this.#timeoutMs
    if (options !== undefined) {
      const told = new CallOptions(options, this.#definition.tenant)
      call.timeoutMs = told.timeoutMs ?? call.timeoutMs
      call.caller = told.caller
      call.tenant = told.tenant
      call.authorize = told.authorize
      call.jobOptions = told.jobOptions
    }
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
    return makeBoundary(new WeakRef(this), this.#maxInFlight, this.#definition.plan)
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

  /** The native side sends none whose deadline has passed. */
  send(call) {
    if (call.slot < 0) return
    if (call.watch !== undefined) call.watch.step('enqueue')
    // Handing over wakes the writer's thread, which is dear: records made in this turn of the loop go together.
    if (this.#readyCount === 0) {
      atEnd(this.#commit)
      this.#readyMost = this.#slots.share()
    }
    this.#ready[this.#readyCount++] = call.slot
    if (this.#readyCount === this.#readyMost) this.#commit()
  }

  /** The caller's code failed: what it threw goes on as it is. */
  abandon(call, reason) {
    if (call.slot < 0) return
    this.#boundary.abandon(call.slot)
    this.reject(call, reason)
  }

  // --- settle -------------------------------------------------------------------------------------------------------

  /** Called from the native side when outcomes are there, or deadlines passed. */
  settle() {
    // Not before the code that awaits the last calls has run.
    if (this.#drained !== undefined && this.#slots.taken === 0) return this.#drained()
    const results = this.#results
    const most = this.#slots.share()
    const count = this.#boundary.drain(results, most)
    for (let at = 0; at < 2 * count; at += 2) {
      const call = this.#slots.at(results[at])
      if (call === undefined) continue
      const status = results[at + 1]
      if (status === ADDED) this.#succeed(call, this.#added(call.jobId), status)
      else this.#settleOther(call, status)
    }
    if (count === most) this.#again()
    if (!this.#watched && count > 0) this.#watch()
  }

  /** @param {number} status how it ended, where its job was not added */
  #settleOther(call, status) {
    const { onConflict, tells } = this.#definition
    if (status === LOOKED) return call.answered()
    if (isAnswer(status)) return call.quota.answer(status)
    if (isDeduplicated(status)) {
      const winner = this.#boundary.deduplicatedTo(call.slot)
      return this.#succeed(call, deduplicated(call.jobId, status, winner), status)
    }
    if (!isDuplicate(status)) return this.fail(call)
    const rejects = onConflict === 'reject' && call.chunk?.keeps !== true
    if (rejects && !hasSameData(status)) return this.reject(call, conflict(call.jobId))
    this.#succeed(call, tells ? duplicate(call.jobId, status) : queued(call.jobId), status)
  }

  /** @param {number} status how it ended */
  #succeed(call, result, status) {
    this.#outcomes.settled(status)
    if (call.watch !== undefined) call.watch.resolved(call, status, result)
    this.resolve(call, result)
  }

  resolve(call, result) {
    this.#release(call)
    call.resolve(result)
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

  /** Rejects with an error that the native side describes, and that no frame of the caller's led to. */
  fail(call) {
    this.reject(call, describeLate(this.#boundary.failure(call.slot, call.phase), call.jobId))
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
    if (this.#drained !== undefined) this.#again()
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
