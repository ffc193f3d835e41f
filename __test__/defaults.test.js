'use strict'
// What index.d.ts says of options that are not given is what the code takes.
const { readFileSync } = require('node:fs')
const { readConnection } = require('../lib/connection/index.js')
const { readConcurrency } = require('../lib/many/options.js')
const { readLimits } = require('../lib/options.js')

const types = readFileSync(require.resolve('../index.d.ts'), 'utf8')

/** What the comment of each option of this name gives as its default, as it stands there. */
function documented(name) {
  const comments = types.matchAll(new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s+${name}\\?:`, 'g'))
  const defaults = [...comments].map(([, comment]) => /\bDefault: `?([^`\s]*[^`\s.,;])/.exec(comment)?.[1])
  return defaults.filter((value) => value !== undefined)
}

const native = () => readConnection({})

test.each([
  ['timeoutMs', '5000', () => readLimits({}).timeoutMs],
  ['maxInFlight', '100,000', () => readLimits({}).maxInFlight],
  ['concurrency', '16', () => readConcurrency()],
  ['host', '127.0.0.1', () => native().host],
  ['port', '6379', () => native().port],
  ['db', '0', () => native().db],
  ['connectionName', 'enqueue-boundary', () => native().connectionName],
])('%s is %s', (name, value, taken) => {
  expect(new Set(documented(name))).toEqual(new Set([value]))
  expect(`${taken()}`).toBe(value.replaceAll(',', ''))
})

test('the ports of sentinels and of the nodes of a cluster are those of Redis, and their host this one', () => {
  expect(readConnection({ sentinels: [{}], name: 'm' }).sentinels).toEqual([{ host: '127.0.0.1', port: 26_379 }])
  expect(readConnection({ cluster: [{}] }).cluster).toEqual([{ host: '127.0.0.1', port: 6379 }])
})
