'use strict'
// docs/servers.md has the files of examples/servers/ as they stand, which __test__/frameworks runs. Here: all of them, and their types.
const { spawnSync } = require('node:child_process')
const { readdirSync } = require('node:fs')
const path = require('node:path')
const { blocksOf, read, root } = require('../support/markdown.js')
const { SERVERS } = require('../support/frameworks.js')

const PAGE = 'docs/servers.md'
const FOLDER = 'examples/servers'
const files = readdirSync(path.join(root, FOLDER)).filter((file) => /\.m[jt]s$/.test(file))

test.each(Object.entries(SERVERS))('%s stands there as it is', (name, file) => {
  const code = blocksOf(PAGE).find(({ heading, language }) => heading === name && language !== 'sh')
  expect(code.text).toBe(read(`${FOLDER}/${file}`))
})

test('so does what they share', () => {
  const blocks = blocksOf(PAGE).map(({ text }) => text)
  for (const file of files) expect(blocks).toContain(read(`${FOLDER}/${file}`))
})

test('their types hold', () => {
  const options = '--noEmit --allowJs --checkJs --strict --noImplicitAny false --skipLibCheck --ignoreConfig'
  const target = '--module nodenext --target es2024 --types node --experimentalDecorators'
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, ...`${options} ${target}`.split(' '), ...files.map((file) => `${FOLDER}/${file}`)]
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  // The pipeline that they import is JavaScript that does not say its types.
  expect(stdout.split('\n').filter((line) => !/^(?:examples\/invoices\.mjs|\s|$)/.test(line))).toEqual([])
})
