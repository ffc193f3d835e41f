'use strict'
// Many calls as one: inputs are pulled and go through in chunks, two of which are under way at once, so that Redis has the one
// while the other is validated; the outcomes are handed over in order.

const { closed } = require('../error.js')
const { isUsable } = require('../options.js')
const { nextTurn } = require('../turns.js')
const { Chunk } = require('./chunk.js')
const { BulkOptions } = require('./options.js')
const { Source } = require('./source.js')

/** Chunks under way at once. */
const UNDER_WAY = 2

/** Inputs of the first of several chunks, since Redis has nothing to do while it is validated. Each next one has twice as many. */
const FIRST = 64

/**
 * @param {import('../calls.js').Calls} calls
 * @param {import('../telemetry/bulk.js').BulkWatch | undefined} watch where somebody listens
 * @returns {Promise<object[] | { total: number, queued: number, rejected: number }>} what each came to, or with a listener how
 *   many came to what
 */
async function enqueueMany(calls, inputs, storage, options, watch) {
  if (calls.isClosed) throw closed()
  const told = new BulkOptions(calls, storage, options)
  const source = new Source(inputs)
  const results = told.onOutcome === undefined ? new List() : new Listener(told.onOutcome)
  const underWay = []
  let size = source.length <= told.chunk ? told.chunk : Math.min(FIRST, told.chunk)
  try {
    let pulled = await source.pull(size)
    while (pulled.length > 0) {
      const chunk = new Chunk(calls, told.recorder, watch?.chunk())
      const begun = chunk.begin(pulled, told.call)
      pulled = pulled.slice(begun)
      if (begun > 0) underWay.push(chunk)
      else if (underWay.length === 0) await calls.ended()
      // Inputs that are all refused must not keep everything else from its turn.
      await turn()
      if (underWay.length === UNDER_WAY || pulled.length > 0) await settleOldest(underWay, results)
      if (pulled.length > 0) continue
      size = Math.min(2 * size, told.chunk)
      pulled = await source.pull(size)
    }
    while (underWay.length > 0) await settleOldest(underWay, results)
  } catch (reason) {
    await stop(source, underWay)
    throw reason
  }
  source.throwIfFailed()
  return results.end()
}

async function settleOldest(underWay, results) {
  const oldest = underWay.shift()
  if (oldest === undefined) return
  await oldest.settled
  await results.take(oldest.outcomes)
}

/** After an error of the listener's: no more is pulled, and what is under way comes to its end. */
async function stop(source, underWay) {
  try {
    await source.close()
  } catch {
    // The first error is the one that is told.
  }
  for (const chunk of underWay) await chunk.settled
}

const turn = () => (nextTurn === undefined ? undefined : new Promise((resolve) => nextTurn(resolve)))

/** Keeps all outcomes. */
class List {
  #outcomes = []

  take(outcomes) {
    for (const outcome of outcomes) this.#outcomes.push(outcome)
  }

  end() {
    return this.#outcomes
  }
}

function sortOf({ status, created }) {
  if (status !== 'queued') return status
  return created ? 'created' : 'existing'
}

/** Hands each outcome to whoever listens, and counts. */
class Listener {
  #listen
  #total = 0
  #counts = { created: 0, existing: 0, deduplicated: 0, rejected: 0 }

  constructor(listen) {
    this.#listen = listen
  }

  async take(outcomes) {
    for (const outcome of outcomes) {
      this.#counts[sortOf(outcome)] += 1
      const heard = Reflect.apply(this.#listen, undefined, [outcome, this.#total++])
      if (isUsable(heard) && typeof heard.then === 'function') await heard
    }
  }

  end() {
    return { total: this.#total, ...this.#counts }
  }
}

module.exports = { enqueueMany }
