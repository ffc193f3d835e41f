'use strict'
// examples/drop-in.mjs, as it stands.
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { useDatabase } = require('../support/redis.js')

useDatabase()

test('the example adds a thousand jobs with one line, and says what is certain where there is no Redis', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/drop-in.mjs'], {
    cwd: path.join(__dirname, '../..'),
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'the same id again: mine, mine',
    'jobs that a worker has done: 1004',
    'with no Redis: QUEUE_UNAVAILABLE not-sent',
    '{"created":1004,"existing":1,"deduplicated":0,"rejected":{},"delegated":0}',
  ])
  expect(status).toBe(0)
})
