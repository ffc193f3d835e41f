'use strict'
// BullMQ's own backend of a queue, made when something needs it.

class Delegate {
  #make
  #before
  #emit
  #backend

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

  get() {
    if (this.#backend !== undefined) return this.#backend
    const backend = this.#make()
    for (const event of ['error', 'close']) backend.on(event, (...args) => this.#emit(event, ...args))
    this.#backend = backend
    return backend
  }

  async call(name, args) {
    const before = this.#before()
    if (before !== undefined) await before
    const backend = this.get()
    return backend[name](...args)
  }

  async close(force) {
    await this.#backend?.close(force)
  }
}

module.exports = { Delegate }
