'use strict'
// The two ways to make the records of a chunk: in one call of the storage, or in one for each, some at a time.

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** `createPendingMany`, once a chunk. */
class Together {
  #calls
  #make

  /** @param {(records: object[]) => unknown} make */
  constructor(calls, make) {
    this.#calls = calls
    this.#make = make
  }

  /** None waits for another. */
  go() {}

  record(rows) {
    const send = () => {
      for (const row of rows) this.#calls.send(row)
    }
    const abandon = (reason) => {
      for (const row of rows) this.#calls.abandon(row, reason)
    }
    try {
      const made = promiseResolve(this.#make(rows.map(({ record }) => record)))
      apply(then, made, [send, abandon])
    } catch (reason) {
      abandon(reason)
    }
  }
}

/** `createPending`, with a bound on how many are under way. */
class Each {
  #calls
  #make
  #free
  #waiting = []

  /** @param {(record: object) => unknown} make */
  constructor(calls, make, concurrency) {
    this.#calls = calls
    this.#make = make
    this.#free = concurrency
  }

  record(rows) {
    for (const row of rows) this.#waiting.push(row)
    this.go()
  }

  /**
   * The storage is done with it, or its deadline has passed: one that is never made keeps no others from being begun. Begins
   * none, since that is noticed in nobody's stack.
   */
  ended(row) {
    if (!row.storing) return
    row.storing = false
    this.#free += 1
  }

  /** Begins those that wait, as many as may be under way. */
  go() {
    while (this.#free > 0 && this.#waiting.length > 0) {
      const row = this.#waiting.shift()
      if (row.slot >= 0 && this.#calls.isInTime(row)) this.#begin(row)
    }
  }

  #begin(row) {
    row.storing = true
    this.#free -= 1
    try {
      apply(then, promiseResolve(this.#make(row.record)), [
        () => this.#made(row),
        (reason) => this.#failed(row, reason),
      ])
    } catch (reason) {
      this.#calls.abandon(row, reason)
    }
  }

  #made(row) {
    this.ended(row)
    this.#calls.send(row)
    this.go()
  }

  #failed(row, reason) {
    this.#calls.abandon(row, reason)
    this.go()
  }
}

module.exports = { Each, Together }
