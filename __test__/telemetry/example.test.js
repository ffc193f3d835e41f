'use strict'
// examples/telemetry.mjs, as it stands.
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { useDatabase } = require('../support/redis.js')

useDatabase()

test('the example prints its calls, the counts, and one trace from the request to the job', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/telemetry.mjs'], {
    cwd: path.join(__dirname, '../..'),
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'created traced-orders:acme:O-1: validate, record, enqueue, settle',
    'existing traced-orders:acme:O-1: validate, record, enqueue, settle',
    'refused: INVALID_INPUT',
    'rejected undefined: validate, settle',
    '{',
    '  created: 1,',
    '  existing: 1,',
    '  deduplicated: 0,',
    '  rejected: { INVALID_INPUT: 1 }',
    '}',
    'POST /orders',
    '  add traced-orders.place created',
    '    INSERT pending',
    '    process traced-orders',
    '      charge',
    '      complete traced-orders',
    '  add traced-orders.place existing',
    '    INSERT pending',
    '  add traced-orders.place rejected',
  ])
  expect(status).toBe(0)
})
