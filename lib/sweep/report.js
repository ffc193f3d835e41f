'use strict'
// Says what became of each record, to whoever is to mark it, and counts.

/** Whatever went wrong with more of them is told to `onRejected` alone. */
const MOST_REJECTIONS = 100

class Report {
  #told
  #stop
  #counts = { created: 0, existing: 0, deduplicated: 0, finished: 0, rejected: 0 }
  #rejections = []

  /**
   * @param {import('./options.js').SweepOptions} told
   * @param {{ isOn: boolean }} stop whether nothing more is to be begun
   */
  constructor(told, stop) {
    this.#told = told
    this.#stop = stop
  }

  /** Tells what became of each of these records, some at a time. */
  async tell(outcomes) {
    const rest = outcomes.values()
    const inTurn = async () => {
      for (const [entry, outcome] of rest) {
        if (this.#stop.isOn) return
        await this.#tellOne(entry, outcome)
      }
    }
    const turns = Array.from({ length: Math.min(this.#told.concurrency, outcomes.length) }, inTurn)
    // What `onRejected` throws ends the sweep, once those are done that are under way.
    const failed = (await Promise.allSettled(turns)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #tellOne({ record, jobId }, outcome) {
    const { sort, listen, what } = this.#read(jobId, outcome)
    let error = outcome.error
    if (sort !== 'rejected') {
      try {
        await listen?.(record, what)
        this.#counts[sort] += 1
        return
      } catch (reason) {
        // It may have thrown since it was told to stop as well.
        if (this.#stop.isOn) return
        error = reason
      }
    }
    this.#counts.rejected += 1
    if (this.#rejections.length < MOST_REJECTIONS) this.#rejections.push({ record, error })
    await this.#told.onRejected?.(record, error)
  }

  /** What an outcome is counted as, who hears of it, and what is said. */
  #read(jobId, { status, created, existing }) {
    const { onDeduplicated, onFinished, onQueued } = this.#told
    if (status === 'rejected') return { sort: 'rejected' }
    if (created) return { sort: 'created', listen: onQueued, what: { jobId, created } }
    if (status === 'deduplicated') {
      return { sort: 'deduplicated', listen: onDeduplicated, what: { jobId, existing } }
    }
    const { state } = existing
    if (state === 'completed' || state === 'failed') {
      return { sort: 'finished', listen: onFinished, what: { jobId, state } }
    }
    return { sort: 'existing', listen: onQueued, what: { jobId, created: false, state } }
  }

  /** @param {boolean} complete whether there were no more */
  end(complete) {
    const looked = Object.values(this.#counts).reduce((sum, count) => sum + count, 0)
    return { looked, ...this.#counts, rejections: this.#rejections, complete }
  }
}

module.exports = { Report }
