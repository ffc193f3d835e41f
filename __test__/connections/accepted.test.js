'use strict'
// The ways to say where Redis is, each against a real server: the job must be where the option says.
const { Redis } = require('ioredis')
const { OwnServer } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')
const { Pipeline, ticketTriageDefinition } = require('../..')

const host = '127.0.0.1'
const password = 'pa:ss/w@rd'
const encoded = encodeURIComponent(password)
const socket = () => `${server.dir}/redis.sock`

let server
let admin
const open = []
beforeAll(async () => {
  server = await OwnServer.start(['--unixsocket', 'redis.sock'])
  admin = new Redis(server.port)
  await admin.config('SET', 'requirepass', password)
  await admin.acl('SETUSER', 'web', 'on', '>secret', '~bull:*', '+@all')
})
afterEach(() => Promise.all(open.splice(0).map((pipeline) => pipeline.close())))
afterAll(async () => {
  admin.disconnect()
  await server.stop()
})

/** Enqueues a ticket through `connection`; gives the ticket. */
async function enqueue(connection) {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection })
  open.push(pipeline)
  const ticket = newTicket()
  await expect(pipeline.enqueue(ticket, recorder())).resolves.toMatchObject({ jobId: jobId(ticket), created: true })
  return ticket
}

/** Which database has the job, and as whom the connection that made it is known. */
async function placeOf(ticket) {
  // The newest last: a connection that was closed may still be listed.
  const ours = (await admin.client('LIST')).split('\n').findLast((line) => /cmd=eval/.test(line))
  const { db, user } = Object.fromEntries(ours.split(' ').map((pair) => pair.split('=')))
  await admin.select(db)
  expect(await admin.exists(jobKey(ticket))).toBe(1)
  return { db: Number(db), user }
}

test.each([
  ['a URL', () => `redis://:${encoded}@${host}:${server.port}`],
  ['a URL object', () => new URL(`redis://:${encoded}@${host}:${server.port}`)],
  ['a URL in an object', () => ({ url: `redis://:${encoded}@${host}:${server.port}` })],
  ['a URL without a password, which the object has', () => ({ url: `redis://${host}:${server.port}`, password })],
  ['host and port', () => ({ host, port: server.port, password })],
  ['a port in digits', () => ({ host, port: `${server.port}`, password })],
  ['a name that is resolved', () => ({ host: 'localhost', port: server.port, password })],
  ['only a port, on this machine', () => ({ port: server.port, password })],
  ['what is empty beside a host and port', () => ({ host, port: server.port, password, username: null, db: '' })],
  ['a Unix socket', () => ({ path: socket(), password })],
  ['the URL of a Unix socket', () => `redis+unix://${socket()}?pass=${encoded}`],
  [
    'options of ioredis that say how it behaves',
    () => ({ port: server.port, password, maxRetriesPerRequest: null, lazyConnect: true }),
  ],
])('%s', async (_, connection) => {
  const ticket = await enqueue(connection())
  expect(await placeOf(ticket)).toEqual({ db: 0, user: 'default' })
})

test.each([
  ['of a URL', () => `redis://:${encoded}@${host}:${server.port}/3`],
  ['of an object', () => ({ port: server.port, password, db: 3 })],
  ['in digits', () => ({ port: server.port, password, db: '3' })],
  ['of a URL, over that of its object', () => ({ url: `redis://:${encoded}@${host}:${server.port}/3`, db: 5 })],
  ['with a Unix socket', () => ({ path: socket(), password, db: 3 })],
])('a database %s', async (_, connection) => {
  const ticket = await enqueue(connection())
  expect(await placeOf(ticket)).toEqual({ db: 3, user: 'default' })
})

test.each([
  ['of a URL', () => `redis://web:secret@${host}:${server.port}`],
  ['of an object', () => ({ port: server.port, username: 'web', password: 'secret' })],
  [
    'of a URL, over that of its object',
    () => ({ url: `redis://web:secret@${host}:${server.port}`, username: 'default', password }),
  ],
])('an ACL user %s', async (_, connection) => {
  const ticket = await enqueue(connection())
  expect(await placeOf(ticket)).toEqual({ db: 0, user: 'web' })
})

test('the options object of a BullMQ worker is taken as it is', async () => {
  const { Worker } = require('bullmq')
  const connection = { host, port: server.port, password, db: 7, maxRetriesPerRequest: null }
  let done
  const consumed = new Promise((resolve) => {
    done = resolve
  })
  const worker = new Worker('ticket-triage', async (job) => done(job.data), { connection })
  const ticket = await enqueue(connection)
  expect(await consumed).toEqual(ticket)
  await worker.close()
})

test('a database that the server does not have is said to be out of range', async () => {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: { port: server.port, password, db: 9999 } })
  open.push(pipeline)
  await expect(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'QUEUE_UNAVAILABLE',
    outcome: 'not-sent',
    cause: { message: expect.stringContaining('out of range') },
  })
})
