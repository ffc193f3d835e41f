'use strict'
// What is written about the codes, in docs/errors.md and index.d.ts, against what an error of each code has.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { EnqueueError } = require('..')

const read = (file) => readFileSync(path.join(__dirname, '..', file), 'utf8')

/** The rows of a table whose first cell names codes: those, the status, and what is said. */
function rowsOf(text) {
  return Array.from(text.matchAll(/^(?: \* )?\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| (\d{3}) \| (.*) \|$/gm), (row) => ({
    codes: Array.from(row[1].matchAll(/`([A-Z_]+)`/g), ([, code]) => code),
    status: Number(row[2]),
    said: row[3],
  }))
}

const types = read('index.d.ts')
const union = /export type EnqueueErrorCode =\n((?: {2}\| '[A-Z_]+'\n)+)/.exec(types)[1]
const codes = Array.from(union.matchAll(/'([A-Z_]+)'/g), ([, code]) => code)
const errors = codes.map((code) => new EnqueueError({ code }))
const having = (property) => errors.filter((error) => property(error)).map((error) => error.code)

test('the type of a code names each that there is', () => {
  const all = /there are (.*)$/.exec(thrown(() => new EnqueueError({ code: 'NONE' })).message)[1].split(', ')
  expect(all.sort()).toEqual([...codes].sort())
})

test.each(['docs/errors.md', 'index.d.ts'])('the table of %s has each code once, with its status', (file) => {
  const rows = rowsOf(read(file))
  const told = rows.flatMap(({ codes, status }) => codes.map((code) => [code, status]))
  expect(told.sort()).toEqual(errors.map((error) => [error.code, error.status]).sort())
})

describe('the table of docs/errors.md', () => {
  const rows = rowsOf(read('docs/errors.md'))

  test('says of those codes that they carry retryAfterMs which do', () => {
    const told = rows.filter(({ said }) => said.includes('retryAfterMs'))
    expect(told.flatMap(({ codes }) => codes).sort()).toEqual(
      having((error) => error.retryAfterMs !== undefined).sort(),
    )
  })

  test('says of each what is certain of the job', () => {
    const told = rows.flatMap(({ codes, said }) => codes.map((code) => [code, /: `([a-z-]+)`/.exec(said)?.[1]]))
    expect(told.sort()).toEqual(errors.map((error) => [error.code, error.outcome]).sort())
  })
})

test('index.d.ts says which codes have a default that others do not', () => {
  const said = (property) =>
    new RegExp(`\\* Default: (.*(?:\\n {3}\\* .*)*)\\n(?: .*\\n)?  ${property}\\?:`).exec(types)[1]
  const named = (text) => Array.from(text.matchAll(/`([A-Z_]+)`/g), ([, code]) => code).sort()
  expect(said('retryAfterMs')).toMatch(/^1000 for /)
  expect(named(said('retryAfterMs'))).toEqual(having((error) => error.retryAfterMs === 1000).sort())
  expect(said('retryable')).toMatch(/and each 503\.\s/)
  const retryable = errors.filter(({ status }) => status === 503).map(({ code }) => code)
  expect([...named(said('retryable')), ...retryable].sort()).toEqual(having((error) => error.retryable).sort())
  expect(named(said('outcome'))).toEqual(having((error) => error.outcome !== 'refused').sort())
})

function thrown(work) {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('it did not throw')
}
