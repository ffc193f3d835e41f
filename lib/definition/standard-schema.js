'use strict'
// A JSON Schema for others: Standard Schema v1 and Standard JSON Schema, validated natively.

const { notAnObject } = require('../native.js')
const { issuesOf } = require('../issues.js')
const { toJson } = require('./json.js')
const { isObject, pick, readFields } = require('./read.js')

const DIALECTS = {
  'draft-2020-12': 'https://json-schema.org/draft/2020-12/schema',
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  'openapi-3.0': undefined,
}

/** Keywords that mean the same in all of these. */
const COMMON = [
  ...['title', 'description', 'default', 'type', 'enum', 'format', 'pattern', 'required'],
  ...['minLength', 'maxLength', 'minimum', 'maximum', 'multipleOf', 'minItems', 'maxItems', 'uniqueItems'],
  ...['minProperties', 'maxProperties'],
]
/** What those are that hold schemas. */
const HOLDING = {
  items: (it) => [it],
  additionalProperties: (it) => [it],
  not: (it) => [it],
  properties: Object.values,
}
for (const keyword of ['allOf', 'anyOf', 'oneOf']) HOLDING[keyword] = (it) => it

/** Whether a schema says the same in each dialect. */
function isCommon(schema) {
  if (typeof schema === 'boolean') return true
  return Object.entries(schema).every(([keyword, value]) => {
    if (Object.hasOwn(HOLDING, keyword)) return HOLDING[keyword](value).every(isCommon)
    return COMMON.includes(keyword) && !(keyword === 'type' && Array.isArray(value))
  })
}

/**
 * @param {object} plan which judges
 * @param {object | boolean} schema what it was made of
 * @param {string[] | null} fields the properties that are read one by one
 */
function standardSchema(plan, schema, fields) {
  function validateFields(value) {
    if (!isObject(value)) return { issues: issuesOf(notAnObject(value)) }
    const read = readFields(value, fields)
    const [a, b, c, d, e, f, g, h] = read
    const number = plan.check(a, b, c, d, e, f, g, h)
    return number === null ? { value: pick(fields, read) } : { issues: issuesOf(number) }
  }

  function validateJson(value) {
    const { json, issue } = toJson(value)
    if (issue !== undefined) return { issues: [{ path: [], pointer: '', ...issue }] }
    if (json === undefined) return { issues: issuesOf(notAnObject(value)) }
    const kept = plan.judge(json, false)
    return typeof kept === 'number' ? { issues: issuesOf(kept) } : { value: JSON.parse(kept ?? json) }
  }

  function jsonSchema({ target }) {
    if (!Object.hasOwn(DIALECTS, target)) {
      throw new Error(`the JSON Schema target ${target} is not supported: use ${Object.keys(DIALECTS).join(', ')}`)
    }
    if (typeof schema === 'boolean') return schema ? {} : { not: {} }
    const { $schema, ...rest } = structuredClone(schema)
    if (target !== 'draft-2020-12' && !isCommon(rest)) {
      throw new Error(`this schema says something that ${target} has no words for: use draft-2020-12`)
    }
    const dialect = DIALECTS[target]
    return dialect === undefined ? rest : { $schema: dialect, ...rest }
  }

  return Object.freeze({
    '~standard': Object.freeze({
      version: 1,
      vendor: 'enqueue-boundary',
      validate: fields === null ? validateJson : validateFields,
      // Validation changes nothing and drops only what is undeclared, so both sides have the same schema.
      jsonSchema: Object.freeze({ input: jsonSchema, output: jsonSchema }),
    }),
  })
}

module.exports = { standardSchema }
