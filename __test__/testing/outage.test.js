'use strict'
// What can be wrong: each code of the table in docs/testing.md, provoked as that says, and told as a real outage is.
const { z } = require('zod')
const { EnqueueError, Pipeline, readJson, ticketTriageDefinition } = require('../..')
const { installTestTransport } = require('../../testing')
const { CODES } = require('../../lib/codes.js')
const { read } = require('../support/markdown.js')
const { OwnServer, freePort } = require('../support/redis.js')
const { jobId, newTicket, recorder, rejection } = require('../support/tickets.js')
const { withClient } = require('../../tools/until.js')

const never = () => new Promise(() => {})
const SHORT = 50
/** For what is to be heard of at the deadline, behind a record that is made. */
const LONGER = 2000
const opened = []
let boundary
beforeEach(() => {
  boundary = installTestTransport()
})
afterEach(async () => {
  boundary.uninstall()
  await Promise.all(opened.splice(0).map((it) => it.close()))
})

function pipeline(fields) {
  const made = new Pipeline({ ...ticketTriageDefinition, connection: '', ...fields })
  opened.push(made)
  return made
}

const QUOTA = { quota: { backlog: 1 }, onQuotaUnavailable: 'closed' }
const parent = (id) => ({ jobOptions: { parent: { id, queue: 'bull:ticket-triage' } } })
const during = (outage, fields) => async (ticket, storage) => {
  boundary.outage(...outage)
  return pipeline(fields).enqueue(ticket, storage)
}

/** How each code comes up, in the order of the page. */
const PROVOKED = {
  INVALID_INPUT: (ticket, storage) => pipeline().enqueue({ ...ticket, summary: '' }, storage),
  MALFORMED_JSON: () => readJson(new Request('http://localhost', { method: 'POST', body: '{' })),
  PAYLOAD_TOO_LARGE: (ticket, storage) => pipeline({ maxDataBytes: 10 }).enqueue(ticket, storage),
  TENANT_MISMATCH: (ticket, storage) => pipeline().enqueue(ticket, storage, { caller: { tenantId: 'other' } }),
  FORBIDDEN: (ticket, storage) => pipeline().enqueue(ticket, storage, { authorize: () => false }),
  async ID_CONFLICT(ticket, storage) {
    await pipeline().enqueue({ ...ticket, summary: 'Another' }, storage)
    return pipeline({ onConflict: 'reject' }).enqueue(ticket, storage)
  },
  MISSING_PARENT: (ticket, storage) => pipeline().enqueue(ticket, storage, parent('none')),
  async PARENT_CONFLICT(ticket, storage) {
    const [one, two] = [newTicket(), newTicket()]
    await pipeline().enqueueMany([one, two], storage)
    await pipeline().enqueue(ticket, storage, parent(jobId(one)))
    return pipeline().enqueue(ticket, storage, parent(jobId(two)))
  },
  async QUOTA_EXCEEDED(ticket, storage) {
    await pipeline(QUOTA).enqueue(newTicket(), storage)
    return pipeline(QUOTA).enqueue(ticket, storage)
  },
  QUOTA_UNAVAILABLE: during(['not-sent', { of: 'quotas' }], QUOTA),
  QUEUE_UNAVAILABLE: during(['not-sent']),
  OUTCOME_UNKNOWN: during(['unknown']),
  OVERLOADED: during(['overloaded']),
  async CLOSED(ticket, storage) {
    const triage = pipeline()
    await triage.close()
    return triage.enqueue(ticket, storage)
  },
  VALIDATE_TIMEOUT(ticket, storage) {
    const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().refine(never) })
    return pipeline({ schema, timeoutMs: SHORT }).enqueue(ticket, storage)
  },
  AUTHORIZE_TIMEOUT: (ticket, storage) => pipeline().enqueue(ticket, storage, { authorize: never, timeoutMs: SHORT }),
  STORAGE_TIMEOUT: (ticket) => pipeline({ timeoutMs: SHORT }).enqueue(ticket, { createPending: never }),
  MISCONFIGURED: during(['refused', { reply: 'NOPERM User app has no permissions to run the XADD command' }]),
  ERR_INVALID_ARG_TYPE: (ticket, storage) => pipeline().enqueue(ticket, storage, { authorize: 'yes' }),
  ERR_OUT_OF_RANGE: (ticket, storage) => pipeline().enqueue(ticket, storage, { timeoutMs: -1 }),
  INTERNAL: during(['internal']),
}

test('there is a way to each code, and the page has each', () => {
  expect(Object.keys(PROVOKED).sort()).toEqual(Object.keys(CODES).sort())
  const rows = [...read('docs/testing.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
  expect(rows).toEqual(Object.keys(PROVOKED))
})

test.each(Object.keys(PROVOKED))('%s', async (code) => {
  const error = await rejection(PROVOKED[code](newTicket(), recorder()))
  const { status, retryable, outcome } = new EnqueueError({ code })
  expect(error).toMatchObject({ code, status, retryable, outcome })
})

/** All that is told of an error, but for the name of the server. */
const told = ({ code, status, outcome, retryable, message, headers, cause }, server) => ({
  ...{ code, status, outcome, retryable, message, headers },
  cause: { code: cause?.code, message: cause?.message.replaceAll(server, 'the server') },
})

describe('an error is told as that of a real server is', () => {
  let server
  beforeAll(async () => {
    server = await OwnServer.start()
  })
  afterAll(() => server.stop())

  async function real(connection, address, act = (triage) => triage.enqueue(newTicket(), recorder())) {
    boundary.uninstall()
    return told(await rejection(act(pipeline({ connection, timeoutMs: LONGER, ...QUOTA_OF[act.name] }))), address)
  }
  const QUOTA_OF = { quota: QUOTA }
  const tested = async (act = (triage) => triage.enqueue(newTicket(), recorder())) =>
    told(await rejection(act(pipeline(QUOTA_OF[act.name]))), 'the test transport')
  const states = (triage) => triage.states(['x'])
  const quota = (triage) => triage.enqueue(newTicket(), recorder())

  test.each([
    ['a job', undefined],
    ['a question where jobs are', states],
    ['a quota', quota],
  ])('nobody is there: %s', async (_, act) => {
    boundary.outage('not-sent')
    const actual = await tested(act)
    const port = await freePort()
    expect(actual).toEqual(await real({ port }, `127.0.0.1:${port}`, act))
  })

  test.each([
    ['is full', ['config', 'set', 'maxmemory', '1'], ['config', 'set', 'maxmemory', '0']],
    ['has become a replica', ['replicaof', '127.0.0.1', '1'], ['replicaof', 'no', 'one']],
  ])('the server %s', async (_, wrong, right) => {
    await withClient(server, (admin) => admin.call(...wrong))
    const expected = await real(server.url, `127.0.0.1:${server.port}`)
    await withClient(server, (admin) => admin.call(...right))
    boundary = installTestTransport()
    boundary.outage('refused', { reply: expected.cause.message.replace('the server: ', '') })
    expect(await tested()).toEqual(expected)
  })

  test('the user may not', async () => {
    await withClient(server, (admin) => admin.acl('SETUSER', 'nobody', 'on', '>secret', '~*', '+@all', '-xadd'))
    const user = { port: server.port, username: 'nobody', password: 'secret' }
    const expected = await real(user, `127.0.0.1:${server.port}`)
    const [, reply] = /the server: (.*)\)$/.exec(expected.cause.message)
    boundary = installTestTransport()
    boundary.outage('refused', { reply })
    expect(await tested()).toEqual(expected)
  })

  test('no answer comes', async () => {
    const frozen = await OwnServer.start()
    try {
      const act = async function act(triage) {
        await triage.enqueue(newTicket(), recorder(), { timeoutMs: 60_000 })
        frozen.freeze()
        return triage.enqueue(newTicket(), recorder())
      }
      const expected = await real(frozen.url, `127.0.0.1:${frozen.port}`, act)
      boundary = installTestTransport()
      boundary.outage('unknown')
      expect(await tested()).toEqual(expected)
    } finally {
      frozen.thaw()
      await frozen.stop()
    }
  })
})

describe('an outage', () => {
  const call = (fields, options) => rejection(pipeline(fields).enqueue(newTicket(), recorder(), options))

  test('leaves a job or none, as it says', async () => {
    for (const [kind, options, jobs] of [
      ['not-sent', {}, 0],
      ['refused', {}, 0],
      ['unknown', {}, 1],
      ['unknown', { written: false }, 1],
      ['internal', {}, 1],
      ['overloaded', {}, 1],
    ]) {
      boundary.outage(kind, options)
      const { records, ...storage } = recorder()
      await rejection(pipeline().enqueue(newTicket(), storage))
      expect([kind, boundary.jobs().length, records.length]).toEqual([kind, jobs, kind === 'overloaded' ? 0 : 1])
    }
  })

  test('is seen in what a program is told of its link', async () => {
    const triage = pipeline()
    const connected = () => triage.stats().connected
    await triage.enqueue(newTicket(), recorder())
    expect(connected()).toBe(true)
    boundary.outage('not-sent', { times: 1 })
    expect(connected()).toBe(false)
    await rejection(triage.enqueue(newTicket(), recorder()))
    expect(connected()).toBe(true)
  })

  test('is over when it is restored, and after so many times', async () => {
    const triage = pipeline()
    boundary.outage('not-sent')
    await call()
    boundary.restore()
    expect(await triage.enqueue(newTicket(), recorder())).toMatchObject({ created: true })
    boundary.outage('refused', { times: 2 })
    const outcomes = await triage.enqueueMany([newTicket(), newTicket(), newTicket()], recorder())
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'queued'])
    boundary.outage('overloaded', { times: 1 })
    expect(await call()).toMatchObject({ code: 'OVERLOADED' })
    expect(await triage.enqueue(newTicket(), recorder())).toMatchObject({ created: true })
  })

  test('meets what it is of', async () => {
    const triage = pipeline(QUOTA)
    boundary.outage('not-sent', { of: 'states' })
    expect(await triage.enqueue(newTicket(), recorder())).toMatchObject({ created: true })
    expect(await rejection(triage.states(['x']))).toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
    boundary.reset()
    boundary.outage('not-sent', { of: 'jobs' })
    expect(await rejection(triage.enqueue(newTicket(), recorder()))).toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
    expect(await triage.states(['x'])).toEqual(['missing'])
    // What was taken for it went back.
    boundary.restore()
    expect(await triage.enqueue(newTicket(), recorder())).toMatchObject({ created: true })
    boundary.outage('not-sent', { of: 'quotas' })
    const open = pipeline({ ...QUOTA, onQuotaUnavailable: 'open' })
    expect(await open.enqueue(newTicket(), recorder())).toMatchObject({ created: true })
    expect(open.stats().uncheckedQuotas).toBe(1)
  })

  test('is heard of after a while, at the deadline at the latest', async () => {
    boundary.outage('not-sent', { delayMs: 20 })
    const order = []
    const late = call().then(({ code }) => order.push(code))
    await pipeline()
      .states([])
      .then(() => order.push('states'))
    await late
    expect(order).toEqual(['states', 'QUEUE_UNAVAILABLE'])
    boundary.outage('refused', { delayMs: Infinity })
    expect(await call({ timeoutMs: LONGER })).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'refused' })
  })

  test('that is slow does no harm to a call that has time, and leaves the job of one that has not', async () => {
    boundary.outage('slow', { delayMs: 5 })
    expect(await pipeline().enqueue(newTicket(), recorder())).toMatchObject({ created: true })
    boundary.outage('slow')
    expect(await call({ timeoutMs: LONGER })).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown' })
    expect(boundary.jobs()).toHaveLength(2)
  })

  test('that is none is refused', () => {
    for (const [kind, options] of [
      ['away'],
      [undefined],
      ['slow', 5],
      ['slow', null],
      ['slow', { delayMs: -1 }],
      ['slow', { delayMs: '5' }],
      ['slow', { reply: 'OOM' }],
      ['refused', { reply: 'out of memory' }],
      ['refused', { written: true }],
      ['unknown', { written: 'no' }],
      ['not-sent', { times: 0 }],
      ['not-sent', { times: 1.5 }],
      ['not-sent', { of: 'records' }],
      ['not-sent', { once: true }],
    ]) {
      expect(() => boundary.outage(kind, options)).toThrow(TypeError)
    }
  })
})
