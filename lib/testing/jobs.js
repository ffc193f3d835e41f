'use strict'
// Jobs as a test sees them, in the words of BullMQ.

const { STORED } = require('../definition/job-options.js')

const LONG = Object.fromEntries(Object.entries(STORED).map(([long, short]) => [short, long]))

/** The options of a job in the words of its `add`, from those that it is stored with. */
function readOptions(text) {
  const options = {}
  for (const [key, value] of Object.entries(JSON.parse(text))) {
    if (key === 'tm') options.telemetry = { ...options.telemetry, metadata: value }
    else if (key === 'omc') options.telemetry = { ...options.telemetry, omitContext: value }
    else options[LONG[key] ?? key] = value
  }
  return options
}

/** @param {object} job as the native side has it */
function readJob({ key: _, data, opts, parentKey, deduplicationId, ...rest }) {
  const job = { ...rest, data: JSON.parse(data), opts: readOptions(opts) }
  if (parentKey != null) job.parentKey = parentKey
  if (deduplicationId != null) job.deduplicationId = deduplicationId
  return job
}

/** Whether a job that ends in this state is gone at once. */
function vanishes({ opts }, state) {
  const kept = { completed: opts.removeOnComplete, failed: opts.removeOnFail }[state]
  return kept === true || kept === 0 || kept?.count === 0
}

module.exports = { readJob, vanishes }
