'use strict'
// The schema of a definition: a JSON Schema, which is judged natively, or a Standard Schema, whose own validate runs.

const { faultsOfSchema } = require('../native.js')
const { isUsable } = require('../options.js')
const { standardSchema } = require('./standard-schema.js')

/** Keywords by which others than `properties` may declare members. */
const DECLARING = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', 'patternProperties']

/**
 * @returns {{ json?: string, validate?: Function, standard(plan: object): object, declared?: string[] }} `declared` are the
 *   names of all members that the data can have, where that is known
 */
function readSchema(schema, faults) {
  const none = { standard: () => undefined }
  if (schema === undefined) {
    faults.add('schema must be a JSON Schema or a Standard Schema')
    return none
  }
  if (isUsable(schema) && isUsable(schema['~standard'])) return readStandardSchema(schema, faults)
  if (!(isObject(schema) || typeof schema === 'boolean')) {
    faults.add('schema must be a JSON Schema or a Standard Schema')
    return none
  }
  if (typeof schema.safeParse === 'function' || typeof schema.validate === 'function') {
    faults.add("schema must have '~standard': newer versions of its library do (zod from 3.24 on)")
    return none
  }
  return readJsonSchema(schema, faults)
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readStandardSchema(schema, faults) {
  const { version, validate } = schema['~standard']
  if (version !== 1 || typeof validate !== 'function') {
    faults.add("schema['~standard'] must be of version 1 and have validate")
  }
  // Read as often as it is called, as others do.
  return { validate: (value) => schema['~standard'].validate(value), standard: () => schema }
}

function readJsonSchema(schema, faults) {
  let json
  try {
    json = JSON.stringify(schema)
  } catch (error) {
    faults.add(`schema must be JSON: ${error?.message}`)
    return { standard: () => undefined }
  }
  if (json === undefined) {
    faults.add('schema must be JSON: it has none')
    return { standard: () => undefined }
  }
  for (const { pointer, message } of faultsOfSchema(json)) faults.add(`schema${pointer} ${message}`)
  // A copy, as nothing keeps a program from changing its own.
  const copy = JSON.parse(json)
  return { json, standard: (plan, fields) => standardSchema(plan, copy, fields), declared: declaredBy(copy) }
}

function declaredBy(schema) {
  if (!isObject(schema) || !isObject(schema.properties)) return undefined
  const open = DECLARING.some((keyword) => Object.hasOwn(schema, keyword))
  const others = schema.additionalProperties ?? schema.unevaluatedProperties ?? false
  return open || others !== false ? undefined : Object.keys(schema.properties)
}

module.exports = { readSchema }
