'use strict'
// Adds of a Queue under a fault, and whether what each of them was told is so in Redis when the fault is over.
const { setImmediate: nextTurn } = require('node:timers/promises')
const { isEnqueueError } = require('../..')

/** The options of jobs, by their number: half of them have an id. */
const KINDS = [
  () => ({}),
  (n) => ({ jobId: `job-${n}` }),
  () => ({ delay: 3_600_000 }),
  (n) => ({ jobId: `job-${n}`, priority: 3 }),
  (n) => ({ deduplication: { id: `one-${n}` } }),
  (n) => ({ jobId: `job-${n}`, lifo: true }),
]
/** What the codes say of a job. */
const UNSENT = ['QUEUE_UNAVAILABLE', 'OVERLOADED', 'CLOSED']
const IN_BULK = 5

class Adds {
  #made = 0
  outcomes = []

  /** @param {import('bullmq').Queue} queue it is called as any program calls it, and no other is made when the fault is over */
  constructor(queue) {
    this.queue = queue
  }

  #next() {
    const n = this.#made++
    return { name: 'go', data: { n }, opts: KINDS[n % KINDS.length](n) }
  }

  #told(jobs, error) {
    if (error !== undefined && !isEnqueueError(error)) throw error
    const code = error?.code ?? 'added'
    for (const { data, opts } of jobs) {
      // Of a bulk that failed nobody is told which jobs were sent.
      const unknown = jobs.length > 1 && error !== undefined
      this.outcomes.push({ n: data.n, isNamed: opts.jobId !== undefined, code, error, unknown })
    }
    return code
  }

  /** Resolves to how it ended. */
  async one() {
    const job = this.#next()
    return this.#end([job], this.queue.add(job.name, job.data, job.opts))
  }

  async bulk() {
    const jobs = Array.from({ length: IN_BULK }, () => this.#next())
    return this.#end(jobs, this.queue.addBulk(jobs))
  }

  async #end(jobs, call) {
    let error
    try {
      await call
    } catch (reason) {
      error = reason
    }
    return this.#told(jobs, error)
  }

  /** So many at once, and a bulk beside them; resolves to how each ended. */
  burst(count) {
    return Promise.all([...Array.from({ length: count }, () => this.one()), this.bulk()])
  }

  /** Goes on until it is told to stop. */
  load(width) {
    let stopped = false
    const one = async () => {
      while (!stopped) {
        await this.one()
        await nextTurn()
      }
    }
    const all = Promise.all(Array.from({ length: width }, one))
    return async () => {
      stopped = true
      await all
    }
  }

  /** How often each ending came. */
  get codes() {
    return [...new Set(this.outcomes.map(({ code }) => code))].sort()
  }

  /** Looks at what is there. Over the queue itself, which has to work again. */
  async audit() {
    const there = new Map()
    for (const { data } of await this.queue.getJobs()) there.set(data.n, (there.get(data.n) ?? 0) + 1)
    const wrong = []
    for (const { n, code, isNamed, error, unknown } of this.outcomes) {
      const count = there.get(n) ?? 0
      const right = unknown || code === 'OUTCOME_UNKNOWN' ? count <= 1 : count === (code === 'added' ? 1 : 0)
      if (!right) wrong.push(`${code} and ${count} times there: ${n}`)
      if (code === 'OUTCOME_UNKNOWN' && error.retryable !== isNamed && !unknown)
        wrong.push(`retryable is wrong of ${n}`)
      if (code !== 'added' && !UNSENT.includes(code) && code !== 'OUTCOME_UNKNOWN') wrong.push(`${n} ended in ${code}`)
    }
    expect(wrong).toEqual([])
  }
}

module.exports = { Adds }
