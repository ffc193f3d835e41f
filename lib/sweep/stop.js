'use strict'
// What ends a sweep from outside, amid whatever it waits for: one thing at a time.

class Stop {
  #signal
  #giveUp = () => {}
  #listen = () => this.#giveUp(this.#signal.reason)

  /** @param {AbortSignal | undefined} signal */
  constructor(signal) {
    this.#signal = signal
    signal?.addEventListener('abort', this.#listen, { once: true })
  }

  get isOn() {
    return this.#signal?.aborted === true
  }

  /** Throws its reason where it was given. */
  check() {
    if (this.isOn) throw this.#signal.reason
  }

  /**
   * What the work comes to, unless it is ended before. Not a race with a promise that lasts as long as the signal: that would
   * keep whatever was waited for.
   */
  before(work) {
    if (this.#signal === undefined) return work
    return new Promise((resolve, reject) => {
      this.#giveUp = reject
      work.then(resolve, reject)
      if (this.isOn) reject(this.#signal.reason)
    })
  }

  end() {
    this.#signal?.removeEventListener('abort', this.#listen)
  }
}

module.exports = { Stop }
