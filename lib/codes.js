'use strict'
// What each code of an EnqueueError stands for, in one place: the native side names the code and says only what differs.
//
// `message` is what any of them may show a client, whatever framework sends it on: no names of functions, servers or
// settings, no figures. What is wrong in the one case at hand is the `cause`'s to say. For a 4xx it is what is shown
// where nobody has said anything better, such as which property is wrong.

/** @type {Record<string, { title: string, status: number, message: string, retryable?: boolean, outcome?: string, retryAfterMs?: number }>} */
const CODES = {
  // A code is looked up as it comes: none is inherited.
  __proto__: null,
  INVALID_INPUT: { title: 'Invalid input', status: 400, message: 'the input is not valid' },
  MALFORMED_JSON: { title: 'Malformed JSON', status: 400, message: 'the body is not JSON' },
  PAYLOAD_TOO_LARGE: {
    title: 'Payload too large',
    status: 413,
    message: 'the data is too long',
  },
  TENANT_MISMATCH: {
    title: 'Another tenant',
    status: 403,
    message: 'the job belongs to another tenant than the caller',
  },
  FORBIDDEN: { title: 'Forbidden', status: 403, message: 'the caller may not enqueue this job' },
  ID_CONFLICT: {
    title: 'Conflict',
    status: 409,
    message: 'a job of this id is there already, with other data; nothing was enqueued',
  },
  MISSING_PARENT: {
    title: 'Missing parent',
    status: 409,
    message: 'the parent of the job is not there; the job was not enqueued',
  },
  PARENT_CONFLICT: {
    title: 'Another parent',
    status: 409,
    message: 'a job of this id is there already, as a child of another parent; nothing was enqueued',
  },
  QUOTA_EXCEEDED: {
    title: 'Quota exceeded',
    status: 429,
    message: 'the tenant is over its quota; nothing was recorded or enqueued',
    retryable: true,
    retryAfterMs: 1000,
  },
  VALIDATE_TIMEOUT: {
    title: 'Validation timed out',
    status: 504,
    message: 'the validation took too long; nothing was recorded or enqueued',
    retryable: true,
  },
  AUTHORIZE_TIMEOUT: {
    title: 'Authorisation timed out',
    status: 504,
    message: 'the authorisation took too long; nothing was recorded or enqueued',
    retryable: true,
  },
  STORAGE_TIMEOUT: {
    title: 'Storage timed out',
    status: 504,
    message: 'the record took too long; nothing was enqueued',
    retryable: true,
  },
  OVERLOADED: {
    title: 'Overloaded',
    status: 503,
    message: 'too many calls are in flight; nothing was recorded or enqueued',
    retryable: true,
    retryAfterMs: 1000,
  },
  QUEUE_UNAVAILABLE: {
    title: 'Queue unavailable',
    status: 503,
    message: 'the queue cannot take the job now; it was not enqueued',
    retryable: true,
    outcome: 'not-sent',
    retryAfterMs: 1000,
  },
  OUTCOME_UNKNOWN: {
    title: 'Outcome unknown',
    status: 503,
    message: 'the job was sent to the queue and no answer came; trying again is safe',
    retryable: true,
    outcome: 'unknown',
    retryAfterMs: 1000,
  },
  QUOTA_UNAVAILABLE: {
    title: 'Quota unavailable',
    status: 503,
    message: 'the quota of the tenant cannot be told now; nothing was recorded or enqueued',
    retryable: true,
    retryAfterMs: 1000,
  },
  CLOSED: {
    title: 'Closed',
    status: 503,
    message: 'the pipeline is closed; nothing was recorded or enqueued',
    retryable: true,
  },
  MISCONFIGURED: { title: 'Misconfigured', status: 500, message: 'the queue is misconfigured; nothing was enqueued' },
  ERR_INVALID_ARG_TYPE: { title: 'Invalid argument', status: 500, message: 'an argument is of the wrong type' },
  ERR_OUT_OF_RANGE: { title: 'Invalid argument', status: 500, message: 'an argument is out of range' },
  INTERNAL: { title: 'Internal error', status: 500, message: 'the boundary failed', outcome: 'unknown' },
}

/** What is said instead to whoever asked where jobs are: nothing was to be enqueued. */
const QUESTION_MESSAGES = {
  __proto__: null,
  OVERLOADED: 'too many jobs are asked for at once; nothing was asked',
  QUEUE_UNAVAILABLE: 'the queue cannot say now where jobs are',
}

for (const code of Object.values(CODES)) {
  // Nor is what a code does not have.
  Object.setPrototypeOf(code, null)
  code.retryable ??= false
  code.outcome ??= 'refused'
}

module.exports = { CODES, QUESTION_MESSAGES }
