'use strict'
// Matchers for `expect.extend` of jest and of vitest.

function toHaveJob(received, expected) {
  if (typeof received?.expectJob !== 'function') throw new TypeError('toHaveJob is for what installTestTransport gave')
  const why = (check) => {
    try {
      check()
    } catch (error) {
      return error.message
    }
    return undefined
  }
  const missing = why(() => received.expectJob(expected))
  return { pass: missing === undefined, message: () => missing ?? why(() => received.expectNoJob(expected)) }
}

module.exports = { matchers: { toHaveJob } }
