'use strict'
// How many events the queue keeps, in BullMQ's words: { events: { maxLen } }.

const { Shape, count, isObject } = require('./option-values.js')

/** The only option that there is, read with its reader. */
const only = (key, read) => {
  const shape = new Shape({ [key]: read })
  return (value, name, faults) => {
    if (isObject(value)) return shape.read(value, name, faults)[0] ?? undefined
    faults.add(`${name} must be an object`)
  }
}

const readEvents = only('events', only('maxLen', count))

/** @returns {number | undefined} undefined where that is left to what the queue's meta says */
function readStreams(streams, faults) {
  const maxLen = streams === undefined ? undefined : readEvents(streams, 'streams', faults)
  return maxLen === undefined ? undefined : Number(maxLen)
}

module.exports = { readStreams }
