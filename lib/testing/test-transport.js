'use strict'
// What a test holds: the jobs that were enqueued, and what is to be wrong.

const { TestTransport: Native } = require('../native.js')
const { STATES } = require('../outcome.js')
const { place } = require('../transport.js')
const { readJob, vanishes } = require('./jobs.js')
const { matches, noneIs, oneIs } = require('./match.js')
const { readOutage } = require('./outage.js')

/** Those that a job that is there can be in, as far as that is known. */
const KNOWN_STATES = STATES.filter((state) => state !== 'missing' && state !== 'unknown')

class TestTransport {
  #native = new Native()

  install() {
    place.native = this.#native
    place.test = this
  }

  uninstall() {
    if (place.test !== this) return
    place.native = undefined
    place.test = undefined
  }

  reset() {
    this.#native.reset()
  }

  jobs(expected) {
    return this.#native
      .jobs()
      .map(readJob)
      .filter((job) => matches(job, asExpected(expected, 'queueName')))
  }

  job(expected) {
    return this.jobs(asExpected(expected, 'id'))[0]
  }

  expectJob(expected) {
    const wanted = asExpected(expected, 'id')
    const found = this.job(wanted)
    if (found === undefined) throw noneIs(this.jobs(), wanted, this.expectJob)
    return found
  }

  expectNoJob(expected) {
    const found = this.job(expected)
    if (found !== undefined) throw oneIs(found, this.expectNoJob)
  }

  move(job, state) {
    if (!KNOWN_STATES.includes(state)) throw new TypeError(`a job is in one of ${KNOWN_STATES.join(', ')}`)
    const found = this.#find(job)
    const kept = !vanishes(found, state)
    this.#native.moveTo(keyOf(found), state, kept)
    return kept ? { ...found, state } : undefined
  }

  remove(job) {
    this.#native.remove(keyOf(this.#find(job)))
  }

  #find(job) {
    const { id, queueName, prefix } = asExpected(job, 'id')
    const all = this.jobs().filter((it) => it.id === id)
    const found = all.filter(
      (it) => (queueName ?? it.queueName) === it.queueName && (prefix ?? it.prefix) === it.prefix,
    )
    if (found.length === 1) return found[0]
    const what = found.length === 0 ? 'no job' : 'more than one job'
    throw new Error(`there is ${what} of the id ${JSON.stringify(id)}`)
  }

  outage(kind, options) {
    this.#native.setOutage(readOutage(kind, options))
  }

  restore() {
    this.#native.setOutage(undefined)
  }

  advance(ms) {
    if (!Number.isFinite(ms) || ms < 0) throw new TypeError('advance takes milliseconds')
    this.#native.advance(ms)
  }
}

/** What a test says of a job, where a text says one thing of it. */
function asExpected(expected, key) {
  return typeof expected === 'string' ? { [key]: expected } : (expected ?? {})
}

function keyOf({ prefix, queueName, id }) {
  return `${prefix}:${queueName}:${id}`
}

module.exports = { TestTransport }
