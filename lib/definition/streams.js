'use strict'
// How many events the queue keeps, in BullMQ's words: { events: { maxLen } }.

const { isUsable, option } = require('../options.js')

/** @returns {number | undefined} undefined where that is left to what the queue's meta says */
function readStreams(streams, faults) {
  const events = readOne(streams, 'streams', 'events', faults)
  const maxLen = readOne(events, 'streams.events', 'maxLen', faults)
  if (maxLen === undefined) return undefined
  if (Number.isSafeInteger(maxLen) && maxLen >= 0) return maxLen
  faults.add(
    'streams.events.maxLen must be a whole number, 0 or more',
    typeof maxLen === 'number' ? 'ERR_OUT_OF_RANGE' : undefined,
  )
}

/** The one option that this has. */
function readOne(given, name, known, faults) {
  if (given === undefined) return undefined
  if (!isUsable(given) || Array.isArray(given)) return faults.add(`${name} must be an object`)
  for (const key of Object.keys(given)) if (key !== known) faults.unknown(`option in ${name}`, key, [known])
  return option(given, known)
}

module.exports = { readStreams }
