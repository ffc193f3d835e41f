'use strict'
// BullMQ's own backend of a queue, made when something needs it.

const { isDiverted } = require('../transport.js')

const ignore = () => {}

class Delegate {
  #make
  #before
  #emit
  #backend
  #closed = false

  /**
   * @param {() => object} make
   * @param {() => Promise<unknown> | undefined} before what a call waits for: the jobs that were handed over before it, which
   *   go over another connection. On one they would be first
   * @param {(event: string, ...args: unknown[]) => void} emit
   */
  constructor(make, before, emit) {
    this.#make = make
    this.#before = before
    this.#emit = emit
  }

  /** @param {string} [what] it is to be asked for */
  get(what) {
    if (isDiverted()) throw needsRedis(what)
    if (this.#backend !== undefined) return this.#backend
    const backend = this.#make()
    for (const event of ['error', 'close']) backend.on(event, (...args) => this.#emit(event, ...args))
    this.#backend = backend
    // One that is asked when all is over answers as one that was closed, and holds nothing open.
    if (this.#closed) Promise.resolve(backend.close(true)).catch(ignore)
    return backend
  }

  async call(name, args) {
    const before = this.#before()
    if (before !== undefined) await before
    const backend = this.get(name)
    return backend[name](...args)
  }

  async close(force) {
    this.#closed = true
    await this.#backend?.close(force)
  }
}

/** A test has no Redis, and it would be wrong to look for one. */
function needsRedis(what) {
  return new Error(
    `${what} of BullMQ's backend needs a Redis: the test transport takes what queue.add adds, and nothing else`,
  )
}

module.exports = { Delegate, needsRedis }
