'use strict'
// What watches a bulk of calls: one span and one trace for all of them, and a measurement of each.

const { NAMES, errorType } = require('./attributes.js')
const { now, outcomeOf } = require('./call.js')

/** How many names the span lists, which are all the same. */
const MOST_NAMES = 250

/** What subscribers see of a bulk. */
class BulkContext {
  constructor({ queueName, jobName }) {
    this.queueName = queueName
    this.jobName = jobName
    this.total = 0
    this.created = 0
    this.existing = 0
    this.deduplicated = 0
    this.rejected = 0
    this.result = undefined
    this.error = undefined
  }
}

class BulkWatch {
  #telemetry
  #span
  #channel
  #context

  constructor(definition, channel) {
    this.#telemetry = definition.telemetry
    this.#channel = channel
    this.#context = new BulkContext(definition)
  }

  /** Calls `begin`, where what listens has it, and gives the promise that it returns. */
  run(begin) {
    const spanned = () => {
      const span = this.#telemetry?.span('addBulk')
      if (span === undefined) return begin()
      this.#span = span
      return this.#endWith(span.run(begin))
    }
    return this.#channel === undefined ? spanned() : this.#channel.trace(this.#context, spanned)
  }

  async #endWith(promise) {
    const span = this.#span
    try {
      return await promise
    } catch (reason) {
      span.set({ [NAMES.errorType]: errorType(reason) })
      span.fail(reason)
      throw reason
    } finally {
      const { jobName, total } = this.#context
      const counts = {}
      for (const found of ['created', 'existing', 'deduplicated', 'rejected']) {
        counts[`${NAMES.outcome}.${found}`] = this.#context[found]
      }
      const names = Array(Math.min(total, MOST_NAMES)).fill(jobName)
      span.set({ [NAMES.bulkNames]: names, [NAMES.bulkCount]: total, ...counts })
      span.end()
    }
  }

  /** What watches the calls of one chunk, which begins now. */
  chunk() {
    return new ChunkWatch(this, now())
  }

  get metadata() {
    return this.#span?.metadata
  }

  ended(startedAt, found, error) {
    this.#context.total += 1
    this.#context[found] += 1
    this.#telemetry?.measure('addBulk', now() - startedAt, found, error)
  }
}

/** As a CallWatch, for all calls of a chunk. */
class ChunkWatch {
  #bulk
  #startedAt

  constructor(bulk, startedAt) {
    this.#bulk = bulk
    this.#startedAt = startedAt
  }

  get metadata() {
    return this.#bulk.metadata
  }

  /** As BullMQ's addBulk, which has jobs keep what their options say. */
  get yields() {
    return true
  }

  step() {}

  resolved(_, status) {
    this.#bulk.ended(this.#startedAt, outcomeOf(status))
  }

  failed(_, reason) {
    this.#bulk.ended(this.#startedAt, 'rejected', errorType(reason))
  }
}

module.exports = { BulkWatch }
