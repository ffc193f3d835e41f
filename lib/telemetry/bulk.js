'use strict'
// What watches a bulk of calls: one span and one trace for all of them, and a measurement of each.

const { NAMES, errorType } = require('./attributes.js')
const { now, outcomeOf } = require('./call.js')
const { tell } = require('./channels.js')

/** How many names the span lists, which are all the same. */
const MOST_NAMES = 250

/** How many inputs came to what. */
class Counts {
  total = 0
  created = 0
  existing = 0
  deduplicated = 0
  rejected = 0
}

/** What subscribers see of a bulk. */
class BulkContext extends Counts {
  constructor({ queueName, jobName }) {
    super()
    this.queueName = queueName
    this.jobName = jobName
    this.result = undefined
    this.error = undefined
  }
}

class BulkWatch {
  #telemetry
  #span
  #channel
  #context
  #counts = new Counts()

  constructor(definition, channel) {
    this.#telemetry = definition.telemetry
    this.#channel = channel
    if (channel !== undefined) this.#context = new BulkContext(definition)
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
      const { total, ...counts } = this.#counts
      const names = Array(Math.min(total, MOST_NAMES)).fill(this.#telemetry.jobName)
      const told = { [NAMES.bulkNames]: names, [NAMES.bulkCount]: total }
      for (const [found, count] of Object.entries(counts)) told[`${NAMES.outcome}.${found}`] = count
      span.set(told)
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
    this.#counts.total += 1
    this.#counts[found] += 1
    if (this.#context !== undefined) tell(this.#context, (context) => Object.assign(context, this.#counts))
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
