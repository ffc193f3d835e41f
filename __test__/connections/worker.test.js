'use strict'
// Where jobs go: for each form of `connection`, real workers of BullMQ 5 and 6 with the same value find the job, in the
// same database, as the same user.
const bullmq5 = require('bullmq5')
const bullmq6 = require('bullmq')
const { Redis } = require('ioredis')
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { LIVE, PASSWORD } = require('../support/connection-forms.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket, recorder } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')
const { Pipeline, ticketTriageDefinition } = require('../..')

let authority
let front
let servers
let admins
let at
beforeAll(async () => {
  authority = new Authority()
  servers = [await OwnServer.start(['--unixsocket', 'redis.sock']), await OwnServer.start()]
  admins = servers.map(({ port }) => new Redis(port))
  const [open, locked] = admins
  await open.acl('SETUSER', 'web', 'on', '>secret', '~*', '&*', '+@all')
  await open.acl('SETUSER', 'at', 'on', '>a@b', '~*', '&*', '+@all')
  await open.acl('SETUSER', 'open', 'on', 'nopass', '~*', '&*', '+@all')
  await locked.config('SET', 'requirepass', PASSWORD)
  front = await TlsFront.start(servers[0].port, authority.issue())
  at = {
    host: '127.0.0.1',
    port: servers[0].port,
    locked: servers[1].port,
    secure: front.port,
    socket: `${servers[0].dir}/redis.sock`,
    ca: authority.ca,
  }
})
afterAll(async () => {
  for (const admin of admins) admin.disconnect()
  await front.stop()
  for (const server of servers) await server.stop()
  authority.remove()
})

/** The connection with a name that begins so: as whom, and in which database it is known. */
async function find(name) {
  for (const admin of admins) {
    const clients = (await admin.client('LIST')).split('\n').filter(Boolean)
    const found = clients
      .map((line) => Object.fromEntries(line.split(' ').map((pair) => pair.split(/=(.*)/s))))
      .find((client) => client.name.startsWith(name))
    if (found) return { db: found.db, user: found.user, server: servers[admins.indexOf(admin)].port }
  }
}

async function seen(name) {
  const found = await find(name)
  if (found === undefined) throw new Error(`there is no connection ${name}`)
  return found
}

let count = 0

describe.each([
  ['BullMQ 5', bullmq5],
  ['BullMQ 6', bullmq6],
])('a worker of %s goes where the job is, given', (_, { Worker }) => {
  test.each(LIVE)('%s', async (_title, form) => {
    const connection = form(at)
    count += 1
    const prefix = `form${count}`
    const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, prefix })
    let done
    const consumed = new Promise((resolve, reject) => {
      done = { resolve, reject }
    })
    const worker = new Worker('ticket-triage', async (job) => done.resolve(job.data), {
      prefix,
      // BullMQ takes no text: this is how it is given a URL.
      connection: typeof connection === 'string' ? { url: connection } : connection,
    })
    worker.on('error', done.reject)
    try {
      const ticket = newTicket()
      await pipeline.enqueue(ticket, recorder())
      expect(await consumed).toEqual(ticket)
      const theirs = await seen(`${prefix}:`)
      expect(await seen('enqueue-boundary')).toEqual(theirs)
    } finally {
      await Promise.all([worker.close(), pipeline.close()])
      // A server takes note of that later, and must not show it for that of the next.
      await until(async () => (await find('enqueue-boundary')) === undefined)
    }
  })
})

test('the connection has the name that ioredis would give it', async () => {
  const pipeline = new Pipeline({
    ...ticketTriageDefinition,
    connection: { port: at.port, db: 4, connectionName: 'tickets-web' },
  })
  await pipeline.enqueue(newTicket(), recorder())
  expect(await seen('tickets-web')).toEqual({ db: '4', user: 'default', server: at.port })
  await pipeline.close()
})
