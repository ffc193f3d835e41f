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
  // One after the other: each place in here sees one name only, as long as there is one pipeline, and is fast with that.
  const count = names.length
  return [
    input[names[0]],
    count > 1 ? input[names[1]] : undefined,
    count > 2 ? input[names[2]] : undefined,
    count > 3 ? input[names[3]] : undefined,
    count > 4 ? input[names[4]] : undefined,
    count > 5 ? input[names[5]] : undefined,
    count > 6 ? input[names[6]] : undefined,
    count > 7 ? input[names[7]] : undefined,
  ]
}

const PLAIN = { writable: true, enumerable: true, configurable: true }

/** An object that has these properties, but for those that are undefined. No name means more than another. */
function pick(names, values) {
  const data = {}
  for (let at = 0; at < names.length; at++) {
    const value = values[at]
    if (value === undefined) continue
    if (names[at] === '__proto__') Object.defineProperty(data, '__proto__', { value, ...PLAIN })
    else data[names[at]] = value
  }
  return data
}

/** Makes the records of jobs: the id, and some fields of the data. */
class RecordMaker {
  #names
  /** To be copied, which costs far less than to give an object one property after the other. */
  #template
  #places

  /**
   * @param {string[]} names of the fields
   * @param {string[] | null} read the properties that are read one by one
   */
  constructor(names, read) {
    this.#names = names
    this.#template = pick(['jobId', ...names], ['', ...names])
    this.#places = read === null ? [] : names.map((name) => read.indexOf(name))
  }

  ofData(jobId, data) {
    const record = { ...this.#template }
    record.jobId = jobId
    for (const name of this.#names) record[name] = data?.[name]
    return record
  }

  /** Of values as `readFields` gives them. */
  ofFields(jobId, values) {
    const record = { ...this.#template }
    record.jobId = jobId
    const names = this.#names
    for (let at = 0; at < names.length; at++) record[names[at]] = values[this.#places[at]]
    return record
  }
}

module.exports = { RecordMaker, isObject, pick, readFields }
