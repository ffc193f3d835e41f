'use strict'
// The keys of a queue, by the names that BullMQ asks for them.

const NAMES = [
  ...['', 'active', 'wait', 'waiting-children', 'paused', 'id', 'delayed', 'prioritized', 'stalled-check', 'completed'],
  ...['failed', 'stalled', 'repeat', 'limiter', 'meta', 'events', 'pc', 'marker', 'de'],
]

/** @param {string} queue its qualified name */
function keysOf(queue) {
  return Object.fromEntries(NAMES.map((name) => [name, `${queue}:${name}`]))
}

module.exports = { keysOf }
