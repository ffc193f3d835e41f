'use strict'
// Started by scripts/test-browser.mjs, and no part of `npm test`: a browser is needed, and the application built.
module.exports = {
  rootDir: '../..',
  roots: ['<rootDir>/__test__/browser'],
  testEnvironment: 'node',
  globalSetup: '<rootDir>/__test__/support/global-setup.mjs',
  globalTeardown: '<rootDir>/__test__/support/global-teardown.mjs',
  // For what hangs. What a busy machine takes its time for is done in this.
  testTimeout: 300_000,
  maxWorkers: 2,
}
