'use strict'
// A backend for BullMQ's own classes: what adds jobs goes through the writer, everything else through BullMQ's backend, which
// is made when something needs it.

const { invalidArgument } = require('../error.js')
const { Outcomes } = require('../telemetry/outcomes.js')
const { Adds } = require('./adds.js')
const { backendOver } = require('./backend.js')
const { readConnectionOf } = require('./connection.js')
const { readOptions } = require('./options.js')

/**
 * @param {Function} createRedisBackend BullMQ's own
 * @param {object} [options]
 * @returns {Function} a factory, as BullMQ's classes take one
 */
function boundaryBackend(createRedisBackend, options) {
  if (typeof createRedisBackend !== 'function') {
    throw invalidArgument("boundaryBackend needs BullMQ's createRedisBackend: boundaryBackend(createRedisBackend)")
  }
  const told = readOptions(options)
  let Backend
  const counts = { outcomes: new Outcomes(), delegated: 0 }
  const factory = (name, queueOptions, how) => {
    // Workers and QueueEvents wait on connections of their own, and a FlowProducer is of no queue.
    if (name === '' || how?.blocking || how?.withBlockingConnection) return createRedisBackend(name, queueOptions, how)
    const prefix = queueOptions?.prefix ?? 'bull'
    const connection = {
      __proto__: null,
      ...readConnectionOf(queueOptions?.connection),
      prefix,
      queue: name,
      replicated: told.replicated,
    }
    Backend ??= backendOver(createRedisBackend)
    const adds = new Adds(name, connection, told, counts.outcomes)
    return new Backend({
      name,
      prefix,
      adds,
      counts,
      make: () => createRedisBackend(name, queueOptions, how),
    })
  }
  factory.stats = () => ({ ...counts.outcomes.counts(), delegated: counts.delegated })
  return factory
}

module.exports = { boundaryBackend }
