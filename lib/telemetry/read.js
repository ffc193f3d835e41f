'use strict'
// The option `telemetry`, in BullMQ's shape: what of it is used must be there.

const { isUsable, option } = require('../options.js')

const METHODS = {
  tracer: ['startSpan'],
  contextManager: ['active', 'with', 'getMetadata'],
  meter: ['createCounter', 'createHistogram'],
}

/** @returns {{ tracer: object, contextManager: object, meter?: object } | undefined} each read once */
function readTelemetry(given, faults) {
  if (given === undefined) return undefined
  if (!isUsable(given)) {
    faults.add('telemetry must be an object with a tracer and a contextManager, as BullMQ takes it')
    return undefined
  }
  const parts = {}
  for (const name of Object.keys(METHODS)) parts[name] = option(given, name)
  for (const [name, methods] of Object.entries(METHODS)) {
    const part = parts[name]
    if (part === undefined && name === 'meter') continue
    for (const method of methods) {
      if (isUsable(part) && typeof part[method] === 'function') continue
      faults.add(`telemetry.${name} must have a method ${method}`)
    }
  }
  return parts
}

module.exports = { readTelemetry }
