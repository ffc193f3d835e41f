'use strict'
// The permissions of docs/operations.md: what each line suffices for, and that none of its commands is there for nothing.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { blockUnder } = require('../support/markdown.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket, rejection } = require('../support/tickets.js')
const { withClient } = require('../../tools/until.js')

const storage = { createPending() {} }
const words = (number) => blockUnder('docs/operations.md', 'Permissions', number).text.trim().split(' ')
const [least, told, all] = [0, 1, 2].map(words)

let server
const opened = []
beforeAll(async () => {
  server = await OwnServer.start()
})
beforeEach(() => withClient(server, (admin) => admin.flushall()))
afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
afterAll(() => server.stop())

/** Makes the user anew, by these lines. */
const allow = (...lines) =>
  withClient(server, async (admin) => {
    await admin.acl('DELUSER', 'producer')
    for (const line of lines) expect(await admin.call(...line)).toBe('OK')
  })

function pipeline(fields) {
  const connection = { port: server.port, username: 'producer', password: 'secret' }
  const made = new Pipeline({ ...ticketTriageDefinition, connection, ...fields })
  opened.push(made)
  return made
}

test('the first line suffices for a plain job, and for what is said of one that is there', async () => {
  await allow(least)
  const ticket = newTicket()
  const triage = pipeline()
  expect(await triage.enqueue(ticket, storage)).toMatchObject({ created: true })
  expect(await triage.enqueue(ticket, storage)).toMatchObject({ created: false, existing: { state: 'unknown' } })
})

test('without any one of its commands nothing is enqueued', async () => {
  const needed = least.filter((word) => word.startsWith('+') && word !== '+ping' && word !== '+evalsha')
  expect(needed.length).toBe(12)
  for (const command of needed) {
    await withClient(server, (admin) => admin.call('SCRIPT', 'FLUSH'))
    await allow(least.filter((word) => word !== command))
    const error = await rejection(pipeline().enqueue(newTicket(), storage))
    expect([command, error.code]).toEqual([command, 'MISCONFIGURED'])
  }
})

test('with the second, the state is told, and the connection has its name', async () => {
  await allow(least, told)
  const ticket = newTicket()
  const triage = pipeline()
  await triage.enqueue(ticket, storage)
  expect(await triage.enqueue(ticket, storage)).toMatchObject({ existing: { state: 'waiting' } })
  expect(await withClient(server, (admin) => admin.call('CLIENT', 'LIST'))).toMatch(/name=enqueue-boundary /)
})

describe('with the third', () => {
  beforeEach(() => allow(least, told, all))

  test.each([
    ['delayed', { delay: 60_000 }],
    ['prioritised', { priority: 3 }],
    ['lifo', { lifo: true }],
    ['deduplicated', { deduplication: { id: 'one', ttl: 60_000, extend: true } }],
    ['deduplicated by replacing', { delay: 60_000, deduplication: { id: 'two', replace: true } }],
    ['deduplicated by rescheduling', { delay: 60_000, deduplication: { id: 'three', reschedule: true } }],
  ])('jobs that are %s are enqueued', async (_, jobOptions) => {
    const triage = pipeline()
    for (let times = 0; times < 2; times++) await triage.enqueue(newTicket(), storage, { jobOptions })
    expect(triage.stats().outcomes.rejected).toEqual({})
  })

  test('so is a job of a tenant that has a quota', async () => {
    const quota = { rate: { limit: 2, periodMs: 1e9 }, backlog: 5 }
    const triage = pipeline({ quota, onQuotaUnavailable: 'closed' })
    for (let times = 0; times < 2; times++) await triage.enqueue(newTicket(), storage)
    expect(await rejection(triage.enqueue(newTicket(), storage))).toMatchObject({ code: 'QUOTA_EXCEEDED' })
  })

  test('so is a child of a job, an id is used again, and a sweep finds what is missing', async () => {
    const triage = pipeline({ idReuse: 'afterFinished' })
    const { jobId: id } = await triage.enqueue(newTicket(), storage)
    await triage.enqueue(newTicket(), storage, { jobOptions: { parent: { id, queue: 'bull:ticket-triage' } } })
    const ticket = newTicket()
    const { jobId } = await triage.enqueue(ticket, storage)
    await withClient(server, async (admin) => {
      await admin.lrem('bull:ticket-triage:wait', 1, jobId)
      await admin.zadd('bull:ticket-triage:completed', 1, jobId)
      await admin.hset(`bull:ticket-triage:${jobId}`, 'finishedOn', '1')
    })
    expect(await triage.states([jobId, 'none'])).toEqual(['completed', 'missing'])
    expect(await triage.enqueue(ticket, storage)).toMatchObject({ created: true })
    const missing = newTicket()
    const record = { jobId: `ticket-triage:${missing.tenantId}:${missing.ticketId}`, input: missing }
    expect(await triage.sweep({ pending: () => [record] })).toMatchObject({ created: 1, rejected: 0 })
  })
})
