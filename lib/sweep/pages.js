'use strict'
// The stale records, some at a time, and none of them twice: a query may well give again what it gave before.

const { invalidArgument } = require('../error.js')
const { Source } = require('../many/source.js')
const { isUsable, option } = require('../options.js')

/** A record, and what is known of it. */
class Entry {
  constructor(record) {
    const jobId = isUsable(record) ? option(record, 'jobId') : undefined
    if (typeof jobId !== 'string' || jobId === '') {
      throw invalidArgument('options.pending must give records: objects whose jobId is a text that is not empty')
    }
    this.record = record
    this.jobId = jobId
  }
}

class Pages {
  #told
  #olderThan
  #source
  /** Whether the query that is read gave any that were not known. */
  #fresh = false
  #seen = new Set()
  #after = ''
  /** How many were no records. */
  #unusable = 0
  #closed = false
  /** What is wrong with the first of those, if there is any. */
  wrong
  /** Whether there were no more. */
  isComplete = false

  /** @param {import('./options.js').SweepOptions} told */
  constructor(told) {
    this.#told = told
    this.#olderThan = Date.now() - told.olderThanMs
  }

  /** The next ones; none when there are no more, or as many were given as may be. */
  async next() {
    for (;;) {
      const room = Math.min(this.#told.batch, this.#told.limit - this.#seen.size - this.#unusable)
      if (room === 0) return []
      this.#source ??= await this.#ask()
      // It may have been closed while that was waited for.
      if (this.#closed) return this.close()
      const pulled = await this.#source.pull(room)
      if (pulled.length > 0) {
        const entries = pulled.flatMap((record) => this.#read(record))
        this.#after = entries.at(-1)?.jobId ?? this.#after
        const fresh = entries.filter((entry) => this.#isNew(entry))
        this.#fresh ||= fresh.length > 0
        if (fresh.length > 0) return fresh
        continue
      }
      this.#source.throwIfFailed()
      this.#source = undefined
      if (this.#fresh) continue
      this.isComplete = true
      return []
    }
  }

  async #ask() {
    this.#fresh = false
    const { batch: limit, olderThanMs } = this.#told
    const page = { olderThan: new Date(this.#olderThan), olderThanMs, limit, after: this.#after }
    return new Source(await this.#told.pending(page), 'what options.pending gives')
  }

  /** Nothing of what is no record: it is in the way of no other. */
  #read(record) {
    try {
      return [new Entry(record)]
    } catch (reason) {
      this.#unusable += 1
      this.wrong ??= { reason }
      return []
    }
  }

  #isNew({ jobId }) {
    const before = this.#seen.size
    return this.#seen.add(jobId).size > before
  }

  /** Lets go of records that are not wanted any more. */
  async close() {
    this.#closed = true
    await this.#source?.close()
  }
}

module.exports = { Pages }
