'use strict'
// What spans and metrics are called, and their attributes: BullMQ's own names where it has one, else ours.

const { codeOf, OTHER } = require('./outcomes.js')

const NAMES = {
  queueName: 'bullmq.queue.name',
  operation: 'bullmq.queue.operation',
  jobName: 'bullmq.job.name',
  jobId: 'bullmq.job.id',
  bulkCount: 'bullmq.job.bulk.count',
  bulkNames: 'bullmq.job.bulk.names',
  outcome: 'enqueue_boundary.outcome',
  existingId: 'enqueue_boundary.existing.job.id',
  existingState: 'enqueue_boundary.existing.state',
  sameData: 'enqueue_boundary.existing.same_data',
  step: 'enqueue_boundary.step',
  errorType: 'error.type',
}

/** OpenTelemetry's word for an error that has no name of few. */
const UNNAMED = '_OTHER'
/** As classes of errors are called. Anything else could be of any length, and be another each time. */
const CLASS = /^[A-Z_$][\w$]{0,63}$/i

/** The code of an error of ours, else what the class of it is called. */
function errorType(reason) {
  const code = codeOf(reason)
  if (code !== OTHER) return code
  try {
    const { name } = reason
    return typeof name === 'string' && CLASS.test(name) ? name : UNNAMED
  } catch {
    return UNNAMED
  }
}

module.exports = { NAMES, errorType }
