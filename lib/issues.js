'use strict'
// What is wrong with an input, by the number that the native side gave it. In a flood it is the same few things over and
// over: each is told, and made of JSON, once.

const { issues: tell } = require('./native.js')

const known = new Map()
/** The native side remembers as many. */
const MOST = 64
const LARGE = 4096

/** @param {number} number */
function lookUp(number) {
  return known.get(number) ?? learn(number)
}

function learn(number) {
  const json = tell(number)
  const issues = JSON.parse(json)
  const learned = { message: issues.map((issue) => issue.message).join('; '), issues }
  // Nor does the native side remember what is large.
  if (json.length > LARGE) return learned
  if (known.size === MOST) known.clear()
  known.set(number, learned)
  return learned
}

/** All of it in a sentence. */
function messageOf(number) {
  return lookUp(number).message
}

/** One by one. Whoever asks gets objects of their own, since nothing keeps a program from changing them. */
function issuesOf(number) {
  return lookUp(number).issues.map(copy)
}

function copy({ path, pointer, code, message }) {
  return { path: path.slice(), pointer, code, message }
}

module.exports = { issuesOf, messageOf }
