'use strict'
// Who watches the calls of a pipeline: its own telemetry, and whoever listens to the tracing channels of the process. Where
// there is neither, this look is all that it costs.

const { BulkWatch } = require('./bulk.js')
const { CallWatch } = require('./call.js')
const { enqueueChannel, enqueueManyChannel } = require('./channels.js')

/** What watches a call that begins now, or undefined. */
function watchCall(definition) {
  const isHeard = enqueueChannel.isHeard
  if (!isHeard && definition.telemetry === undefined) return undefined
  return new CallWatch(definition, isHeard ? enqueueChannel : undefined)
}

/** The same of a bulk. */
function watchBulk(definition) {
  const isHeard = enqueueManyChannel.isHeard
  if (!isHeard && definition.telemetry === undefined) return undefined
  return new BulkWatch(definition, isHeard ? enqueueManyChannel : undefined)
}

module.exports = { watchBulk, watchCall }
