'use strict'
// The slot numbers of the calls in flight, by which the native half knows them too.

/** How many calls cross to the native side, or come back, at most and at least before others get their turn. */
const BATCH = 256
const FEW = 16

class Slots {
  /** By slot. */
  #calls = []
  #free = []
  #awaited = []

  /** How many calls have one. */
  get taken() {
    return this.#calls.length - this.#free.length
  }

  /** A free one, which is to be given to a call or back. */
  take() {
    return this.#free.length > 0 ? this.#free.pop() : this.#calls.push(undefined) - 1
  }

  giveBack(slot) {
    this.#free.push(slot)
  }

  give(slot, call) {
    call.slot = slot
    this.#calls[slot] = call
  }

  /** The call that has it, if any. */
  at(slot) {
    return this.#calls[slot]
  }

  release(call) {
    this.#calls[call.slot] = undefined
    this.#free.push(call.slot)
    call.slot = -1
    if (this.#awaited.length > 0) for (const resolve of this.#awaited.splice(0)) resolve()
  }

  /** Resolves when the next one comes free: before those who wait for the call that had it. */
  freed() {
    return new Promise((resolve) => {
      this.#awaited.push(resolve)
    })
  }

  /**
   * How many calls to take in one go: just over half of those in flight, so that callers who make their next call when the
   * last one is answered stay in two groups, and Redis has the one while the other is here.
   */
  share() {
    return Math.min(Math.max((this.taken >> 1) + 1, FEW), BATCH)
  }
}

module.exports = { BATCH, Slots }
