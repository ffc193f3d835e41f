'use strict'
// What calls came to, counted since the pipeline was made.

const { CODES } = require('../codes.js')
const { isEnqueueError } = require('../error.js')
const { ADDED, isDuplicate } = require('../outcome.js')

/** What of the caller's own code threw is nobody's code. */
const OTHER = 'OTHER'

/** The code that an error is counted under. */
function codeOf(reason) {
  // An error of the caller's own may be a Proxy, or have getters.
  try {
    if (!isEnqueueError(reason)) return OTHER
    const { code } = reason
    return typeof code === 'string' && CODES[code] !== undefined ? code : OTHER
  } catch {
    return OTHER
  }
}

class Outcomes {
  #created = 0
  #existing = 0
  #deduplicated = 0
  #rejected = { __proto__: null }

  /** @param {number} status of a job, as outcome.js has it */
  settled(status) {
    if (status === ADDED) this.#created += 1
    else if (isDuplicate(status)) this.#existing += 1
    else this.#deduplicated += 1
  }

  failed(reason) {
    const code = codeOf(reason)
    this.#rejected[code] = (this.#rejected[code] ?? 0) + 1
  }

  counts() {
    return {
      created: this.#created,
      existing: this.#existing,
      deduplicated: this.#deduplicated,
      rejected: { ...this.#rejected },
    }
  }
}

module.exports = { Outcomes, codeOf, OTHER }
