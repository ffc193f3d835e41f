'use strict'
// The JSON of an input, which may be anything.

/** What V8 says of values that have none. */
const NONE = /^(?:Converting circular structure|Do not know how to serialize a BigInt)/

/**
 * @returns {{ json?: string, issue?: { code: string, message: string } }} neither where it has none, as undefined. What its
 *   getters and `toJSON` throw is thrown.
 */
function toJson(value) {
  try {
    return { json: JSON.stringify(value) }
  } catch (error) {
    if (error instanceof RangeError && error.message.startsWith('Maximum call stack')) {
      return { issue: { code: 'too_big', message: 'the input has too many levels' } }
    }
    if (error instanceof TypeError && NONE.test(error.message)) {
      return {
        issue: { code: 'invalid_type', message: 'the input has a cycle or a bigint, which JSON has no words for' },
      }
    }
    throw error
  }
}

module.exports = { toJson }
