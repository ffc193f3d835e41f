'use strict'
// The native half, loaded outside of all calls: what napi-rs sets up then stays as long as the process.

const { loadBinary } = require('./binary/index.js')
const { makeOutside } = require('./outside.js')

module.exports = makeOutside(loadBinary)
