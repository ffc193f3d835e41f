'use strict'
// The jobs of one queue that are on their way to Redis, and what else is asked of it over the same link. A call has a slot
// number that the native half knows it by.

const { makeBoundary } = require('../boundary.js')
const { closed } = require('../error.js')
const { describe, describeLate, refusal } = require('../failure.js')
const { Handover } = require('../handover.js')
const { Plan } = require('../native.js')
const { ADDED, LOOKED, NAMED, isDeduplicated, isDuplicate } = require('../outcome.js')
const { Settling } = require('../settling.js')
const { Slots } = require('../slots.js')
const { statesOf } = require('../states.js')
const { Way, isDiverted } = require('../transport.js')
const { needsRedis } = require('./delegate.js')
const { inBullWords } = require('./errors.js')
const { Last } = require('./last.js')
const { textOfOptions } = require('./job.js')

/** Those with calls in flight, which are to be settled whether anybody still has the queue or not. */
const busy = new Set()

/** A call: of `queue.add`, or one that sets the meta. */
class Call {
  constructor(resolve, reject, jobId, parentKey, counts) {
    this.resolve = resolve
    this.reject = reject
    this.jobId = jobId
    this.parentKey = parentKey
    this.counts = counts
    this.slot = -1
    this.phase = 0
  }
}

/** In place of the number of a code: the job is not for us. */
const ONLY_BULLMQ = -1

/** What settles the promise that was made last: a function for each promise to keep them in would be dear. */
const ways = { resolve: undefined, reject: undefined }
const keepWays = (resolve, reject) => {
  ways.resolve = resolve
  ways.reject = reject
}

const NO_PLAN = {
  __proto__: null,
  jobName: '',
  jobOptions: '{}',
  idFields: [],
  encodeIds: false,
  maxDataBytes: 1,
  idReuse: 0,
}

class Adds {
  boundary
  #way = new Way()
  slots = new Slots()
  timeoutMs
  #outcomes
  #maxInFlight
  #handover = new Handover(this)
  #settling = new Settling(this, { settle: (call, status) => this.#settle(call, status) })
  /** Of the last job without an id, and of the last one with one: what the native side has of it. */
  #last = [new Last(), new Last()]
  /** Adds one that is like the last. */
  #addLikeLast
  /** The last job that was begun: those before it are answered first. */
  #latest
  /** Calls that are not settled: questions are waited for by nobody but who asked. */
  #inFlight = 0
  #listening = false
  #closed = false
  #drained
  /** Told when the link was made or lost. */
  onNews = () => {}

  /** Throws when the connection can never be used. */
  constructor(queueName, connection, { timeoutMs, maxInFlight }, outcomes) {
    this.timeoutMs = timeoutMs
    this.#maxInFlight = maxInFlight
    this.#outcomes = outcomes
    this.boundary = makeBoundary(new WeakRef(this), maxInFlight, new Plan({ ...NO_PLAN, queueName }))
    this.#addLikeLast = this.boundary.likeLast(timeoutMs)
    const failure = this.boundary.open(connection)
    this.#way.opened(connection)
    if (failure === null) return
    this.boundary.close()
    throw describe(failure)
  }

  /**
   * @param {object} job as BullMQ's Job has it for a backend
   * @returns {Promise<string> | undefined} its id; nothing where only BullMQ can add it
   */
  add(job, jobId, parentKey) {
    const added = new Promise(keepWays)
    const call = new Call(ways.resolve, ways.reject, jobId, parentKey, true)
    try {
      if (!this.#begin(call, job)) return undefined
    } catch (error) {
      call.reject(error)
    }
    // One that is refused is answered before those that are on their way.
    if (call.slot >= 0) this.#latest = added
    return added
  }

  #begin(call, job) {
    if (this.#closed) {
      this.#refuse(call, closed())
      return true
    }
    this.ready()
    const { boundary, slots, timeoutMs } = this
    const { jobId } = call
    const { name, opts, data } = job
    // Of another type it is for BullMQ to take, or to refuse.
    const timestamp = typeof job.timestamp === 'number' ? job.timestamp : Number.NaN
    const last = this.#last[jobId === undefined ? 0 : 1]
    const isLast = last.is(name, opts)
    const options = isLast ? undefined : textOfOptions(opts)
    const id = jobId === undefined ? '' : jobId
    const slot = slots.take()
    let refused = ONLY_BULLMQ
    try {
      if (isLast) refused = this.#addLike(last, slot, id, data, timestamp)
      // What is not well-formed for sure is looked at more closely.
      if (refused === ONLY_BULLMQ) {
        const text = options ?? textOfOptions(opts)
        refused = boundary.addMade(slot, timeoutMs, id, name, text, data, timestamp)
        last.take(name, opts, refused === null ? text : undefined)
      }
    } finally {
      if (refused !== null) slots.giveBack(slot)
    }
    if (refused === null) {
      this.register(call, slot)
      this.#inFlight += 1
      this.#handover.made()
      return true
    }
    if (refused === ONLY_BULLMQ) return false
    this.#refuse(call, refusal(refused, boundary, 0))
    return true
  }

  #addLike({ uniqueId }, slot, id, data, timestamp) {
    if (uniqueId === undefined) return this.#addLikeLast(slot, id, data, timestamp)
    return this.#addLikeLast(slot, id, data, timestamp, uniqueId)
  }

  #refuse(call, error) {
    this.#outcomes.failed(error)
    call.reject(error)
  }

  /** Whether one more call would be refused. */
  get isFull() {
    return this.slots.taken >= this.#maxInFlight
  }

  /** Resolves when a call has ended. */
  ended() {
    return this.slots.freed()
  }

  /** Resolves when all jobs that were begun before are answered for; undefined where they are. */
  settled() {
    if (this.#inFlight === 0 || this.#latest === undefined) return undefined
    return this.#latest.then(ignore, ignore)
  }

  /** @returns {Promise<number>} how many fields it added */
  setMeta(values) {
    const fields = Object.entries(values).flatMap(([field, value]) => [field, String(value)])
    // A test sees the jobs of a queue, and not what is said of it. A Queue that is made says it, and takes no for an answer.
    if (isDiverted()) return Promise.reject(needsRedis('setQueueMeta'))
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closed()
      this.ready()
      const call = new Call((added) => resolve(Number(added)), reject, '', undefined, false)
      const slot = this.slots.take()
      const refused = this.boundary.setMeta(slot, this.timeoutMs, fields)
      if (refused !== null) {
        this.slots.giveBack(slot)
        throw refusal(refused, this.boundary, 0)
      }
      this.register(call, slot)
      this.#inFlight += 1
      this.#handover.ask()
    })
  }

  // --- the link -----------------------------------------------------------------------------------------------------

  get isConnected() {
    return this.boundary.stats().connected
  }

  /** Asks the server something, within the time that a job has. Resolves when it has answered, and begins to tell news. */
  reach() {
    if (isDiverted()) return Promise.resolve()
    this.ready()
    if (!this.#listening && !this.#closed) {
      const refused = this.#listen()
      if (refused !== null) return Promise.reject(refusal(refused, this.boundary, 0))
      this.#listening = true
    }
    return statesOf(this, [''])
  }

  /** Begins to tell news of the link. It may stand already: another queue may have it too, and making one takes little. */
  #listen() {
    const refused = this.boundary.listen()
    if (refused === null && this.isConnected) this.heard()
    return refused
  }

  /** The link was made or lost. */
  heard() {
    if (this.#closed) return
    const { connected, lastProblem, lastProblemCode } = this.boundary.stats()
    if (connected) this.#settling.moved()
    // What listeners throw is theirs, and not that of the calls that are settled beside it.
    queueMicrotask(() => this.onNews(connected, lastProblem, lastProblemCode))
  }

  // --- what a question goes by, and how calls are settled --------------------------------------------------------------

  get isClosed() {
    return this.#closed
  }

  /** It is open from the start. Has calls go where they go now. */
  ready() {
    if (!this.#way.isOther) return
    this.#way.turn(this.boundary, ignore)
    // The link that it heard of was let go.
    if (this.#listening && !isDiverted()) this.#listen()
  }

  register(call, slot) {
    this.slots.give(slot, call)
    if (this.slots.taken === 1) busy.add(this)
  }

  ask() {
    this.#handover.ask()
  }

  resolve(call, result) {
    this.#release(call)
    call.resolve(result)
  }

  reject(call, error) {
    this.#release(call)
    call.reject(error)
  }

  #release(call) {
    this.slots.release(call)
    if (call instanceof Call) this.#inFlight -= 1
    if (this.slots.taken === 0) busy.delete(this)
    if (this.#inFlight === 0 && this.#drained !== undefined) this.#settling.again()
  }

  /** Called from the native side when outcomes are there. */
  settle() {
    // Not before the code that awaits the last calls has run.
    if (this.#drained !== undefined && this.#inFlight === 0) return this.#drained()
    this.#settling.settle()
  }

  #settle(call, status) {
    if (status === LOOKED) return call.answered()
    if (status === ADDED || isDuplicate(status)) return this.#succeed(call, status, call.jobId)
    if (status === NAMED) return this.#succeed(call, ADDED, this.boundary.named(call.slot))
    if (isDeduplicated(status)) return this.#succeed(call, status, this.boundary.deduplicatedTo(call.slot))
    const error = describeLate(this.boundary.failure(call.slot, call.phase), call.jobId)
    if (!(call instanceof Call)) return this.reject(call, error)
    if (call.counts) this.#outcomes.failed(error)
    this.reject(call, inBullWords(error, call))
  }

  #succeed(call, status, id) {
    if (call.counts) this.#outcomes.settled(status)
    this.resolve(call, id)
  }

  // --- close --------------------------------------------------------------------------------------------------------

  /** Takes no more, and resolves when what is in flight is settled, each within its own deadline. */
  async close() {
    this.#closed = true
    if (this.#inFlight > 0) {
      this.boundary.hold()
      await new Promise((resolve) => {
        this.#drained = resolve
      })
    }
    this.boundary.close()
    busy.delete(this)
  }
}

const ignore = () => {}

module.exports = { Adds }
