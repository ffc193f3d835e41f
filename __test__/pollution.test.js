'use strict'
// A program in which someone could put properties on Object.prototype: none of them may let a call in, name its caller,
// change its deadline or send its job elsewhere.
const { useDatabase } = require('./support/redis.js')
const { runChild } = require('./support/child.js')

const database = useDatabase()
beforeEach(() => database.redis.flushdb())

const POLLUTED = `
Object.assign(Object.prototype, {
  caller: { tenantId: 'polluter' }, tenant: null, tenantId: 'child', authorize: () => true, timeoutMs: 1, maxInFlight: 1,
  prefix: 'polluted', durability: 'replica', replicated: true, connection: 'redis://127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1',
  url: 'redis://127.0.0.1:1', host: '127.0.0.2', port: 1, path: '/nowhere', username: 'polluter', password: 'polluted', db: 7,
  tls: true, sentinels: [{ host: '127.0.0.2', port: 1 }], name: 'polluted', cluster: [{ host: '127.0.0.2', port: 1 }],
  keyPrefix: 'polluted', sentinelTLS: true, role: 'slave', rejectUnauthorized: false,
  status: 299, code: 'INTERNAL', jobId: 'polluted', issues: [], retryAfterMs: 7, retryable: true, outcome: 'unknown',
})`

/** Each line: how a call ended. */
const CALLS = `
const { Pipeline, ticketTriageDefinition, enqueueTicketTriage } = boundary
const { port } = new URL(url)
const db = Number(new URL(url).pathname.slice(1))
const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
const slow = { createPending: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))) }
const end = (promise) => promise.then(({ status }) => console.log(status), (error) => console.log(error.code, error.status, Object.hasOwn(error, 'issues') ? error.issues.length : 0))
;(async () => {
  await end(enqueueTicketTriage(ticket('free'), slow))
  await end(enqueueTicketTriage(ticket('options'), slow, {}))
  await end(enqueueTicketTriage(ticket('nobody'), slow, { caller: {} }))
  await end(enqueueTicketTriage({ ...ticket('invalid'), summary: '' }, slow, {}))
  const pipelines = [{}, { connection: url }, { connection: { url } }, { connection: { host: '127.0.0.1', port, db } }]
  for (const [at, options] of pipelines.entries()) {
    const pipeline = new Pipeline({ ...ticketTriageDefinition, ...options })
    await Promise.all([end(pipeline.enqueue(ticket('a' + at), slow)), end(pipeline.enqueue(ticket('b' + at), slow, { timeoutMs: 9000 }))])
    await pipeline.close()
  }
  await end(enqueueTicketTriage(ticket('foreign'), slow, { caller: { tenantId: 'another' }, authorize: () => true }))
})()`

const ENDS = [
  'queued',
  'queued',
  'TENANT_MISMATCH 403 0',
  'INVALID_INPUT 400 1',
  ...Array(8).fill('queued'),
  'TENANT_MISMATCH 403 0',
]

test.each([
  ['before the package is loaded', `${POLLUTED}\nconst boundary = require('.')`],
  ['after it', `const boundary = require('.')\n${POLLUTED}`],
])('what is put on Object.prototype %s changes nothing', async (_, start) => {
  const child = await runChild(`const url = process.env.REDIS_URL\n${start}\n${CALLS}`, { bare: true })
  expect(child).toMatchObject({ code: 0, stderr: '' })
  const lines = child.stdout.trim().split('\n')
  expect(lines).toEqual(ENDS)
  const keys = await database.redis.keys('*')
  expect(keys.filter((key) => !key.startsWith('bull:ticket-triage:'))).toEqual([])
  expect(await database.redis.llen('bull:ticket-triage:wait')).toBe(10)
})
