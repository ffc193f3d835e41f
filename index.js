'use strict'

const { Calls } = require('./lib/calls.js')
const { readEnvironment } = require('./lib/connection/index.js')
const { EnqueueError, isEnqueueError } = require('./lib/error.js')
const { Pipeline } = require('./lib/pipeline.js')
const { readJson } = require('./lib/read-json.js')
const { orNowhere } = require('./lib/transport.js')
const { ticketInputSchema, ticketTriage, ticketTriageDefinition } = require('./lib/tickets.js')

// Not a Pipeline: its connection is read at the first call, so that importing this reads no environment.
const read = () => ({ __proto__: null, ...orNowhere(readEnvironment), replicated: false })
const tickets = new Calls(ticketTriage, read, {
  timeoutMs: undefined,
  maxInFlight: undefined,
})

module.exports.enqueueTicketTriage = (input, storage, options) => tickets.enqueue(input, storage, options)
module.exports.Pipeline = Pipeline
module.exports.ticketTriageDefinition = ticketTriageDefinition
module.exports.ticketInputSchema = ticketInputSchema
module.exports.readJson = readJson
module.exports.EnqueueError = EnqueueError
module.exports.isEnqueueError = isEnqueueError
