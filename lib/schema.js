'use strict'
// The input schema for others: Standard Schema v1 and Standard JSON Schema, validated natively.

const { check, inputJsonSchema, notAnObject } = require('./native.js')
const { issuesOf } = require('./issues.js')
const { isObject, readTicket } = require('./read.js')

const DIALECTS = {
  'draft-2020-12': 'https://json-schema.org/draft/2020-12/schema',
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  'openapi-3.0': undefined,
}

function validate(value) {
  if (!isObject(value)) return { issues: issuesOf(notAnObject(value)) }
  const ticket = readTicket(value)
  const number = check(ticket.tenantId, ticket.ticketId, ticket.summary)
  return number === null ? { value: ticket } : { issues: issuesOf(number) }
}

function jsonSchema({ target }) {
  if (!Object.hasOwn(DIALECTS, target)) {
    throw new Error(`the JSON Schema target ${target} is not supported: use ${Object.keys(DIALECTS).join(', ')}`)
  }
  const { $schema, ...schema } = JSON.parse(inputJsonSchema())
  const dialect = DIALECTS[target]
  return dialect === undefined ? schema : { $schema: dialect, ...schema }
}

const ticketInputSchema = Object.freeze({
  '~standard': Object.freeze({
    version: 1,
    vendor: 'enqueue-boundary',
    validate,
    // Validation changes nothing and drops only what is undeclared, so both sides have the same schema.
    jsonSchema: Object.freeze({ input: jsonSchema, output: jsonSchema }),
  }),
})

module.exports = { ticketInputSchema }
