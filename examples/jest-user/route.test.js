// The route, without a Redis.
const { installTestTransport, matchers } = require('enqueue-boundary/testing')
const { useClient } = require('./client.js')

expect.extend(matchers)
const boundary = installTestTransport()
const { post, records } = useClient()
const ticket = { tenantId: 'acme', ticketId: 'T-1', summary: 'The printer prints blank pages' }
const jobId = 'ticket-triage:acme:T-1'

afterEach(() => {
  boundary.reset()
  records.clear()
})
afterAll(() => boundary.uninstall())

test('a ticket is recorded and enqueued', async () => {
  const response = await post({ ...ticket, colour: 'dropped' })
  expect(response.status).toBe(202)
  expect(await response.json()).toEqual({ jobId, status: 'queued' })
  expect([...records.keys()]).toEqual([jobId])
  expect(boundary).toHaveJob({ id: jobId, name: 'triage', data: ticket, opts: { attempts: 3 } })
  expect(boundary.jobs('ticket-triage')).toHaveLength(1)
})

test('a ticket that is enqueued twice is one job', async () => {
  await post(ticket)
  expect((await post(ticket)).status).toBe(202)
  expect(boundary.jobs()).toMatchObject([{ id: jobId, timestamp: expect.any(Number) }])
})

test('an invalid ticket is told what is wrong, and leaves nothing', async () => {
  const response = await post({ ...ticket, summary: '' })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'INVALID_INPUT', issues: [{ pointer: '/summary' }] })
  expect(records.size).toBe(0)
  expect(boundary).not.toHaveJob()
})

test.each([
  ['not-sent', {}, 'QUEUE_UNAVAILABLE', 1],
  ['refused', { reply: 'READONLY You can’t write against a read only replica.' }, 'QUEUE_UNAVAILABLE', 1],
  ['unknown', { written: false }, 'OUTCOME_UNKNOWN', 1],
  ['overloaded', {}, 'OVERLOADED', 0],
])(
  'Redis is away (%s): the client is told when to come back, and is served then',
  async (kind, options, code, made) => {
    boundary.outage(kind, { ...options, times: 1 })
    const response = await post(ticket)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({ code, retryable: true })
    expect(records.size).toBe(made)
    expect(boundary).not.toHaveJob(jobId)

    expect((await post(ticket)).status).toBe(202)
    expect(boundary).toHaveJob(jobId)
  },
)

test('an answer that was lost makes no second job', async () => {
  boundary.outage('unknown', { times: 1 })
  expect((await post(ticket)).status).toBe(503)
  expect((await post(ticket)).status).toBe(202)
  expect(boundary.jobs()).toHaveLength(1)
})

test('a user of Redis who may not write is a fault of ours, of which the client is told nothing', async () => {
  boundary.outage('refused', { reply: 'NOPERM User app has no permissions to run the XADD command' })
  const response = await post(ticket)
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('XADD')
})
