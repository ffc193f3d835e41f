'use strict'
// The projects in examples/ that have tests of their own: as they stand, in jest and in vitest, with a Redis and without one.
const { writeFileSync } = require('node:fs')
const path = require('node:path')
const { Application } = require('../support/application.js')
const { blocksOf, read } = require('../support/markdown.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
let application
afterEach(() => application?.remove())

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

/** Calls that end at once, after a while, and at their deadline. */
const FAKED = `
  const { Pipeline, ticketTriageDefinition } = require('enqueue-boundary')
  const { installTestTransport } = require('enqueue-boundary/testing')
  test('calls', async () => {
    expect(setTimeout.clock !== undefined || setTimeout._isMockFunction).toBe(true)
    const boundary = installTestTransport()
    const triage = new Pipeline(ticketTriageDefinition)
    const call = (ticketId, options) =>
      triage.enqueue({ tenantId: 'a', ticketId, summary: 's' }, { async createPending() {} }, options)
    expect(await call('1')).toMatchObject({ created: true })
    boundary.outage('slow', { delayMs: 20 })
    expect(await call('2')).toMatchObject({ created: true })
    boundary.outage('slow')
    await expect(call('3', { timeoutMs: 500 })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(boundary.jobs()).toHaveLength(3)
  })`

const JEST = 'jest/bin/jest.js'
const VITEST = 'vitest/vitest.mjs'

test('jest, in workers and in one process', async () => {
  application = new Application('jest-user')
  await expectPassed(JEST, ['--maxWorkers=2'], {}, { passed: 9, skipped: 1 })
  // One file of tests after the other in one process: what one has installed is not there for the next.
  await expectPassed(JEST, ['--runInBand'], { REDIS_URL: database.url }, { passed: 10, skipped: 0 })
})

test.each([
  ['forks', {}, { passed: 7, skipped: 1 }],
  ['threads', { REDIS_URL: true }, { passed: 8, skipped: 0 }],
  // Here files share what they import.
  ['vmThreads', { REDIS_URL: true }, { passed: 8, skipped: 0 }],
])('vitest, its files in %s, %j', async (pool, { REDIS_URL }, expected) => {
  application = new Application('vitest-user')
  await expectPassed(VITEST, ['run', `--pool=${pool}`], REDIS_URL ? { REDIS_URL: database.url } : {}, expected)
})

test.each([
  ['its fake timers', { enableGlobally: true, now: 1000 }],
  ['its legacy fake timers', { enableGlobally: true, legacyFakeTimers: true }],
])('jest, with %s enabled for all tests', async (_, fakeTimers) => {
  application = new Application('jest-user')
  const config = JSON.stringify({ fakeTimers, testMatch: ['**/faked.js'] })
  writeFileSync(path.join(application.folder, 'faked.js'), FAKED)
  await expectPassed(JEST, ['--config', config], {}, { passed: 1, skipped: 0 })
})

test('what docs/testing.md shows of them stands in them', () => {
  const shown = blocksOf('docs/testing.md').filter(({ heading }) => heading === 'In jest and vitest')
  const files = ['jest-user/route.test.js', 'jest-user/route.test.js', 'vitest-user/matchers.d.ts']
  const lines = (text) => text.split('\n').filter((line) => !/^$|^\s*\/\//.test(line))
  expect(shown).toHaveLength(files.length)
  for (const [at, { text }] of shown.entries()) {
    expect(lines(read(`examples/${files[at]}`)).join('\n')).toContain(lines(text).join('\n'))
  }
})

test('the types of the project with vitest hold', async () => {
  application = new Application('vitest-user')
  expect(await application.run('typescript/bin/tsc')).toEqual({ code: 0, output: '' })
})
