'use strict'
// examples/invoices.mjs, as it stands.
const { spawnSync } = require('node:child_process')
const path = require('node:path')
const { useDatabase } = require('../support/redis.js')

useDatabase()

test('the example of a pipeline enqueues, refuses and runs as it says', () => {
  const root = path.join(__dirname, '../..')
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/invoices.mjs'], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 240_000,
  })
  expect(stderr).toBe('')
  const lines = stdout.trim().split('\n')
  expect(lines.slice(0, 4)).toEqual([
    'queued   invoice-export:acme:I-1 as pdf',
    'queued   invoice-export:acme:I-2 as xml',
    'queued   invoice-export:acme:I-1 as pdf',
    'refused  TENANT_MISMATCH: the job belongs to another tenant than the caller',
  ])
  expect(lines[4]).toMatch(/^refused {2}INVALID_INPUT: format: .*; lines\[0\]\.amount: /)
  expect(lines.slice(5).sort()).toEqual([
    'done     invoice-export:acme:I-1: 1 lines as pdf, 12.50 in all',
    'done     invoice-export:acme:I-2: 1 lines as xml, 80.00 in all',
  ])
  expect(status).toBe(0)
})
