'use strict'
// The fault tests run over plain TCP or over TLS. In `npm test` each takes one of the ways, but those of what happens to the
// bytes themselves take both; `npm run faults` takes all of them both ways.
const { availableParallelism } = require('node:os')
const { findServer, hasTls } = require('./tools/find-server.js')

const NAMES = {
  /** Where nothing but the way to the server is at fault, or waiting for it makes the test long: over TLS. */
  TLS: ['faults/lost', 'faults/silent', 'faults/slow'],
  /** What cuts and mangles bytes: both ways. */
  both: ['faults/cut', 'faults/wire'],
  /** What is at fault is the server, the caller or the process: over TCP. */
  TCP: [
    'connections/credentials',
    ...['cold', 'crowded', 'ending', 'names', 'refusing', 'storage'].map((name) => `faults/${name}`),
    ...['clock', 'cluster', 'durability', 'processes', 'sentinel'].map((name) => `topology/${name}`),
  ],
}
/** Those have a configuration of their own: `npm run test:browser`. */
const BROWSER = '/__test__/browser/'
/** What the servers of examples/servers/ are asked beside their answers: `npm run test:frameworks`. */
const LONG = process.env.FRAMEWORKS === undefined ? ['/__test__/frameworks/(?!answers)'] : []
const files = (names) => names.map((name) => `<rootDir>/__test__/${name}.test.js`)

const usual = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__test__'],
  globalSetup: '<rootDir>/__test__/support/global-setup.mjs',
  globalTeardown: '<rootDir>/__test__/support/global-teardown.mjs',
}

module.exports = async () => {
  const command = process.env.TEST_REDIS_COMMAND ?? (await findServer(console.error))
  const secure = command !== undefined && (await hasTls(command))
  if (command && !secure) console.error('The server was built without TLS: the fault tests run over TCP alone.')
  const all = process.env.FAULTS_DIR !== undefined
  const plain = {
    ...usual,
    displayName: 'TCP',
    testMatch: ['**/*.test.js'],
    testPathIgnorePatterns: [
      BROWSER,
      ...LONG,
      ...(all || !secure ? [] : NAMES.TLS.map((name) => `/__test__/${name}\\.test\\.js$`)),
    ],
  }
  const overTls = {
    ...usual,
    displayName: 'TLS',
    globals: { WAY: 'TLS' },
    testMatch: files(all ? Object.values(NAMES).flat() : [...NAMES.TLS, ...NAMES.both]),
  }
  // Most of what the tests do is to wait, for servers that start, calls that end, time that runs out.
  const maxWorkers = 2 * availableParallelism()
  // For what hangs. What a busy machine takes its time for is done in this.
  return { projects: secure ? [plain, overTls] : [plain], testTimeout: 300_000, maxWorkers }
}
