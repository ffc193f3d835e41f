'use strict'

const { matchers } = require('./lib/testing/matchers.js')
const { TestTransport } = require('./lib/testing/test-transport.js')
const { place } = require('./lib/transport.js')

module.exports.installTestTransport = () => {
  if (place.test === undefined) new TestTransport().install()
  return place.test
}
module.exports.matchers = matchers
