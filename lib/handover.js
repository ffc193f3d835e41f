'use strict'
// Hands jobs whose records are made, and questions where jobs are, to the writer. That wakes its thread, which is dear, and what
// goes together shares a script: those of one turn of the loop do.

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

  #asks = false
  #made = 0
  #send = () => {
    this.#asks = false
    this.#made = 0
    this.#calls.boundary.sendQuestions()
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

  /** A question is to be sent, which the native side has. */
  ask() {
    if (this.#asks) return
    this.#asks = true
    atEnd(this.#send)
  }

  /** A job is to be sent that came as it is, which the native side has. */
  made() {
    if (this.#made === 0) this.#most = this.#calls.slots.share()
    this.ask()
    this.#made += 1
    if (this.#made === this.#most) this.#send()
  }
}

module.exports = { Handover }
