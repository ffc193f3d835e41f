'use strict'
// Redis absent, killed, frozen, restarted: each call ends in one honest answer within its deadline, and calls work
// again as soon as Redis does.
const { Redis } = require('ioredis')
const { OwnServer, freePort } = require('./support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('./support/tickets.js')

let server
afterEach(() => server?.stop())

/** A fresh boundary, which reads the URL of this test. */
function boundaryFor(url) {
  let boundary
  jest.isolateModules(() => {
    boundary = require('..')
  })
  process.env.REDIS_URL = url
  return boundary
}

async function withClient(use) {
  const client = new Redis(server.url)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

const exists = (ticket) => withClient((client) => client.exists(jobKey(ticket)))

test('with no server at the start, a call ends in QUEUE_UNAVAILABLE, not sent, and works once there is one', async () => {
  server = new OwnServer(await freePort(), [])
  const { enqueueTicketTriage, EnqueueError } = boundaryFor(server.url)
  const storage = recorder()
  const ticket = newTicket()
  const error = await rejection(enqueueTicketTriage(ticket, storage, { timeoutMs: 200 }))
  expect(error).toBeInstanceOf(EnqueueError)
  expect(error).toMatchObject({
    code: 'QUEUE_UNAVAILABLE',
    status: 503,
    expose: false,
    outcome: 'not-sent',
    retryable: true,
    retryAfterMs: 1000,
    jobId: jobId(ticket),
  })
  expect(error.cause.message).toMatch(/refused/i)
  expect(error.message + JSON.stringify(error.toProblem())).not.toMatch(/127\.0\.0\.1|refused/)
  expect(storage.records).toHaveLength(1)

  await server.up()
  expect(await exists(ticket)).toBe(0)
  await expect(enqueueTicketTriage(ticket, storage)).resolves.toEqual({ jobId: jobId(ticket), status: 'queued' })
  expect(await exists(ticket)).toBe(1)
})

test('a call that waits for an absent server succeeds when it appears in time', async () => {
  server = new OwnServer(await freePort(), [])
  const { enqueueTicketTriage } = boundaryFor(server.url)
  const call = enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 30_000 })
  await server.up()
  await expect(call).resolves.toMatchObject({ status: 'queued' })
})

test('after kill -9 and a restart on the same port, calls work again without a restart of ours', async () => {
  server = await OwnServer.start()
  const { enqueueTicketTriage } = boundaryFor(server.url)
  await enqueueTicketTriage(newTicket(), recorder())
  await server.kill()
  const error = await rejection(enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 200 }))
  expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  await server.up()
  const ticket = newTicket()
  await enqueueTicketTriage(ticket, recorder())
  expect(await exists(ticket)).toBe(1)
})

test('a burst during which the server is killed and restarted settles every call once, and each queued job is there', async () => {
  server = await OwnServer.start(['--appendonly', 'yes', '--appendfsync', 'always'])
  const { enqueueTicketTriage } = boundaryFor(server.url)
  const tickets = Array.from({ length: 3000 }, () => newTicket())
  let first
  const firstAnswer = new Promise((resolve) => {
    first = resolve
  })
  const calls = tickets.map((ticket) => enqueueTicketTriage(ticket, recorder(), { timeoutMs: 20_000 }).finally(first))
  await firstAnswer
  await server.kill()
  await server.up()
  const results = await Promise.all(calls)
  expect(results.map((result) => result.jobId)).toEqual(tickets.map(jobId))
  await withClient(async (client) => {
    const waiting = await client.lrange('bull:ticket-triage:wait', 0, -1)
    expect(waiting.sort()).toEqual(tickets.map(jobId).sort())
  })
})

test('a frozen server ends a sent call in OUTCOME_UNKNOWN, and trying again after it thaws makes one job', async () => {
  server = await OwnServer.start()
  const { enqueueTicketTriage } = boundaryFor(server.url)
  await enqueueTicketTriage(newTicket(), recorder())
  server.freeze()
  const ticket = newTicket()
  const error = await rejection(enqueueTicketTriage(ticket, recorder(), { timeoutMs: 200 }))
  expect(error).toMatchObject({
    code: 'OUTCOME_UNKNOWN',
    status: 503,
    outcome: 'unknown',
    retryable: true,
    jobId: jobId(ticket),
  })
  // The link that did not answer was given up, and none is there yet.
  const next = await rejection(enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 100 }))
  expect(next).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  server.thaw()
  await expect(enqueueTicketTriage(ticket, recorder())).resolves.toMatchObject({ status: 'queued' })
  await withClient(async (client) => {
    expect((await client.lrange('bull:ticket-triage:wait', 0, -1)).filter((id) => id === jobId(ticket))).toHaveLength(1)
  })
})

test('a call whose deadline passed while it waited is never written later', async () => {
  server = new OwnServer(await freePort(), [])
  const { enqueueTicketTriage } = boundaryFor(server.url)
  const late = newTicket()
  const patient = newTicket()
  const waiting = enqueueTicketTriage(patient, recorder(), { timeoutMs: 30_000 })
  await rejection(enqueueTicketTriage(late, recorder(), { timeoutMs: 50 }))
  await server.up()
  await waiting
  expect(await exists(patient)).toBe(1)
  expect(await exists(late)).toBe(0)
})

test('SCRIPT FLUSH amid a load is not noticed, and the script is loaded once for all', async () => {
  server = await OwnServer.start()
  const { enqueueTicketTriage } = boundaryFor(server.url)
  await withClient(async (client) => {
    const evals = async () => Number(/cmdstat_eval:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    await enqueueTicketTriage(newTicket(), recorder())
    expect(await evals()).toBe(1)
    const burst = () => Promise.all(Array.from({ length: 1000 }, () => enqueueTicketTriage(newTicket(), recorder())))
    await burst()
    expect(await evals()).toBe(1)
    await client.script('FLUSH')
    await burst()
    expect(await evals()).toBe(2)
    expect(await client.llen('bull:ticket-triage:wait')).toBe(2001)
  })
})

test('a server that asks for another password than it gets is QUEUE_UNAVAILABLE until it is set right', async () => {
  server = await OwnServer.start()
  const { enqueueTicketTriage } = boundaryFor(server.url.replace('//', '//web:secret@'))
  const error = await rejection(enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 200 }))
  expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  expect(error.cause.message).toMatch(/WRONGPASS/)
  expect(error.cause.message).not.toContain('secret')
  await withClient((client) => client.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all'))
  await expect(enqueueTicketTriage(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
})

test('a full server refuses the job and keeps nothing of it, and takes it once there is room', async () => {
  server = await OwnServer.start(['--maxmemory-policy', 'noeviction'])
  const { enqueueTicketTriage } = boundaryFor(server.url)
  await enqueueTicketTriage(newTicket(), recorder())
  await withClient(async (client) => {
    await client.config('SET', 'maxmemory', '1')
    const before = await client.dbsize()
    const ticket = newTicket()
    const error = await rejection(enqueueTicketTriage(ticket, recorder()))
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'refused', retryable: true })
    expect(error.cause.message).toContain('OOM')
    expect(await client.dbsize()).toBe(before)
    await client.config('SET', 'maxmemory', '0')
    await expect(enqueueTicketTriage(ticket, recorder())).resolves.toMatchObject({ status: 'queued' })
  })
})

test('a server that became a replica is left, and the job goes in once it is a primary again', async () => {
  server = await OwnServer.start()
  const { enqueueTicketTriage } = boundaryFor(server.url)
  await enqueueTicketTriage(newTicket(), recorder())
  await withClient(async (client) => {
    await client.replicaof('127.0.0.1', 1)
    const error = await rejection(enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 200 }))
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'refused' })
    expect(error.cause.message).toContain('READONLY')
    await client.replicaof('NO', 'ONE')
    await expect(enqueueTicketTriage(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
  })
})
