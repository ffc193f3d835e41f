'use strict'
// One call: what it is told, and how it ends when it is not even begun.

const { invalidArgument } = require('./error.js')
const { Phase: phases } = require('./native.js')
const { CallOptions, isUsable } = require('./options.js')
const { afterThis } = require('./turns.js')

class Call {
  constructor(resolve, reject) {
    this.resolve = resolve
    this.reject = reject
    this.jobId = ''
    /** Its slot, or -1 where it has none: not yet, or no more. */
    this.slot = -1
    /** What its errors say, where that is not what their codes say. */
    this.messages = undefined
    /** What it waits for in the caller's own code. */
    this.phase = phases.Recording
    this.timeoutMs = 0
    this.storage = undefined
    this.createPending = undefined
    this.record = undefined
    /** Who calls, and what the native side compares: undefined where no caller is to be checked. */
    this.caller = undefined
    this.tenant = undefined
    this.authorize = undefined
    /** Options of its own job. */
    this.jobOptions = undefined
    /** Whose job it is, and what it is held to, where its pipeline has a quota. */
    this.owner = undefined
    this.quota = undefined
    /** The chunk whose records are made together, where it is one of many. */
    this.chunk = undefined
    /** Whether there was no room for it, and it comes again: one of many. */
    this.crowded = false
    /** What is told its steps and its end, where somebody listens. */
    this.watch = undefined
  }

  /**
   * What a program says of it. Throws what is wrong with that.
   * @param {number} timeoutMs where the options do not say
   * @param {string | undefined} tenant the field that names it
   */
  tell(storage, options, timeoutMs, tenant) {
    const createPending = isUsable(storage) ? storage.createPending : undefined
    if (typeof createPending !== 'function') {
      throw invalidArgument('storage must be an object with a method createPending')
    }
    this.storage = storage
    this.createPending = createPending
    this.timeoutMs = timeoutMs
    if (options === undefined) return
    const told = new CallOptions(options, tenant)
    this.timeoutMs = told.timeoutMs ?? timeoutMs
    this.caller = told.caller
    this.tenant = told.tenant
    this.authorize = told.authorize
    this.jobOptions = told.jobOptions
  }

  /**
   * Rejects once the caller has the promise and may await it: Node takes note of each promise that is rejected while nobody
   * does, which costs more than all the rest of a refusal.
   */
  refuse(error) {
    if (refused.push(this, error) === 2) afterThis(rejectRefused)
  }
}

/** Calls that were refused and do not know it yet, each followed by its error. */
let refused = []

function rejectRefused() {
  const now = refused
  refused = []
  for (let at = 0; at < now.length; at += 2) now[at].reject(now[at + 1])
}

/** Ends a call that is not even begun. */
function refuse(call, error) {
  call.refuse(error)
}

module.exports = { Call, phases, refuse }
