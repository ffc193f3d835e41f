'use strict'
// What an operator should hear of although nothing has failed: through process.emitWarning, each once a process.

const said = new Set()

function warn(code, message) {
  if (said.has(message)) return
  said.add(message)
  process.emitWarning(message, { type: 'EnqueueBoundaryWarning', code })
}

/** @param {{ server: string, policy: string }} eviction as the native side found it */
function warnOfEviction({ server, policy }) {
  const risk = policy.startsWith('volatile')
    ? 'may delete keys that expire, such as those of locks and deduplication,'
    : 'may delete jobs that were answered "queued"'
  warn(
    'ENQUEUE_BOUNDARY_EVICTION',
    `Redis at ${server} has maxmemory-policy ${policy}: it ${risk} when its memory is full. Set it to noeviction.`,
  )
}

/** @param {string} why in a sentence that holds nothing of the file */
function warnOfExtraCa(why) {
  warn('ENQUEUE_BOUNDARY_EXTRA_CA_CERTS', `NODE_EXTRA_CA_CERTS is not trusted in full: ${why}`)
}

function warnOfUnverified() {
  const message = 'NODE_TLS_REJECT_UNAUTHORIZED=0: whoever answers is taken for Redis, with any certificate'
  warn('ENQUEUE_BOUNDARY_TLS_UNVERIFIED', message)
}

/**
 * @param {string} method of the telemetry
 * @param {string} error what the error is called: its text is anybody's
 */
function warnOfTelemetry(queueName, method, error) {
  const message = `the telemetry of the queue ${queueName} failed in ${method} (${error}): calls go on without`
  warn('ENQUEUE_BOUNDARY_TELEMETRY', message)
}

module.exports = { warnOfEviction, warnOfExtraCa, warnOfTelemetry, warnOfUnverified }
