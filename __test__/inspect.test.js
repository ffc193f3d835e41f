'use strict'
// `npm run inspect`, which holds what is published to its limits, told of binaries that pass them.
const { execFile } = require('node:child_process')
const { copyFileSync, appendFileSync, mkdtempSync, rmSync } = require('node:fs')
const { homedir, tmpdir } = require('node:os')
const path = require('node:path')
const { hostTarget } = require('../lib/binary/target.js')

const root = path.resolve(__dirname, '..')
const binary = path.join(root, 'npm', hostTarget(), 'enqueue-boundary.node')

let folder

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-inspect-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

/** The binary that was built here, with something behind it. */
function binaryWith(bytes) {
  const file = path.join(folder, 'other.node')
  copyFileSync(binary, file)
  appendFileSync(file, bytes)
  return file
}

function inspect(...args) {
  const command = [path.join(root, 'scripts/inspect.mjs'), ...args]
  return new Promise((resolve) =>
    execFile(process.execPath, command, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr })),
  )
}

test('a binary shows nothing but the function that Node calls, and needs the C library alone', async () => {
  const { code, stdout } = await inspect(binary)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^load +[\d.]+ ms/m)
  if (process.platform !== 'linux') return
  expect(stdout).toMatch(/^exports +napi_register_module_v1$/m)
  expect(stdout).toMatch(
    /^libraries +(?:(?:ld-linux-[\w-]+|libc|libgcc_s|libm|libdl|libpthread|librt)\.[\w.]+(?:, )?)+$/m,
  )
})

test('one that is too large, or tells of a folder of the machine, is not published', async () => {
  const telling = path.join(homedir(), 'registry', 'lib.rs')
  const { code, stderr } = await inspect(
    '--published',
    binaryWith(Buffer.concat([Buffer.alloc(5_000_000), Buffer.from(telling)])),
  )
  expect(code).toBe(1)
  expect(stderr).toMatch(/it has \d+ bytes, more than 5000000/)
  expect(stderr).toContain('it tells of')
})
