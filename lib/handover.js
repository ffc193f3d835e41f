'use strict'
// Hands jobs whose records are made to the native side. That wakes the writer's thread, which is dear: those of one turn of
// the loop go together.

const { BATCH } = require('./slots.js')
const { atEnd } = require('./turns.js')

class Handover {
  #calls
  #ready = new Uint32Array(BATCH)
  #count = 0
  #most = 0
  #commit = () => {
    const count = this.#count
    this.#count = 0
    if (count > 0) this.#calls.boundary.commit(this.#ready, count)
  }

  /** @param {import('./calls.js').Calls} calls */
  constructor(calls) {
    this.#calls = calls
  }

  /** The native side sends none whose deadline has passed. */
  add(slot) {
    if (this.#count === 0) {
      atEnd(this.#commit)
      this.#most = this.#calls.slots.share()
    }
    this.#ready[this.#count++] = slot
    if (this.#count === this.#most) this.#commit()
  }
}

module.exports = { Handover }
