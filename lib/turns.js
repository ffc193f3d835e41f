'use strict'
// When the loop gets to it: at the end of what runs now, and in a turn to come. Where a test has faked time before this was
// loaded, Node's own functions for that wait for the test's clock: then there is another way to each.

const timers = require('node:timers')

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

/** As the fake clocks of sinon, vitest and jest are marked, and jest's older ones. */
function isFaked(schedule) {
  return typeof schedule !== 'function' || schedule.clock !== undefined || schedule._isMockFunction === true
}

/** Calls `work` before what is under way is over. Promises cannot be faked. */
function afterThis(work) {
  // Not one promise for all: it would keep the stores of the request that it was made in.
  apply(then, promiseResolve(), [work])
}

const { nextTick } = process
// Not the global, which jest replaces, and takes away from browser-like environments.
const { setImmediate } = timers

module.exports = {
  afterThis,
  /** Calls `work` when all that is under way is over: records that are made meanwhile are sent together. */
  atEnd: isFaked(nextTick) ? afterThis : nextTick,
  /** Calls `work` in a turn of the loop to come; undefined where that is faked. */
  nextTurn: isFaked(setImmediate) ? undefined : setImmediate,
}
