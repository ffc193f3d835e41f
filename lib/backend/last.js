'use strict'
// The name and the options of the last job, as they were: most jobs have those of the one before, which then are not made into
// JSON again, nor handed over.

const isPlain = (value) => typeof value !== 'object' || value === null

class Last {
  #name
  /** The JSON of its options. */
  #text
  /** Of each option: its key, its value, and whether that is an object, of which the entries are kept. Only once a second job had the same. */
  #options

  /** Whether a job has these too. */
  is(name, options) {
    if (this.#options === undefined || name !== this.#name) return false
    let at = 0
    for (const key in options) {
      const value = options[key]
      if (key === 'jobId' && value !== '') continue
      const own = this.#options[at++]
      if (own === undefined || own.key !== key) return false
      if (own.isObject ? !isOf(own.value, value) : own.value !== value) return false
    }
    return at === this.#options.length
  }

  /** @param {string | undefined} text the JSON of the options, where the native side has it */
  take(name, options, text) {
    const again = text !== undefined && text === this.#text && name === this.#name
    this.#name = name
    this.#text = text
    this.#options = again ? copyOf(options) : undefined
  }
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

/** Whether an object has these entries and no others. */
function isOf(entries, value) {
  if (isPlain(value) || 'toJSON' in value) return false
  let at = 0
  for (const key in value) {
    const own = entries[at++]
    if (own === undefined || own[0] !== key || own[1] !== value[key]) return false
  }
  return at === entries.length
}

module.exports = { Last }
