'use strict'
// Where inputs come from: pulled as they are needed, and never all at once.

const { isUsable } = require('../options.js')
const { invalidArgument } = require('../error.js')

class Source {
  #iterator
  #next
  #isAsync
  /** Whether there is no more to come. */
  #over = false
  #failed = false
  #reason
  /** How many there are, as far as that is known: of an array. */
  length

  /**
   * @param {unknown} inputs what a program gave
   * @param {string} [what] it is called
   */
  constructor(inputs, what = 'inputs') {
    const own = isUsable(inputs) ? inputs[Symbol.asyncIterator] : undefined
    const make = own ?? (isUsable(inputs) ? inputs[Symbol.iterator] : undefined)
    if (typeof make !== 'function') throw invalidArgument(`${what} must be an array, an iterable or an async iterable`)
    this.#isAsync = make === own
    this.#iterator = Reflect.apply(make, inputs, [])
    this.#next = this.#iterator.next
    this.length = Array.isArray(inputs) ? inputs.length : Number.POSITIVE_INFINITY
  }

  /** The next inputs, up to so many; none when there are no more, whether they ended or failed. */
  async pull(count) {
    const inputs = []
    try {
      while (!this.#over && inputs.length < count) {
        const told = Reflect.apply(this.#next, this.#iterator, [])
        const { done, value } = this.#isAsync ? await told : told
        if (done) this.#over = true
        else inputs.push(value)
      }
    } catch (reason) {
      this.#over = true
      this.#failed = true
      this.#reason = reason
    }
    return inputs
  }

  /** Throws what the inputs ended with, if that was an error. */
  throwIfFailed() {
    if (this.#failed) throw this.#reason
  }

  /** Lets go of inputs that are not wanted any more. */
  async close() {
    if (this.#over) return
    this.#over = true
    await this.#iterator.return?.()
  }
}

module.exports = { Source }
