'use strict'
// Milliseconds that only go forward, by a clock that a test which fakes time later does not move.

const { performance } = require('node:perf_hooks')

module.exports = { now: performance.now.bind(performance) }
