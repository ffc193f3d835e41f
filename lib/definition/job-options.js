'use strict'
// The options of jobs, in the words of BullMQ's JobsOptions and with its rules, as it stores them: those of a pipeline, of
// what is enqueued where they are a function of the data, and of one call.

const { Faults } = require('./faults.js')
const values = require('./option-values.js')

const { Shape, count, flag, isObject, milliseconds, retention } = values

/** The names that some are stored under; those of telemetry stand beside the others. */
const STORED = {
  keepLogs: 'kl',
  removeDependencyOnFailure: 'rdof',
  failParentOnFailure: 'fpof',
  continueParentOnFailure: 'cpof',
  ignoreDependencyOnFailure: 'idof',
  deduplication: 'de',
  telemetry: '',
}
/** In the order in which they are stored. */
const OPTIONS = new Shape(
  {
    attempts: count,
    delay: milliseconds,
    priority: values.priority,
    lifo: flag,
    timestamp: milliseconds,
    backoff: values.backoff,
    removeOnComplete: retention,
    removeOnFail: retention,
    keepLogs: count,
    stackTraceLimit: count,
    sizeLimit: count,
    parent: values.parent,
    removeDependencyOnFailure: flag,
    failParentOnFailure: flag,
    continueParentOnFailure: flag,
    ignoreDependencyOnFailure: flag,
    deduplication: values.deduplication,
    telemetry: values.telemetry,
  },
  { stored: STORED },
)
/** Of these a job has one at most. */
const ON_FAILURE = [
  ...['removeDependencyOnFailure', 'failParentOnFailure', 'continueParentOnFailure', 'ignoreDependencyOnFailure'],
]
const ON_FAILURE_PLACES = ON_FAILURE.map((key) => OPTIONS.place(key))
const ATTEMPTS = OPTIONS.place('attempts')
const SIZE_LIMIT = OPTIONS.place('sizeLimit')
const PARENT = OPTIONS.place('parent')
const DEDUPLICATION = OPTIONS.place('deduplication')
const TELEMETRY = OPTIONS.place('telemetry')

/** Those of BullMQ that jobs of ours cannot have. */
const OTHERS = {
  __proto__: null,
  jobId: 'is made as the definition says',
  repeat: 'is for job schedulers',
  debounce: 'is no option of BullMQ 6: it has deduplication',
}

function refuse(key, name, faults) {
  if (key in OTHERS) faults.add(`${name}.${key} ${OTHERS[key]}`)
  else faults.unknown(`option in ${name}`, key, OPTIONS.known)
}

/** What a job has that is given no options. BullMQ has every job say how often it is tried. */
const NONE = Object.freeze(Array.from(OPTIONS.known, (_, place) => (place === ATTEMPTS ? '0' : undefined)))

/** The JSON of each option that is given, in the order of OPTIONS. */
function read(options, name, faults) {
  if (isObject(options)) return OPTIONS.read(options, name, faults, refuse)
  faults.add(`${name} must be an object, with options of BullMQ's jobs`)
  return NONE
}

/** Adds what options must not be together, of which some are a call's `own` and the others its pipeline's. */
function expectTogether(own, base, name, faults) {
  let given = 0
  for (const place of ON_FAILURE_PLACES) if ((own[place] ?? base[place]) === 'true') given += 1
  if (given > 1) {
    const keys = ON_FAILURE.filter((_, at) => {
      const place = ON_FAILURE_PLACES[at]
      return (own[place] ?? base[place]) === 'true'
    })
    faults.add(`${name} must have one at most of ${keys.join(', ')}`)
  }
  const hasBoth =
    (own[DEDUPLICATION] ?? base[DEDUPLICATION]) !== undefined && (own[PARENT] ?? base[PARENT]) !== undefined
  if (hasBoth) faults.add(`${name} must not have both deduplication and parent`)
}

/**
 * The options of a definition.
 * @returns {{ text: string, sizeLimit: number | undefined, base: readonly (string | undefined)[], of: Function | undefined }}
 *   `text` is the JSON of them, without the id; `base` and `of` are what `optionsOfCall` goes by
 */
function jobOptionsJson(options, faults) {
  if (typeof options === 'function') return { text: OPTIONS.text(NONE), sizeLimit: undefined, base: NONE, of: options }
  const base = options === undefined ? NONE : read(options, 'jobOptions', faults)
  expectTogether(base, NONE, 'jobOptions', faults)
  base[ATTEMPTS] ??= NONE[ATTEMPTS]
  // None is as BullMQ takes 0.
  const sizeLimit = Number(base[SIZE_LIMIT] ?? 0) || undefined
  return { text: OPTIONS.text(base), sizeLimit, base, of: undefined }
}

/** The JSON of options that are all that a job has. */
function textOfOptions(options, faults) {
  return jobOptionsJson(options, faults).text
}

/**
 * The JSON of a pipeline's options with those of a call: each that the call gives, and is not undefined, is instead of the
 * pipeline's, as a whole.
 * @param {readonly (string | undefined)[]} base
 */
function mergedText(base, own, name = 'options.jobOptions') {
  return OPTIONS.text(merged(base, own, name))
}

function merged(base, own, name) {
  const faults = new Faults()
  const texts = read(own, name, faults)
  expectTogether(texts, base, name, faults)
  faults.throwAny()
  for (let place = 0; place < texts.length; place++) texts[place] ??= base[place]
  return texts
}

/**
 * The JSON of the options of one job.
 * @param {{ base: readonly (string | undefined)[], of: Function | undefined }} options of the pipeline
 * @param data the data of the job, which `of` is asked with. What it throws is thrown
 * @param {object | undefined} own what the call says
 * @param {{ metadata: string | undefined, yields: boolean } | undefined} watch the span that it is made in
 */
function optionsOfCall({ base, of }, data, own, watch) {
  let texts = base
  if (of !== undefined) {
    const made = of(data)
    if (made !== undefined) texts = merged(base, expectMade(made), 'jobOptions')
  }
  if (own !== undefined) texts = merged(texts, own, 'options.jobOptions')
  const metadata = watch?.metadata
  return OPTIONS.text(metadata === undefined ? texts : traced(texts, metadata, watch.yields))
}

const OMITTED = '"omc":true'

/**
 * Has a worker find the span, unless the options say that it is not to. BullMQ's `add` goes before what they say of another
 * one; its `addBulk` yields to that.
 */
function traced(texts, metadata, yields) {
  const told = texts[TELEMETRY] ?? ''
  if (told.endsWith(OMITTED) || (yields && told.startsWith('"tm"'))) return texts
  const all = [...texts]
  const metadataText = `"tm":${JSON.stringify(metadata)}`
  all[TELEMETRY] = yields && told !== '' ? `${metadataText},${told}` : metadataText
  return all
}

/** One that is async would have its options ignored. */
function expectMade(made) {
  if (typeof made?.then !== 'function') return made
  const faults = new Faults()
  faults.add('jobOptions must return options, not a promise of them')
  return faults.throwAny()
}

module.exports = { STORED, jobOptionsJson, mergedText, optionsOfCall, textOfOptions }
