'use strict'
// The options of a pipeline's jobs, in the words of BullMQ's JobsOptions and with its meaning, as it stores them.

const { isUsable } = require('../options.js')

/** By name: what the option is stored as, and what is wrong with a value, if anything. */
const OPTIONS = {
  attempts: { wrong: count },
  backoff: { wrong: backoff, stored: (value) => (typeof value === 'number' ? { type: 'fixed', delay: value } : value) },
  removeOnComplete: { wrong: retention },
  removeOnFail: { wrong: retention },
  keepLogs: { wrong: count, name: 'kl' },
  stackTraceLimit: { wrong: count },
  sizeLimit: { wrong: count },
}

/** Those of BullMQ that jobs of ours cannot have. */
const OTHERS = {
  jobId: 'is made as the definition says',
  repeat: 'is for job schedulers',
  debounce: 'is no option of BullMQ 6: it has deduplication',
}
const NOT_YET = [
  ...['delay', 'priority', 'lifo', 'timestamp', 'deduplication', 'parent', 'failParentOnFailure'],
  ...['continueParentOnFailure', 'ignoreDependencyOnFailure', 'removeDependencyOnFailure', 'telemetry'],
]

function count(value) {
  return Number.isInteger(value) && value >= 0 ? undefined : 'must be a whole number, 0 or more'
}

const isTime = (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY

const BACKOFF = ['type', 'delay', 'jitter']

function backoff(value) {
  if (isTime(value)) return undefined
  if (!isUsable(value) || typeof value.type !== 'string') return 'must be milliseconds, or { type, delay, jitter }'
  if (!Object.keys(value).every((key) => BACKOFF.includes(key))) return `must have nothing but ${BACKOFF.join(', ')}`
  if (value.delay !== undefined && !isTime(value.delay)) return 'must have milliseconds for its delay'
  const { jitter = 0 } = value
  return typeof jitter === 'number' && jitter >= 0 && jitter <= 1 ? undefined : 'must have a jitter from 0 to 1'
}

const RETENTION = ['age', 'count', 'limit']

function retention(value) {
  if (typeof value === 'boolean' || isCount(value)) return undefined
  if (!isUsable(value) || Array.isArray(value)) return 'must be true, false, a number or { age, count }'
  const wrong = Object.entries(value).find(
    ([key, it]) => !RETENTION.includes(key) || !(it === undefined || isCount(it)),
  )
  return wrong === undefined ? undefined : `must have whole numbers for ${RETENTION.join(', ')}, and nothing else`
}

// BullMQ takes -1 for all of them.
const isCount = (value) => Number.isInteger(value) && value >= -1

/**
 * @returns {{ text: string, sizeLimit: number | undefined }} `text` is the JSON of the options, without the id
 */
function jobOptionsJson(options, faults) {
  // BullMQ has every job say how often it is tried.
  const stored = { attempts: 0 }
  if (options === undefined) return { text: JSON.stringify(stored), sizeLimit: undefined }
  if (!isUsable(options) || Array.isArray(options)) {
    faults.add("jobOptions must be an object, with options of BullMQ's jobs")
    return { text: '{}', sizeLimit: undefined }
  }
  for (const [key, value] of Object.entries(options)) {
    const known = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined
    if (known === undefined) refuse(key, faults)
    else if (value !== undefined) {
      const wrong = known.wrong(value)
      if (wrong !== undefined) faults.add(`jobOptions.${key} ${wrong}`)
      else stored[known.name ?? key] = known.stored?.(value) ?? value
    }
  }
  return { text: JSON.stringify(stored), sizeLimit: stored.sizeLimit }
}

function refuse(key, faults) {
  if (Object.hasOwn(OTHERS, key)) faults.add(`jobOptions.${key} ${OTHERS[key]}`)
  else if (NOT_YET.includes(key)) faults.add(`jobOptions.${key} cannot be given yet`)
  else faults.unknown('option in jobOptions', key, [...Object.keys(OPTIONS), ...NOT_YET])
}

module.exports = { jobOptionsJson }
