'use strict'
// Ticket triage: a pipeline like any other.

const { compile } = require('./definition/index.js')

const freeze = (value) => {
  if (typeof value === 'object') Object.values(value).forEach(freeze)
  return Object.freeze(value)
}

const ticketTriageDefinition = freeze({
  queueName: 'ticket-triage',
  jobName: 'triage',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Ticket to triage',
    type: 'object',
    properties: {
      tenantId: { type: 'string', pattern: '^[^:]*$' },
      ticketId: { type: 'string', pattern: '^[^:]*$' },
      summary: { type: 'string', minLength: 1 },
    },
    required: ['tenantId', 'ticketId', 'summary'],
  },
  jobId: ['tenantId', 'ticketId'],
  tenant: 'tenantId',
  jobOptions: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 5000 },
    removeOnComplete: { age: 86400, count: 1000 },
    removeOnFail: { age: 604800 },
  },
})

const ticketTriage = compile(ticketTriageDefinition)
// Of tickets it is told that they are queued, and no more.
ticketTriage.tells = false

module.exports = { ticketInputSchema: ticketTriage.schema, ticketTriage, ticketTriageDefinition }
