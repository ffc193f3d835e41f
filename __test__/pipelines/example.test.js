'use strict'
// examples/invoices.mjs, as it stands.
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { useDatabase } = require('../support/redis.js')

useDatabase()

test('the example of a pipeline enqueues, refuses, runs, runs again, imports and repairs as it says', () => {
  const root = path.join(__dirname, '../..')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/invoices.mjs'], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(stderr).toBe('')
  const lines = stdout.trim().split('\n')
  expect(lines.slice(0, 5)).toEqual([
    'created  invoice-export:acme:I-1',
    'created  invoice-export:acme:I-2',
    'existing invoice-export:acme:I-1: waiting, sameData true',
    'refused  ID_CONFLICT: a job of this id is there already, with other data; nothing was enqueued',
    'refused  TENANT_MISMATCH: the job belongs to another tenant than the caller',
  ])
  expect(lines[5]).toMatch(/^refused {2}INVALID_INPUT: currency: .*; lines\[0\]\.amount: /)
  expect(lines.slice(6, 8).sort()).toEqual([
    'done     invoice-export:acme:I-1: 1 lines, 12.50 euros',
    'failed   invoice-export:acme:I-2: no exchange rate of CHF',
  ])
  // The job that failed is run again by the same call, and may be done before that is told; one that is done is not.
  expect(lines.slice(8, 10).sort()).toEqual([
    'created  invoice-export:acme:I-2',
    'done     invoice-export:acme:I-2: 1 lines, 85.60 euros',
  ])
  expect(lines.slice(10, 15)).toEqual([
    'existing invoice-export:acme:I-2: completed, sameData true',
    'done     invoice-export:acme:I-3: 1 lines, 12.50 euros',
    'imported 4: 1 created, 2 existing, 1 rejected',
    'done     invoice-export:acme:I-4: 1 lines, 12.50 euros',
    'repaired 1 of 1 pending records',
  ])
  expect(lines.slice(15).sort()).toEqual([
    'created  invoice-export:trial-1:I-1',
    'created  invoice-export:trial-1:I-2',
    'done     invoice-export:trial-1:I-1: 1 lines, 12.50 euros',
    'done     invoice-export:trial-1:I-2: 1 lines, 12.50 euros',
    expect.stringMatching(
      /^refused {2}QUOTA_EXCEEDED: the tenant enqueues more than 2 jobs in 60000 ms; .*; again in (?:30|2\d) s$/,
    ),
  ])
  expect(status).toBe(0)
})
