'use strict'
// The table of docs/errors.md, row by row: each code provoked, and whether there is a record and a job afterwards.
const { z } = require('zod')
const { EnqueueError, Pipeline, readJson, ticketTriageDefinition } = require('../..')
const { blockUnder, read } = require('../support/markdown.js')
const { OwnServer, freePort } = require('../support/redis.js')
const { jobKey, newTicket, recorder, rejection } = require('../support/tickets.js')
const { withClient } = require('../../tools/until.js')

const never = () => new Promise(() => {})
const SHORT = 100

let server
let away
const opened = []
beforeAll(async () => {
  server = await OwnServer.start()
  away = `redis://127.0.0.1:${await freePort()}`
})
afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
afterAll(() => server.stop())

function pipeline(fields) {
  const made = new Pipeline({ ...ticketTriageDefinition, connection: server.url, ...fields })
  opened.push(made)
  return made
}

const parent = (id) => ({ jobOptions: { parent: { id, queue: 'bull:ticket-triage' } } })

/** How each code comes up. What is not here needs a defect of ours, or has nothing to do with a job. */
const PROVOKED = {
  INVALID_INPUT: ({ ticket, storage }) => pipeline().enqueue({ ...ticket, summary: '' }, storage),
  PAYLOAD_TOO_LARGE: ({ ticket, storage }) => pipeline({ maxDataBytes: 10 }).enqueue(ticket, storage),
  TENANT_MISMATCH: ({ ticket, storage }) => pipeline().enqueue(ticket, storage, { caller: { tenantId: 'other' } }),
  FORBIDDEN: ({ ticket, storage }) => pipeline().enqueue(ticket, storage, { authorize: () => false }),
  async ID_CONFLICT({ ticket, storage }) {
    await pipeline().enqueue({ ...ticket, summary: 'Another' }, recorder())
    return pipeline({ onConflict: 'reject' }).enqueue(ticket, storage)
  },
  MISSING_PARENT: ({ ticket, storage }) => pipeline().enqueue(ticket, storage, parent('none')),
  async PARENT_CONFLICT({ ticket, storage }) {
    const triage = pipeline()
    const [one, two] = [newTicket(), newTicket()]
    const { jobId } = await triage.enqueue(one, recorder())
    await triage.enqueue(ticket, recorder(), parent(jobId))
    const { jobId: other } = await triage.enqueue(two, recorder())
    return triage.enqueue(ticket, storage, parent(other))
  },
  async QUOTA_EXCEEDED({ ticket, storage }) {
    const triage = pipeline({ quota: { rate: { limit: 1, periodMs: 1e9 } }, onQuotaUnavailable: 'closed' })
    await triage.enqueue(newTicket(), recorder())
    return triage.enqueue(ticket, storage)
  },
  QUOTA_UNAVAILABLE: ({ ticket, storage }) =>
    pipeline({
      connection: away,
      quota: { backlog: 1 },
      onQuotaUnavailable: 'closed',
      timeoutMs: SHORT,
    }).enqueue(ticket, storage),
  QUEUE_UNAVAILABLE: ({ ticket, storage }) => pipeline({ connection: away, timeoutMs: SHORT }).enqueue(ticket, storage),
  async OUTCOME_UNKNOWN({ ticket, storage }) {
    const frozen = await OwnServer.start()
    try {
      const triage = pipeline({ connection: frozen.url })
      await triage.enqueue(newTicket(), recorder())
      frozen.freeze()
      return await triage.enqueue(ticket, storage, { timeoutMs: SHORT })
    } finally {
      frozen.thaw()
      await frozen.stop()
    }
  },
  OVERLOADED({ ticket, storage }) {
    const triage = pipeline({ maxInFlight: 1, timeoutMs: SHORT })
    triage.enqueue(newTicket(), { createPending: never }).catch(() => {})
    return triage.enqueue(ticket, storage)
  },
  async CLOSED({ ticket, storage }) {
    const triage = pipeline()
    await triage.close()
    return triage.enqueue(ticket, storage)
  },
  VALIDATE_TIMEOUT({ ticket, storage }) {
    const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().refine(never) })
    return pipeline({ schema, timeoutMs: SHORT }).enqueue(ticket, storage)
  },
  AUTHORIZE_TIMEOUT: ({ ticket, storage }) =>
    pipeline().enqueue(ticket, storage, { authorize: never, timeoutMs: SHORT }),
  STORAGE_TIMEOUT: ({ ticket, storage }) =>
    pipeline({ timeoutMs: SHORT }).enqueue(ticket, {
      createPending(record) {
        storage.createPending(record)
        return never()
      },
    }),
  MISCONFIGURED: ({ ticket, storage }) => pipeline({ connection: { url: undefined } }).enqueue(ticket, storage),
  ERR_INVALID_ARG_TYPE: ({ ticket, storage }) => pipeline().enqueue(ticket, storage, { authorize: 'yes' }),
  ERR_OUT_OF_RANGE: ({ ticket, storage }) => pipeline().enqueue(ticket, storage, { timeoutMs: -1 }),
}

const ROWS = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \| \d+ \| ([^|]+) \| ([^|]+) \|/gm)].map(
  ([, code, record, job]) => ({ code, record, job }),
)

test('there is a way to each code of the table but those that come without a call', () => {
  const rest = ROWS.map(({ code }) => code).filter((code) => !Object.hasOwn(PROVOKED, code))
  expect(rest).toEqual(['MALFORMED_JSON', 'INTERNAL'])
})

test.each(ROWS.filter(({ code }) => PROVOKED[code]))(
  '$code: record $record, job $job',
  async ({ code, record, job }) => {
    const ticket = newTicket()
    const storage = recorder()
    const error = await rejection(Promise.resolve(PROVOKED[code]({ ticket, storage })))
    expect([error.code, error.outcome]).toEqual([code, new EnqueueError({ code }).outcome])
    expect(storage.records.length).toBe(/^none/.test(record) ? 0 : 1)
    expect(record).toMatch(/^(?:none|made|may yet be made)/)
    const data = await withClient(server, (admin) => admin.hget(jobKey(ticket), 'data'))
    expect(data !== null).toBe(/^that of another/.test(job))
  },
)

test('MISCONFIGURED has a record where Redis says no', async () => {
  await withClient(server, (admin) => admin.acl('SETUSER', 'nobody', 'on', '>secret', '~*', '+@all', '-xadd'))
  const triage = pipeline({ connection: { port: server.port, username: 'nobody', password: 'secret' } })
  const storage = recorder()
  expect(await rejection(triage.enqueue(newTicket(), storage))).toMatchObject({
    code: 'MISCONFIGURED',
    outcome: 'refused',
  })
  expect(storage.records.length).toBe(1)
})

test('MALFORMED_JSON is of a body, before there is a call', async () => {
  const request = new Request('http://localhost', { method: 'POST', body: '{' })
  expect(await rejection(readJson(request))).toMatchObject({ code: 'MALFORMED_JSON', outcome: 'refused' })
})

test('the problem on the page is the one that is sent', async () => {
  const error = new EnqueueError({ code: 'QUEUE_UNAVAILABLE', jobId: 'ticket-triage:acme:1' })
  expect(JSON.parse(blockUnder('docs/errors.md', 'Answers').text)).toEqual(error.toProblem())
})
