'use strict'

module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__test__'],
  testMatch: ['**/*.test.js'],
  globalSetup: '<rootDir>/__test__/support/global-setup.mjs',
  globalTeardown: '<rootDir>/__test__/support/global-teardown.mjs',
  testTimeout: 60_000,
}
