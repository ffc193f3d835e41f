'use strict'

const { EnqueueError, isEnqueueError } = require('./lib/error.js')
const { Pipeline } = require('./lib/pipeline.js')
const { ticketInputSchema } = require('./lib/schema.js')

const ticketTriage = new Pipeline(() => process.env.REDIS_URL)

module.exports.enqueueTicketTriage = (input, storage, options) => ticketTriage.enqueue(input, storage, options)
module.exports.ticketInputSchema = ticketInputSchema
module.exports.EnqueueError = EnqueueError
module.exports.isEnqueueError = isEnqueueError
