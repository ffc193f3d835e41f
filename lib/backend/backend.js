'use strict'
// The backend of one queue, as BullMQ's Queue has one.

const timers = require('node:timers')
const { closed, withoutFrames } = require('../error.js')
const { Delegate } = require('./delegate.js')
const { lateThere, numberInBulk } = require('./errors.js')
const { isStrange } = require('./job.js')
const { keysOf } = require('./keys.js')
const { likenessOf, sampleOf } = require('./likeness.js')

/** Jobs of one bulk that are in flight at once. */
const WINDOW = 2048
/** The same trouble is told again after so long, in ms. */
const AGAIN = 5000

const { setTimeout, clearTimeout } = timers

const ignore = () => {}

/**
 * The class of backends that are otherwise what this makes.
 * @param {Function} createRedisBackend
 */
function backendOver(createRedisBackend) {
  const Likeness = likenessOf(sampleOf(createRedisBackend), (backend) => Backend.delegateOf(backend))
  class Backend extends Likeness {
    #name
    #prefix
    #adds
    #counts
    #delegate
    /** The last job that BullMQ's backend was given, while that is at work on it. */
    #there
    #ready
    #refuseReady
    #trouble = { text: undefined, at: 0 }
    #wasConnected = false
    /** Undefined until it is closed, as BullMQ asks. */
    closing
    keys

    constructor({ name, prefix, adds, counts, make }) {
      super()
      this.#name = name
      this.#prefix = prefix
      this.#adds = adds
      this.#counts = counts
      this.keys = keysOf(this.qualifiedName)
      this.#delegate = new Delegate(
        make,
        () => this.#settled(),
        (event, ...args) => this.#tell(event, ...args),
      )
      const weak = new WeakRef(this)
      adds.onNews = (...news) => weak.deref()?.#hear(...news)
    }

    static delegateOf(backend) {
      return backend.#delegate
    }

    // --- identity -----------------------------------------------------------------------------------------------------

    get qualifiedName() {
      return `${this.#prefix}:${this.#name}`
    }

    toKey(type) {
      return `${this.qualifiedName}:${type}`
    }

    // --- lifecycle ----------------------------------------------------------------------------------------------------

    waitUntilReady() {
      this.#ready ??= this.#reach()
      return this.#ready
    }

    /** Asks until there is an answer, whatever that is. */
    async #reach() {
      const given = new Promise((_, reject) => {
        this.#refuseReady = reject
      })
      // Nobody may ask any more.
      given.catch(() => {})
      for (;;) {
        try {
          await Promise.race([this.#adds.reach(), given])
          return
        } catch (error) {
          if (this.closing !== undefined) throw error
          if (error.code !== 'QUEUE_UNAVAILABLE') return
        }
      }
    }

    close(force) {
      this.closing ??= this.#close(force)
      return this.closing
    }

    async #close(force) {
      this.#refuseReady?.(closed())
      try {
        await this.#adds.close()
      } finally {
        await this.#delegate.close(force)
      }
    }

    async disconnect() {
      this.closing ??= this.#close(true)
      await this.closing
    }

    #tell(event, ...args) {
      if (event === 'error' && this.listenerCount('error') === 0) return
      this.emit(event, ...args)
    }

    /** The link was made or lost. */
    #hear(connected, problem, code) {
      if (connected) {
        this.#wasConnected = true
        this.#trouble.text = undefined
        return this.#tell('ready')
      }
      if (this.#wasConnected) this.#tell('close')
      this.#wasConnected = false
      const now = performance.now()
      if (this.#trouble.text === problem && now - this.#trouble.at < AGAIN) return
      this.#trouble = { text: problem, at: now }
      this.#tell(
        'error',
        withoutFrames(() => Object.assign(new Error(problem), { code })),
      )
    }

    // --- adding jobs --------------------------------------------------------------------------------------------------

    addJob(job, jobId, parentKeyOpts) {
      if (this.#there !== undefined) return this.#there.then(() => this.addJob(job, jobId, parentKeyOpts))
      if (!isStrange(job, jobId, parentKeyOpts)) {
        const added = this.#adds.add(job, jobId || undefined, parentKeyOpts?.parentKey)
        if (added !== undefined) return added
      }
      return this.#addThere(job, jobId, parentKeyOpts)
    }

    /** Has BullMQ's backend add it, within the time that a job has. What is added after it waits for it. */
    #addThere(job, jobId, parentKeyOpts) {
      this.#counts.delegated += 1
      const { timeoutMs } = this.#adds
      const added = new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(lateThere(jobId || undefined, timeoutMs)), timeoutMs)
        const add = () => this.#delegate.get('addJob').addJob(job, jobId, parentKeyOpts)
        Promise.resolve(this.#adds.settled())
          .then(add)
          .then(resolve, reject)
          .finally(() => clearTimeout(timer))
      })
      const done = added.then(ignore, ignore).then(() => {
        if (this.#there === done) this.#there = undefined
      })
      this.#there = done
      return added
    }

    /** Resolves when all jobs that were handed over are answered for; undefined where they are. */
    #settled() {
      return this.#there?.then(() => this.#adds.settled()) ?? this.#adds.settled()
    }

    async addJobs(entries) {
      const ids = []
      let failed
      const add = async (at, { job, jobId, parentKeyOpts }) => {
        try {
          ids[at] = await this.addJob(job, jobId, parentKeyOpts)
        } catch (error) {
          // As BullMQ has it, some refusals stand where the id would.
          const number = numberInBulk(error)
          if (number === undefined) failed ??= error
          else ids[at] = number
        }
      }
      let adding = []
      for (const [at, entry] of entries.entries()) {
        while (this.#adds.isFull) await this.#adds.ended()
        if (failed !== undefined) break
        adding.push(add(at, entry))
        if (adding.length < WINDOW) continue
        await Promise.all(adding.splice(0, WINDOW / 2))
      }
      await Promise.all(adding)
      adding = []
      if (failed !== undefined) throw failed
      return ids
    }

    setQueueMeta(values) {
      return this.#adds.setMeta(values)
    }
  }
  return Backend
}

module.exports = { backendOver }
