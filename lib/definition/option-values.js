'use strict'
// What the options of BullMQ's jobs may be: each reader gives the JSON of a value as BullMQ stores it, or names what is wrong
// with it. Where BullMQ takes what no worker of it can make sense of, such as half a millisecond or a priority below 0, it is
// refused here.

const { option } = require('../options.js')

const { getPrototypeOf, keys: namesOf, prototype: objectPrototype } = Object

/** BullMQ's own: what lies above would not sort. */
const LOWEST_PRIORITY = 2 ** 21 - 1
/** As many digits as the JSON that BullMQ has Redis write of a number. Some 3000 years. */
const MOST_MS = 99_999_999_999_999

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The names that an object may have, each with a reader of its value, and what they are stored as. */
class Shape {
  #known
  #fronts
  #readers
  #required
  #places = new Map()

  /**
   * @param {Record<string, (value: unknown, name: string, faults: Faults) => string | undefined>} readers
   * @param {{ required?: string[], stored?: Record<string, string> }} [more] `stored` has those that have another name there,
   *   an empty one where members of the value stand among the others
   */
  constructor(readers, { required = [], stored = {} } = {}) {
    this.#known = namesOf(readers)
    this.#readers = Object.values(readers)
    this.#fronts = this.#known.map((key) => frontOf(Object.hasOwn(stored, key) ? stored[key] : key))
    for (const [place, key] of this.#known.entries()) this.#places.set(key, place)
    this.#required = required.map((key) => this.place(key))
  }

  get known() {
    return this.#known
  }

  place(key) {
    return this.#places.get(key)
  }

  /**
   * The JSON of each value, in the order of the readers: undefined where none is given, null where it is a wrong one. Each is
   * read once. Inherited ones count as in other options.
   * @param {(key: string, name: string, faults: Faults) => void} [refuse] what is said of a name that there is not
   */
  read(object, name, faults, refuse = this.#refuse) {
    const texts = new Array(this.#known.length).fill(undefined)
    for (const key of namesOf(object)) {
      const place = this.#places.get(key)
      if (place === undefined) refuse.call(this, key, name, faults)
      else this.#readOne(texts, place, object[key], name, faults)
    }
    const parent = getPrototypeOf(object)
    if (parent !== objectPrototype && parent !== null) {
      for (const [key, place] of this.#places) {
        if (!Object.hasOwn(object, key)) this.#readOne(texts, place, option(object, key), name, faults)
      }
    }
    for (const place of this.#required) {
      if (texts[place] === undefined) this.#readers[place](undefined, `${name}.${this.#known[place]}`, faults)
    }
    return texts
  }

  #readOne(texts, place, value, name, faults) {
    if (value === undefined) return
    texts[place] = this.#readers[place](value, `${name}.${this.#known[place]}`, faults) ?? null
  }

  #refuse(key, name, faults) {
    faults.unknown(`option in ${name}`, key, this.#known)
  }

  /** The JSON of an object that has these. */
  text(texts) {
    let json = ''
    for (let place = 0; place < texts.length; place++) {
      const text = texts[place]
      if (text !== undefined && text !== '') json += (json === '' ? '{' : ',') + this.#fronts[place] + text
    }
    return json === '' ? '{}' : `${json}}`
  }
}

const frontOf = (name) => (name === '' ? '' : `"${name}":`)

/** A number that is of the right type but too large or too small is out of range. */
const codeFor = (value) => (typeof value === 'number' ? 'ERR_OUT_OF_RANGE' : undefined)

const wholeNumber = (least, most, said) => (value, name, faults) => {
  if (Number.isInteger(value) && value >= least && value <= most) return `${value}`
  faults.add(`${name} must be ${said}`, codeFor(value))
}

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER, 'a whole number, 0 or more')
const priority = wholeNumber(0, LOWEST_PRIORITY, `a whole number from 0 to ${LOWEST_PRIORITY}`)
const milliseconds = wholeNumber(0, MOST_MS, `whole milliseconds from 0 to ${MOST_MS}`)
/** BullMQ takes -1 for all of them. */
const kept = wholeNumber(-1, Number.MAX_SAFE_INTEGER, 'a whole number, -1 or more')

function flag(value, name, faults) {
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  faults.add(`${name} must be true or false`)
}

/** Part of a key: with a lone surrogate it would be the key of others as well. */
function id(value, name, faults) {
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return JSON.stringify(value)
  faults.add(`${name} must be a string of well-formed Unicode that is not empty`)
}

/** `<prefix>:<queue>`. A prefix may hold `:`, the name of a queue may not. */
function qualifiedName(value, name, faults) {
  if (typeof value === 'string' && /^.+:[^:]+$/s.test(value) && value.isWellFormed()) return JSON.stringify(value)
  faults.add(`${name} must be the prefix and the name of the parent's queue, as 'bull:orders'`)
}

function word(value, name, faults) {
  if (typeof value === 'string') return JSON.stringify(value)
  faults.add(`${name} must be a string`)
}

const isTime = (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY

function time(value, name, faults) {
  if (isTime(value)) return `${value}`
  faults.add(`${name} must be milliseconds, 0 or more`, codeFor(value))
}

function share(value, name, faults) {
  if (typeof value === 'number' && value >= 0 && value <= 1) return `${value}`
  faults.add(`${name} must be from 0 to 1`, codeFor(value))
}

/** An object of a shape, which `said` names. */
const objectOf = (shape, said) => (value, name, faults) => {
  if (isObject(value)) return shape.text(shape.read(value, name, faults))
  faults.add(`${name} must be ${said}`, codeFor(value))
}

const backoffShape = new Shape({ type: word, delay: time, jitter: share }, { required: ['type'] })
const backoffObject = objectOf(backoffShape, 'milliseconds, or { type, delay, jitter }')

function backoff(value, name, faults) {
  return isTime(value) ? `{"type":"fixed","delay":${value}}` : backoffObject(value, name, faults)
}

const retentionShape = new Shape({ age: kept, count: kept, limit: kept })
const retentionObject = objectOf(retentionShape, 'true, false, a whole number or { age, count, limit }')

function retention(value, name, faults) {
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return Number.isInteger(value) ? kept(value, name, faults) : retentionObject(value, name, faults)
}

const deduplicationShape = new Shape(
  { id, ttl: milliseconds, extend: flag, replace: flag, keepLastIfActive: flag, reschedule: flag },
  { required: ['id'] },
)
const telemetryShape = new Shape(
  { metadata: word, omitContext: flag },
  { stored: { metadata: 'tm', omitContext: 'omc' } },
)
const telemetryObject = objectOf(telemetryShape, '{ metadata, omitContext }')

/** Members of the options, which BullMQ does not store as an object. */
function telemetry(value, name, faults) {
  return telemetryObject(value, name, faults)?.slice(1, -1)
}

const parentShape = new Shape({ id, queue: qualifiedName }, { required: ['id', 'queue'] })

module.exports = {
  Shape,
  backoff,
  count,
  deduplication: objectOf(deduplicationShape, '{ id, ttl, extend, replace, keepLastIfActive, reschedule }'),
  flag,
  isObject,
  milliseconds,
  parent: objectOf(parentShape, '{ id, queue }'),
  priority,
  retention,
  telemetry,
}
