'use strict'
// The native half: the binary of this platform, from a package of its own that is installed with this one. Each is named in
// a `require` of its own, so that bundlers and file tracers find it.

const { version } = require('../../package.json')
const { hostTarget } = require('./target.js')

const LOAD = {
  // A platform is looked up as it comes: none is inherited.
  __proto__: null,
  'darwin-arm64': () => require('@enqueue-boundary/darwin-arm64'),
  'darwin-x64': () => require('@enqueue-boundary/darwin-x64'),
  'linux-arm64-gnu': () => require('@enqueue-boundary/linux-arm64-gnu'),
  'linux-arm64-musl': () => require('@enqueue-boundary/linux-arm64-musl'),
  'linux-x64-gnu': () => require('@enqueue-boundary/linux-x64-gnu'),
  'linux-x64-musl': () => require('@enqueue-boundary/linux-x64-musl'),
  'win32-arm64-msvc': () => require('@enqueue-boundary/win32-arm64-msvc'),
  'win32-x64-msvc': () => require('@enqueue-boundary/win32-x64-msvc'),
}

/** @returns {object} what the binary exports */
function loadBinary() {
  const target = hostTarget()
  let binary
  try {
    binary = LOAD[target]?.()
  } catch (error) {
    throw require('./failure.js').notLoaded(target, version, error)
  }
  // A binary of another version would take calls that it does not know.
  if (binary?.VERSION !== version) throw require('./failure.js').notOurs(target, version, binary)
  return binary
}

module.exports = { loadBinary }
