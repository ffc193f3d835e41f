'use strict'
// The options of a job as BullMQ's Job has them, and as BullMQ stores them.

/** What they are called there. */
const STORED = {
  __proto__: null,
  failParentOnFailure: 'fpof',
  continueParentOnFailure: 'cpof',
  ignoreDependencyOnFailure: 'idof',
  removeDependencyOnFailure: 'rdof',
  keepLogs: 'kl',
}

/** The JSON of them, without an id: an empty one is none, and stays. */
function textOfOptions(options) {
  const stored = {}
  for (const key of Object.keys(options)) {
    const value = options[key]
    if (value === undefined || (key === 'jobId' && value !== '')) continue
    if (key === 'deduplication') stored.de = deduplicationOf(value)
    else if (key === 'telemetry') traced(stored, value)
    else stored[STORED[key] ?? key] = value
  }
  return JSON.stringify(stored)
}

/** With its id first, which jobs that are otherwise alike differ by. */
function deduplicationOf(value) {
  return typeof value === 'object' && value !== null ? { id: value.id, ...value } : value
}

/** Members of the options, which BullMQ does not store as an object. JSON leaves out what is undefined. */
function traced(stored, { metadata, omitContext }) {
  stored.tm = metadata
  stored.omc = omitContext
}

/** Whether something comes with a job that only BullMQ knows what to do with. */
function isStrange(job, id, parentKeyOpts) {
  if (job.repeatJobKey !== undefined || (job.opts.jobId || undefined) !== (id || undefined)) return true
  for (const key in parentKeyOpts) {
    if (key !== 'parentKey' && key !== 'parentDependenciesKey' && parentKeyOpts[key]) return true
  }
  return false
}

module.exports = { isStrange, textOfOptions }
