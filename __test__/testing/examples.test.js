'use strict'
// The projects in examples/ that have tests of their own: as they stand, in jest and in vitest, with a Redis and without one.
const { Application } = require('../support/application.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
let application
afterEach(() => application.remove())

/** How many tests passed, and were skipped, by what the runner says in the end. */
function count(output) {
  const tests = /^\s*Tests:?\s+(.*)$/m.exec(output)?.[1] ?? ''
  const of = (what) => Number(new RegExp(`(\\d+) ${what}`).exec(tests)?.[1] ?? 0)
  return { passed: of('passed'), skipped: of('skipped'), failed: of('failed') }
}

/** Runs the tests of the application, all of which have to pass. */
async function expectPassed(program, args, env, expected) {
  const { code, output } = await application.run(program, args, env)
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${output}`)
  expect(count(output)).toEqual({ failed: 0, ...expected })
}

const JEST = 'jest/bin/jest.js'
const VITEST = 'vitest/vitest.mjs'

test('jest, in workers and in one process', async () => {
  application = new Application('jest-user')
  await expectPassed(JEST, ['--maxWorkers=2'], {}, { passed: 9, skipped: 1 })
  // One file of tests after the other in one process: what one has installed is not there for the next.
  await expectPassed(JEST, ['--runInBand'], { REDIS_URL: database.url }, { passed: 10, skipped: 0 })
})

test.each(['forks', 'threads', 'vmThreads'])('vitest, its files in %s', async (pool) => {
  application = new Application('vitest-user')
  const args = ['run', `--pool=${pool}`]
  await expectPassed(VITEST, args, {}, { passed: 7, skipped: 1 })
  await expectPassed(VITEST, args, { REDIS_URL: database.url }, { passed: 8, skipped: 0 })
})

test('the types of the project with vitest hold', async () => {
  application = new Application('vitest-user')
  expect(await application.run('typescript/bin/tsc')).toEqual({ code: 0, output: '' })
})
