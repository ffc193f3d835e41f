'use strict'
// BullMQ's own backend of a queue, made when something needs it.

class Delegate {
  #make
  #adds
  #emit
  #backend

  /**
   * @param {() => object} make
   * @param {import('./adds.js').Adds} adds which go over another connection
   * @param {(event: string, ...args: unknown[]) => void} emit
   */
  constructor(make, adds, emit) {
    this.#make = make
    this.#adds = adds
    this.#emit = emit
  }

  get() {
    if (this.#backend !== undefined) return this.#backend
    const backend = this.#make()
    for (const event of ['error', 'close']) backend.on(event, (...args) => this.#emit(event, ...args))
    this.#backend = backend
    return backend
  }

  /** Calls a method, after the jobs that were handed over before it: on one connection those would be first. */
  async call(name, args) {
    const settled = this.#adds.settled()
    if (settled !== undefined) await settled
    const backend = this.get()
    return backend[name](...args)
  }

  async close(force) {
    await this.#backend?.close(force)
  }
}

module.exports = { Delegate }
