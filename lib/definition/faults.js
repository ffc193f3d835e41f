'use strict'
// Everything that is wrong with a definition, so that it is said at once.

const { nearest } = require('../native.js')
const { invalidArgument } = require('../error.js')

class Faults {
  #messages = []
  #codes = new Set()

  /** @param {'ERR_INVALID_ARG_TYPE' | 'ERR_OUT_OF_RANGE'} [code] */
  add(message, code = 'ERR_INVALID_ARG_TYPE') {
    this.#messages.push(message)
    this.#codes.add(code)
  }

  /** Something is called what nothing is. */
  unknown(what, name, known, why = '') {
    const meant = nearest(name, known)
    const rest = meant === null ? why : `is ${meant} meant?`
    this.add([`unknown ${what} ${name}`, rest].filter(Boolean).join(': '))
  }

  throwAny() {
    if (this.#messages.length === 0) return
    const code = this.#codes.has('ERR_INVALID_ARG_TYPE') ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
    throw invalidArgument(this.#messages.join('; '), code)
  }
}

/** One of these words, of which the first is the default. */
function readWord(given, what, words, faults) {
  if (given === undefined) return words[0]
  if (typeof given !== 'string') faults.add(`${what} must be ${words.join(' or ')}`)
  else if (!words.includes(given)) faults.unknown(`value of ${what}`, given, words, `it must be ${words.join(' or ')}`)
  return given
}

module.exports = { Faults, readWord }
