'use strict'
// The same rules for others: Standard Schema and Standard JSON Schema.
const { z } = require('zod')
const { ticketInputSchema } = require('..')

const { validate, jsonSchema, version, vendor } = ticketInputSchema['~standard']

test('it is a Standard Schema v1', () => {
  expect({ version, vendor }).toEqual({ version: 1, vendor: 'enqueue-boundary' })
})

test('a valid ticket comes back as a new object with the declared properties alone', () => {
  const ticket = { tenantId: 't', ticketId: 'k', summary: 's' }
  const input = { ...ticket, extra: 1 }
  const result = validate(input)
  expect(result).toStrictEqual({ value: ticket })
})

test('an invalid one comes back with the issues that enqueueing reports', () => {
  expect(validate({ tenantId: 't', ticketId: 'a:b' })).toStrictEqual({
    issues: [
      {
        path: ['ticketId'],
        pointer: '/ticketId',
        code: 'invalid_format',
        message: "ticketId must not contain ':', which separates the parts of a job id",
      },
      { path: ['summary'], pointer: '/summary', code: 'invalid_type', message: 'summary is required' },
    ],
  })
  expect(validate('ticket').issues).toMatchObject([{ path: [], pointer: '', code: 'invalid_type' }])
  expect(validate({ tenantId: '\ud800', ticketId: 'k', summary: 's' }).issues).toMatchObject([
    { path: ['tenantId'], code: 'invalid_format' },
  ])
})

test('a ticket that would be too large for a job is invalid as a whole', () => {
  const issues = validate({ tenantId: 't', ticketId: 'k', summary: 'x'.repeat(2 ** 20) }).issues
  expect(issues).toMatchObject([{ path: [], pointer: '', code: 'too_big' }])
})

test('the JSON Schema accepts and refuses what validation does, as zod reads it', () => {
  const schema = z.fromJSONSchema(jsonSchema.input({ target: 'draft-2020-12' }))
  for (const value of [
    { tenantId: 't', ticketId: 'k', summary: 's' },
    { tenantId: '', ticketId: '', summary: ' ', extra: {} },
    { tenantId: 'a:b', ticketId: 'k', summary: 's' },
    { tenantId: 't', ticketId: 'k', summary: '' },
    { tenantId: 't', ticketId: 'k' },
    { tenantId: 't', ticketId: 7, summary: 's' },
    [],
    null,
  ]) {
    expect(schema.safeParse(value).success).toBe(validate(value).issues === undefined)
  }
})

test('the JSON Schema is given in each target of the standard, and another is refused', () => {
  const targets = { 'draft-2020-12': /2020-12/, 'draft-07': /draft-07/, 'openapi-3.0': undefined }
  for (const [target, dialect] of Object.entries(targets)) {
    for (const side of [jsonSchema.input, jsonSchema.output]) {
      const schema = side({ target })
      expect(Object.keys(schema.properties)).toEqual(['tenantId', 'ticketId', 'summary'])
      expect(schema.required).toEqual(['tenantId', 'ticketId', 'summary'])
      if (dialect) expect(schema.$schema).toMatch(dialect)
      else expect(schema).not.toHaveProperty('$schema')
    }
  }
  for (const target of ['draft-03', 'toString']) expect(() => jsonSchema.input({ target })).toThrow(target)
})
