'use strict'

const { boundaryBackend } = require('./lib/backend/index.js')

module.exports.boundaryBackend = boundaryBackend
