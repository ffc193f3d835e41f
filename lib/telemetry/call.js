'use strict'
// What watches one call of `enqueue`: it is told each step as it begins, and how the call ended.

const { now } = require('../clock.js')
const outcome = require('../outcome.js')
const { NAMES, errorType } = require('./attributes.js')
const { tell } = require('./channels.js')

const { ADDED, hasSameData, isDuplicate, stateOf } = outcome

/** What a call came to that did not fail. */
function outcomeOf(status) {
  if (status === ADDED) return 'created'
  return isDuplicate(status) ? 'existing' : 'deduplicated'
}

/** What subscribers see of a call. Nothing of its input but the id. */
class CallContext {
  constructor({ queueName, jobName }) {
    this.queueName = queueName
    this.jobName = jobName
    this.jobId = undefined
    this.outcome = undefined
    this.existing = undefined
    this.steps = []
    // As tracing channels have them: there once it is settled.
    this.result = undefined
    this.error = undefined
  }
}

class CallWatch {
  #telemetry
  #span
  #channel
  #context
  #startedAt = now()
  #step = 'validate'

  /**
   * @param {import('../definition/index.js').Compiled} definition
   * @param {import('./channels.js').Channel | undefined} channel where somebody listens to it
   */
  constructor(definition, channel) {
    this.#telemetry = definition.telemetry
    this.#channel = channel
    if (channel === undefined) return
    this.#context = new CallContext(definition)
    this.#note('validate', this.#startedAt)
  }

  /** Calls `begin`, where what listens has it, and gives the promise that it returns. */
  run(begin) {
    const spanned = () => {
      this.#span = this.#telemetry?.span('add')
      return this.#span === undefined ? begin() : this.#span.run(begin)
    }
    return this.#channel === undefined ? spanned() : this.#channel.trace(this.#context, spanned)
  }

  /** What goes into the job for a worker to find the span by. */
  get metadata() {
    return this.#span?.metadata
  }

  /** Whether a job that has metadata of its own keeps it. */
  get yields() {
    return false
  }

  step(name) {
    this.#step = name
    if (this.#context !== undefined) this.#note(name, now())
  }

  #note(name, at) {
    tell(this.#context, ({ steps }) => steps.push({ name, at }))
  }

  /** @param {number} status of its job, as outcome.js has it */
  resolved({ jobId }, status, result) {
    const found = outcomeOf(status)
    const existing = existingOf(status, result)
    const at = this.#end(jobId, found, existing)
    const span = this.#span
    if (span !== undefined) {
      span.set({ [NAMES.jobName]: this.#telemetry.jobName, [NAMES.jobId]: jobId, [NAMES.outcome]: found })
      if (existing !== undefined) span.set(attributesOf(existing))
      span.end()
    }
    this.#telemetry?.measure('add', at - this.#startedAt, found)
  }

  failed({ jobId }, reason) {
    const at = this.#end(jobId, 'rejected')
    const type = errorType(reason)
    const span = this.#span
    if (span !== undefined) {
      span.set({ [NAMES.outcome]: 'rejected', [NAMES.errorType]: type, [NAMES.step]: this.#step })
      if (jobId !== '') span.set({ [NAMES.jobName]: this.#telemetry.jobName, [NAMES.jobId]: jobId })
      span.fail(reason)
      span.end()
    }
    this.#telemetry?.measure('add', at - this.#startedAt, 'rejected', type)
  }

  #end(jobId, found, existing) {
    const at = now()
    if (this.#context !== undefined) {
      tell(this.#context, (context) => {
        context.outcome = found
        context.existing = existing
        if (jobId !== '') context.jobId = jobId
      })
      this.#note('settle', at)
    }
    return at
  }
}

/** What is told of the job that is there instead, also where the caller is not. */
function existingOf(status, result) {
  if (status === ADDED) return undefined
  if (!isDuplicate(status)) return result.existing
  return { state: stateOf(status), sameData: hasSameData(status) }
}

function attributesOf({ jobId, state, sameData }) {
  const attributes = { [NAMES.existingState]: state }
  if (jobId !== undefined) attributes[NAMES.existingId] = jobId
  if (sameData !== undefined) attributes[NAMES.sameData] = sameData
  return attributes
}

module.exports = { CallWatch, now, outcomeOf }
