'use strict'
// What a program says of all the queues that have this backend.

const { Faults, readWord } = require('../definition/faults.js')
const { invalidArgument } = require('../error.js')
const { isUsable, option, readLimits } = require('../options.js')

const OPTIONS = ['timeoutMs', 'maxInFlight', 'durability']

function readOptions(options = {}) {
  if (!isUsable(options)) throw invalidArgument('the options of boundaryBackend must be an object')
  const faults = new Faults()
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) faults.unknown('option', key, OPTIONS)
  }
  const durability = readWord(option(options, 'durability'), 'durability', ['primary', 'replica'], faults)
  faults.throwAny()
  const limits = readLimits({ timeoutMs: option(options, 'timeoutMs'), maxInFlight: option(options, 'maxInFlight') })
  return { ...limits, replicated: durability === 'replica' }
}

module.exports = { readOptions }
