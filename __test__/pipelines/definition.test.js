'use strict'
// Definitions that cannot work: everything that is wrong with one is said at once, where it is made.
const { z } = require('zod')
const { Pipeline, ticketTriageDefinition } = require('../..')

const schema = { type: 'object', properties: { orgId: { type: 'string' }, no: { type: 'string' } } }
const definition = { queueName: 'orders', jobName: 'place', schema, jobId: ['orgId', 'no'], connection: 'redis://a' }

function fault(changes) {
  try {
    new Pipeline({ ...definition, ...changes })
  } catch ({ code, cause }) {
    return { code, message: cause.message }
  }
  return undefined
}

test('a definition of each kind can be made', () => {
  for (const fine of [
    {},
    { jobId: () => 'x' },
    { jobId: ['no'], record: [], tenant: 'orgId', encodeIds: true, maxDataBytes: 1 },
    { schema: true },
    { schema: z.object({ orgId: z.string() }), record: ['anything'] },
    { schema: { ...schema, additionalProperties: true }, jobId: ['other'] },
    { jobOptions: {} },
    { jobOptions: { attempts: undefined } },
    { jobOptions: () => ({ delay: 5 }) },
  ]) {
    expect(fault(fine)).toBeUndefined()
  }
})

test('all that is wrong is said at once', () => {
  const wrong = {
    queueName: 'a:b',
    jobName: '',
    schema: { ...schema, requird: [], properties: { ...schema.properties, at: { type: 'date' } } },
    jobId: ['orgid', 'no', 'no'],
    record: 'no',
    tenant: 'orgID',
    encodeIds: 'yes',
    jobOptions: { attempt: 3, delay: 0.5, telemetry: 5, backoff: { delay: 1 }, removeOnFail: { counts: 1 } },
    maxDataBytes: 0.5,
    timeoutMS: 3,
  }
  const { code, message } = fault(wrong)
  expect(code).toBe('ERR_INVALID_ARG_TYPE')
  expect(message.split('; ').sort()).toEqual(
    [
      'unknown option timeoutMS: is timeoutMs meant?',
      "queueName must not contain ':', as BullMQ demands",
      'jobName must be a string that is not empty',
      'schema/properties/at/type must be of null, boolean, integer, number, string, array, object, not date',
      'schema/requird is no keyword of JSON Schema',
      ' is required meant?',
      'unknown field in jobId orgid: is orgId meant?',
      'jobId must not name a field twice',
      'record must be an array of names of fields',
      'unknown field in tenant orgID: is orgId meant?',
      'encodeIds must be true or false',
      'unknown option in jobOptions attempt: is attempts meant?',
      'jobOptions.delay must be whole milliseconds from 0 to 99999999999999',
      'jobOptions.telemetry must be { metadata, omitContext }',
      'jobOptions.backoff.type must be a string',
      'unknown option in jobOptions.removeOnFail counts: is count meant?',
      `maxDataBytes must be an integer from 1 to ${256 * 1024 * 1024}`,
    ]
      .map((line) => line.trim())
      .sort(),
  )
})

test.each([
  ['no definition', undefined],
  ['null', null],
  ['a text', 'orders'],
])('%s is refused', (_, given) => {
  expect(() => new Pipeline(given)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
})

test.each([
  [{ schema: undefined }, 'schema must be a JSON Schema or a Standard Schema'],
  [{ schema: null }, 'schema must be a JSON Schema or a Standard Schema'],
  [{ schema: 'string' }, 'schema must be a JSON Schema or a Standard Schema'],
  [{ schema: { safeParse() {} } }, "schema must have '~standard': newer versions of its library do (zod from 3.24 on)"],
  [{ schema: { '~standard': { version: 2 } } }, "schema['~standard'] must be of version 1 and have validate"],
  [{ schema: { default: 1n } }, 'schema must be JSON: Do not know how to serialize a BigInt'],
  [{ jobId: undefined }, 'jobId must name the fields that make the id, or be a function of the data'],
  [{ jobId: [] }, 'jobId must name 1 to 8 fields'],
  [{ jobId: 'orgId' }, 'jobId must be an array of names of fields'],
  [{ tenant: 3 }, 'tenant must be the name of a field'],
  [{ jobOptions: [] }, "jobOptions must be an object, with options of BullMQ's jobs"],
  [{ queueName: 'metrics' }, "queueName must not be metrics: ids that begin with it would be keys of BullMQ's own"],
  [{ queueName: '0' }, "queueName must not be 0: ids that begin with it would be keys of BullMQ's own"],
  [
    { queueName: 'waiting', jobId: ['no'] },
    "queueName must not be waiting: ids that begin with it would be keys of BullMQ's own",
  ],
  [{ record: ['jobId'], schema: true }, "record must not name jobId, which is the job's own"],
  [{ encodeIds: null }, 'encodeIds must be true or false'],
  [{ schema: { toJSON() {} } }, 'schema must be JSON: it has none'],
  [{ queueName: '\ud800' }, 'queueName must be well-formed Unicode'],
  [{ maxDataBytes: 0 }, `maxDataBytes must be an integer from 1 to ${256 * 1024 * 1024}`, 'ERR_OUT_OF_RANGE'],
])('%p is refused: %s', (changes, message, code = 'ERR_INVALID_ARG_TYPE') => {
  expect(fault(changes)).toEqual({ code, message })
})

test('a definition that was made cannot be changed afterwards', () => {
  const changed = structuredClone({ ...definition, connection: undefined })
  const pipeline = new Pipeline(changed)
  changed.schema.properties.orgId.type = 'number'
  changed.jobId[0] = 'no'
  const { validate, jsonSchema } = pipeline.schema['~standard']
  expect(validate({ orgId: 'x', no: '1' }).issues).toBeUndefined()
  expect(jsonSchema.input({ target: 'draft-2020-12' }).properties.orgId).toEqual({ type: 'string' })
})

test('the definition of tickets is plain data that nobody can change', () => {
  expect(JSON.parse(JSON.stringify(ticketTriageDefinition))).toEqual(ticketTriageDefinition)
  expect(Object.isFrozen(ticketTriageDefinition.schema.properties.summary)).toBe(true)
})

test('a JSON Schema is shown in other dialects only where they have words for it', () => {
  const pipeline = (changes) => new Pipeline({ ...definition, schema: { ...schema, ...changes }, jobId: () => 'x' })
  const shown = (of, target) => of.schema['~standard'].jsonSchema.input({ target })
  expect(shown(pipeline({}), 'openapi-3.0')).toEqual(schema)
  const newer = pipeline({ unevaluatedProperties: false })
  expect(() => shown(newer, 'draft-07')).toThrow('has no words for')
  expect(shown(newer, 'draft-2020-12')).toMatchObject({ unevaluatedProperties: false })
  expect(() => shown(newer, 'draft-04')).toThrow('not supported')
})
