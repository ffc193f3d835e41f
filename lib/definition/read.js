'use strict'
// Reads an untrusted input: whether it is an object, and each declared property once, with an ordinary Get. It happens
// in JavaScript because a Get through Node-API costs some hundred times as much; what was read is judged natively.

const { isArray } = Array

/** @returns {boolean} whether `input` is what zod calls an object. A revoked Proxy throws here, as it does there. */
function isObject(input) {
  return typeof input === 'object' && input !== null && !isArray(input)
}

/**
 * The values of these properties, in the order of the schema, which is the order in which a getter or a Proxy sees it. There
 * are as many as the native side takes, undefined where there is no such property.
 */
function readFields(input, names) {
  const values = [undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined]
  for (let at = 0; at < names.length; at++) values[at] = input[names[at]]
  return values
}

/** An object that has these properties, but for those that are undefined. */
function pick(names, values) {
  const data = {}
  for (let at = 0; at < names.length; at++) {
    const value = values[at]
    if (value !== undefined) put(data, names[at], value)
  }
  return data
}

/** As JSON.parse would: no name means more than another. */
function put(data, name, value) {
  if (name !== '__proto__') data[name] = value
  else Object.defineProperty(data, name, { value, writable: true, enumerable: true, configurable: true })
}

/** The record of a job: its id, and some fields of its data. */
function recordOf(jobId, names, data) {
  const record = { jobId }
  for (let at = 0; at < names.length; at++) put(record, names[at], data?.[names[at]])
  return record
}

module.exports = { isObject, pick, readFields, recordOf }
