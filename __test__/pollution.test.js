'use strict'
// A program in which someone could put properties on Object.prototype: none of them may let a call in, name its caller,
// change its deadline or send its job elsewhere. And one that has frozen all that JavaScript comes with.
const { runInNewContext } = require('node:vm')
const { runChild } = require('./support/child.js')
const { useFaults } = require('./support/faults.js')
const { useDatabase } = require('./support/redis.js')
const { newTicket, recorder, rejection } = require('./support/tickets.js')
const { enqueueTicketTriage } = require('..')

const database = useDatabase()
const on = useFaults()
const row = 38
beforeEach(() => database.redis.flushdb())

const POLLUTED = `
Object.assign(Object.prototype, {
  caller: { tenantId: 'polluter' }, tenant: null, tenantId: 'child', authorize: () => true, timeoutMs: 1, maxInFlight: 1,
  prefix: 'polluted', durability: 'replica', replicated: true, connection: 'redis://127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1',
  url: 'redis://127.0.0.1:1', host: '127.0.0.2', port: 1, path: '/nowhere', username: 'polluter', password: 'polluted', db: 7,
  tls: true, sentinels: [{ host: '127.0.0.2', port: 1 }], name: 'polluted', cluster: [{ host: '127.0.0.2', port: 1 }],
  href: 'redis://127.0.0.1:1', searchParams: {}, limit: 1, keyPrefix: 'polluted', sentinelTLS: true, role: 'slave', rejectUnauthorized: false,
  status: 299, code: 'INTERNAL', jobId: 'polluted', issues: [], retryAfterMs: 7, retryable: true, outcome: 'unknown',
})`

/** Each line: how a call ended. */
const CALLS = `
const { Pipeline, ticketTriageDefinition, enqueueTicketTriage, readJson } = boundary
const { port } = new URL(url)
const db = Number(new URL(url).pathname.slice(1))
const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
const slow = { createPending: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))) }
const end = (promise) => promise.then(({ status }) => console.log(status), (error) => console.log(error.code, error.status, Object.hasOwn(error, 'issues') ? error.issues.length : 0))
;(async () => {
  const request = new Request('http://localhost', { method: 'POST', body: JSON.stringify(ticket('free')) })
  await end(enqueueTicketTriage(await readJson(request), slow))
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

const TICKETS = ['free', 'options', 'nobody', 'invalid', ...['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3'], 'foreign']

/** Of lines that say how the call for each ticket ended. */
const outcomesOf = (tickets, lines) =>
  lines.map((line, at) => {
    const [code] = line.split(' ')
    return { jobId: `ticket-triage:child:${tickets[at]}`, code, outcome: code === 'queued' ? 'queued' : 'refused' }
  })

test.each([
  ['before the package is loaded', `${POLLUTED}\nconst boundary = require('.')`],
  ['after it', `const boundary = require('.')\n${POLLUTED}`],
])('what is put on Object.prototype %s changes nothing', async (when, start) => {
  const fault = on.fault({ row, fault: 'polluted Object.prototype', done: when })
  const child = await runChild(`const url = process.env.REDIS_URL\n${start}\n${CALLS}`, { bare: true })
  expect(child).toMatchObject({ code: 0, stderr: '' })
  const lines = child.stdout.trim().split('\n')
  expect(lines).toEqual(ENDS)
  const keys = await database.redis.keys('*')
  expect(keys.filter((key) => !key.startsWith('bull:ticket-triage:'))).toEqual([])
  expect(await database.redis.llen('bull:ticket-triage:wait')).toBe(10)
  fault.add(outcomesOf(TICKETS, lines))
  await fault.ends(database.redis)
})

test('nor does what is put there decide on a job that is there already, or keep calls from being counted', async () => {
  const child = await runChild(
    `
    Object.assign(Object.prototype, { keeps: true, answered: true, crowded: true, meter: {}, chunk: {}, watch: {} })
    const { Pipeline, ticketTriageDefinition } = require('.')
    const telemetry = {
      tracer: { startSpan: () => ({ setSpanOnContext: (context) => context, setAttributes() {}, recordException() {}, end() {} }) },
      contextManager: { active: () => ({}), with: (_, call) => call(), getMetadata: () => '{}' },
    }
    async function main() {
      for (const [at, options] of [{}, { telemetry }].entries()) {
        const pipeline = new Pipeline({ ...ticketTriageDefinition, onConflict: 'reject', ...options })
        await pipeline.enqueue(ticket('same' + at), storage)
        const [{ error }] = await pipeline.enqueueMany([{ ...ticket('same' + at), summary: 'another' }], storage)
        const { code } = await pipeline.enqueue({}, storage).catch((reason) => reason)
        const { created, rejected } = pipeline.stats().outcomes
        console.log(error?.code, code, created, rejected.ID_CONFLICT, rejected.INVALID_INPUT)
        await pipeline.close()
      }
    }
    main()`,
    { env: { REDIS_URL: database.url } },
  )
  const line = 'ID_CONFLICT INVALID_INPUT 1 1 1\n'
  expect(child).toMatchObject({ code: 0, stderr: '', stdout: line + line })
})

test('nor does what is on that of another realm', async () => {
  const ticket = newTicket()
  const from = (polluted) => runInNewContext('Object.assign(Object.prototype, polluted); ({})', { polluted })
  const options = from({ caller: { tenantId: 'polluter' }, authorize: () => false, timeoutMs: 'never' })
  await expect(enqueueTicketTriage(ticket, recorder(), options)).resolves.toMatchObject({ status: 'queued' })
  const refused = rejection(enqueueTicketTriage(ticket, recorder(), { caller: from({ tenantId: ticket.tenantId }) }))
  expect((await refused).code).toBe('TENANT_MISMATCH')
})

test('a program whose intrinsics are frozen is served as any other', async () => {
  const fault = on.fault({ row, fault: 'frozen intrinsics', done: '`node --frozen-intrinsics --disable-proto=throw`' })
  const calls = `
    const { Pipeline, ticketTriageDefinition } = require('.')
    const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL })
    const never = { createPending: () => new Promise(() => {}) }
    const hold = setInterval(() => {}, 1000)
    const end = (promise) => promise.then(({ status }) => status, (error) => error.code + ' ' + error.toProblem().status)
    ;(async () => {
      console.log(await end(enqueueTicketTriage(ticket('plain'), storage)))
      console.log(await end(pipeline.enqueue(ticket('own'), storage)))
      console.log(await end(pipeline.enqueue({ ...ticket('invalid'), summary: '' }, storage)))
      console.log(await end(pipeline.enqueue(ticket('late'), never, { timeoutMs: 20 })))
      await pipeline.close()
      clearInterval(hold)
    })()`
  const { code, stdout } = await runChild(calls, { flags: ['--frozen-intrinsics', '--disable-proto=throw'] })
  const lines = stdout.trim().split('\n')
  expect([code, lines]).toEqual([0, ['queued', 'queued', 'INVALID_INPUT 400', 'STORAGE_TIMEOUT 504']])
  fault.add(outcomesOf(['plain', 'own', 'invalid', 'late'], lines))
  await fault.ends(database.redis)
})
