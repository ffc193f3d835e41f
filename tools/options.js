'use strict'
// Command lines of ours, read so that what was mistyped is said in a sentence.
const { parseArgs } = require('node:util')

/** Its message is for the person who typed it. */
class UsageError extends Error {}

/**
 * @param {string[]} args
 * @param {Record<string, 'string' | 'boolean'>} kinds what each option takes
 */
function readOptions(args, kinds) {
  const options = Object.fromEntries(Object.entries(kinds).map(([name, type]) => [name, { type }]))
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    // What follows the first sentence is about "--", which means nothing here.
    throw new UsageError(error.message.split('. ')[0])
  }
}

function whole(name, text, least, most) {
  const value = /^\d+$/.test(text) ? Number(text) : -1
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} takes whole numbers from ${least} to ${most}, not "${text}"`)
}

module.exports = { UsageError, readOptions, whole }
