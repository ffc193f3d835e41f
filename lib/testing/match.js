'use strict'
// Whether a job is one that a test expects, and what to say where none is. What is not named is not looked at. The asymmetric
// matchers of jest, vitest and sinon say themselves what they are like.

const { AssertionError } = require('node:assert')

const isObject = (value) => typeof value === 'object' && value !== null

function matches(actual, expected) {
  if (isObject(expected) && typeof expected.asymmetricMatch === 'function') return expected.asymmetricMatch(actual)
  if (!isObject(expected)) return Object.is(actual, expected)
  if (!isObject(actual) || Array.isArray(actual) !== Array.isArray(expected)) return false
  if (Array.isArray(expected) && actual.length !== expected.length) return false
  return Object.keys(expected).every((key) => matches(actual[key], expected[key]))
}

/** How much of what is expected is so. */
function likeness(actual, expected) {
  if (matches(actual, expected)) return 1
  if (!isObject(actual) || !isObject(expected) || Object.keys(expected).length === 0) return 0
  const parts = Object.keys(expected).map((key) => likeness(actual[key], expected[key]))
  return parts.reduce((sum, part) => sum + part, 0) / (parts.length + 1)
}

/** What of a value is looked at. */
function cut(actual, expected) {
  if (!isObject(actual) || !isObject(expected) || Array.isArray(expected)) return actual
  if (typeof expected.asymmetricMatch === 'function') return matches(actual, expected) ? expected : actual
  const keys = Object.keys(expected).filter((key) => Object.hasOwn(actual, key))
  return Object.fromEntries(keys.map((key) => [key, cut(actual[key], expected[key])]))
}

const count = (jobs) => (jobs.length === 1 ? 'the 1 job' : `the ${jobs.length} jobs`)

/** The error that says why none of these is expected: its difference to the nearest. */
function noneIs(jobs, expected, stackStartFn) {
  if (jobs.length === 0) return new AssertionError({ message: 'no job was enqueued', expected, stackStartFn })
  const nearest = jobs.reduce((best, job) => (likeness(job, expected) > likeness(best, expected) ? job : best))
  const compared = { actual: cut(nearest, expected), expected, stackStartFn }
  const { message } = new AssertionError({ ...compared, operator: 'deepStrictEqual' })
  const difference = message.split('\n').slice(1).join('\n')
  const told = `none of ${count(jobs)} is what was expected; the nearest is ${nearest.id}:\n${difference}`
  return new AssertionError({ ...compared, message: told })
}

/** The error that says that one is there that should not be. */
function oneIs(job, stackStartFn) {
  return new AssertionError({
    message: `a job is there that was not expected: ${job.id} (${job.state})`,
    actual: job,
    stackStartFn,
  })
}

module.exports = { matches, noneIs, oneIs }
