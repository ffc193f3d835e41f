'use strict'
// Where calls go while a test has something in the place of Redis. All copies of the package in a realm know it, as a test may
// load it more than once; nobody else does, so that what one file of tests put there is not there for the next.

const { isUnset } = require('./error.js')
const { version } = require('../package.json')

const KEY = Symbol.for(`enqueue-boundary@${version} transport`)

/** `native` is what calls go to, `test` what the test has of it; both undefined where calls go to Redis. */
const place = findPlace()

function findPlace() {
  const own = { native: undefined, test: undefined }
  // A program may have sealed its global object; then each copy has its own.
  if (!Object.hasOwn(globalThis, KEY)) Reflect.defineProperty(globalThis, KEY, { __proto__: null, value: own })
  return Object.hasOwn(globalThis, KEY) ? globalThis[KEY] : own
}

/** What stands for a connection that is not set, as it need not be while calls do not go there. */
const NOWHERE = Object.freeze({
  __proto__: null,
  host: 'nowhere.invalid',
  port: 6379,
  connectionName: 'enqueue-boundary',
})

/** @param {() => object} read the connection, which throws where that is not set yet */
function orNowhere(read) {
  try {
    return read()
  } catch (error) {
    if (place.native === undefined || !isUnset(error)) throw error
    return NOWHERE
  }
}

/** Whether a test has something in the place of Redis. */
function isDiverted() {
  return place.native !== undefined
}

/** Where the calls of one pipeline go. */
class Way {
  #native
  #prefix
  #isNowhere = false

  /** @param {object} connection that the native half was opened with */
  opened({ host, prefix }) {
    this.#prefix = prefix
    this.#isNowhere = host === NOWHERE.host
  }

  /** Whether they went elsewhere until now. */
  get isOther() {
    return this.#native !== place.native
  }

  /** @param {() => void} reopen where nothing was set when it was opened, which may be by now */
  turn(boundary, reopen) {
    const { native } = place
    if (native === undefined) {
      if (this.#isNowhere) reopen()
      boundary.rejoin()
    } else boundary.divert(native, this.#prefix)
    this.#native = native
  }
}

module.exports = { Way, isDiverted, orNowhere, place }
