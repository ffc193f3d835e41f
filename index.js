'use strict'

const { Calls } = require('./lib/calls.js')
const { readEnvironment } = require('./lib/connection/index.js')
const { EnqueueError, isEnqueueError } = require('./lib/error.js')
const { Pipeline, ticketTriageDefinition } = require('./lib/pipeline.js')
const { readJson } = require('./lib/read-json.js')
const { ticketInputSchema } = require('./lib/schema.js')

// Not a Pipeline: its connection is read at the first call, so that importing this reads no environment.
const ticketTriage = new Calls(() => ({ __proto__: null, ...readEnvironment(), replicated: false }), {
  timeoutMs: undefined,
  maxInFlight: undefined,
})

module.exports.enqueueTicketTriage = (input, storage, options) => ticketTriage.enqueue(input, storage, options)
module.exports.Pipeline = Pipeline
module.exports.ticketTriageDefinition = ticketTriageDefinition
module.exports.ticketInputSchema = ticketInputSchema
module.exports.readJson = readJson
module.exports.EnqueueError = EnqueueError
module.exports.isEnqueueError = isEnqueueError
