'use strict'
// The name and the options of the last job, as they were: most jobs have those of the one before, which then are not made into
// JSON again, nor handed over.

const isPlain = (value) => typeof value !== 'object' || value === null

class Last {
  #name
  /** The JSON of its options, but for the id of its deduplication. */
  #text
  /** Of each option: its key, its value, and whether that is an object, of which the entries are kept. Only once a second job had the same. */
  #options
  /** The id of the deduplication of the job that was asked about last, by which it may differ. */
  uniqueId

  /** Whether a job has these too. */
  is(name, options) {
    if (this.#options === undefined || name !== this.#name) return false
    this.uniqueId = undefined
    let at = 0
    for (const key in options) {
      const value = options[key]
      if (key === 'jobId' && value !== '') continue
      const own = this.#options[at++]
      if (own === undefined || own.key !== key) return false
      if (!own.isObject) {
        if (own.value !== value) return false
      } else if (key === UNIQUE) {
        if (!isOf(own.value, value, 'id') || typeof value.id !== 'string') return false
        this.uniqueId = value.id
      } else if (!isOf(own.value, value, undefined)) return false
    }
    return at === this.#options.length
  }

  /** @param {string | undefined} text the JSON of the options, where the native side has it */
  take(name, options, text) {
    const common = text === undefined ? undefined : withoutUniqueId(text, options)
    const again = common !== undefined && common === this.#text && name === this.#name
    this.#name = name
    this.#text = common
    this.#options = again ? copyOf(options) : undefined
  }
}

/** The option whose id is of one job alone. */
const UNIQUE = 'deduplication'

function withoutUniqueId(text, { [UNIQUE]: unique }) {
  if (isPlain(unique)) return text
  return text.replace(`"de":{"id":${JSON.stringify(unique.id)}`, '"de":{"id":')
}

/** Nothing where the options are not so simple that they can be compared. */
function copyOf(options) {
  const copy = []
  for (const key of Object.keys(options)) {
    const value = options[key]
    if (key === 'jobId' && value !== '') continue
    if (isPlain(value)) {
      copy.push({ key, value, isObject: false })
      continue
    }
    const entries = Object.entries(value)
    if (Array.isArray(value) || 'toJSON' in value || !entries.every(([, member]) => isPlain(member))) return undefined
    copy.push({ key, value: entries, isObject: true })
  }
  return copy
}

/** Whether an object has these entries and no others, but for the value of one key. */
function isOf(entries, value, but) {
  if (isPlain(value) || 'toJSON' in value) return false
  let at = 0
  for (const key in value) {
    const own = entries[at++]
    if (own === undefined || own[0] !== key || (own[1] !== value[key] && key !== but)) return false
  }
  return at === entries.length
}

module.exports = { Last }
