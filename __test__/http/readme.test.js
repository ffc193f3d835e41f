'use strict'
// The route of README.md, pasted as it stands.
const { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { Program } = require('../support/program.js')
const { freePort, useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const root = path.join(__dirname, '../..')
const database = useDatabase()

let app
let program
let url
let away

const start = (env) => new Program(path.join(__dirname, 'readme.mjs'), { ...process.env, ...env })

beforeAll(async () => {
  const blocks = readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)
  const [route] = [...blocks].map(([, block]) => block).filter((block) => block.includes('function POST'))
  app = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-readme-'))
  mkdirSync(path.join(app, 'node_modules'))
  symlinkSync(root, path.join(app, 'node_modules', 'enqueue-boundary'), 'junction')
  const file = path.join(app, 'route.mjs')
  writeFileSync(file, route)
  const ROUTE = pathToFileURL(file).href
  program = start({ ROUTE, REDIS_URL: database.url })
  away = start({ ROUTE, REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  url = await program.line(0)
})
afterAll(async () => {
  await program?.stop()
  await away?.stop()
  rmSync(app, { recursive: true, force: true })
})

async function post(body, to = url) {
  const response = await fetch(to, { method: 'POST', body })
  const { status, headers } = response
  return { status, type: headers.get('content-type'), after: headers.get('retry-after'), body: await response.json() }
}

test('a good ticket is a 202, and its job is in Redis', async () => {
  const ticket = newTicket()
  expect(await post(JSON.stringify(ticket))).toEqual({
    status: 202,
    type: 'application/json',
    after: null,
    body: { jobId: jobId(ticket), status: 'queued' },
  })
  expect(await database.redis.hget(jobKey(ticket), 'data')).toBe(JSON.stringify(ticket))
})

test.each([
  ['that is not JSON', '{"tenantId":', 400, 'MALFORMED_JSON', 'the body is not JSON'],
  ['that is empty', '', 400, 'MALFORMED_JSON', 'the body is empty'],
  ['that is no ticket', '{"tenantId":"a","ticketId":"b"}', 400, 'INVALID_INPUT', 'summary is required'],
  ['that is no object', '[]', 400, 'INVALID_INPUT', expect.any(String)],
  [
    'with more than a job holds',
    JSON.stringify(newTicket({ summary: 'x'.repeat(2 ** 20) })),
    413,
    'PAYLOAD_TOO_LARGE',
    'the data is longer than 1048576 bytes of JSON',
  ],
  ['with more than is read', ' '.repeat(2 ** 23), 413, 'PAYLOAD_TOO_LARGE', 'the body is longer than 4194304 bytes'],
])('a body %s is refused as a problem', async (_, body, status, code, detail) => {
  expect(await post(body)).toMatchObject({
    status,
    type: 'application/problem+json',
    after: null,
    body: { status, code, detail, outcome: 'refused' },
  })
})

test('a ticket of 1 MiB that a client escaped is taken', async () => {
  const ticket = newTicket({ summary: 'ü'.repeat(2 ** 19 - 100) })
  const escaped = JSON.stringify(ticket).replaceAll('ü', '\\u00fc')
  expect(await post(escaped)).toMatchObject({ status: 202 })
})

test('with Redis away it is a 503 that says when to try again, and the log says what is wrong', async () => {
  const answer = await post(JSON.stringify(newTicket()), await away.line(0))
  expect(answer).toMatchObject({
    status: 503,
    type: 'application/problem+json',
    after: '1',
    body: { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent', retryable: true },
  })
  expect(JSON.stringify(answer)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/)
  await until(() => /\[cause\].*refused/i.test(away.log))
})
