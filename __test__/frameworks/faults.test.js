'use strict'
// Each server of examples/servers/ while Redis is away, when a client goes away, and when it is asked to stop.
const { once } = require('node:events')
const { Client, jobIdOf, NAMES, newInvoice, useServers } = require('../support/frameworks.js')
const { OwnServer } = require('../support/redis.js')
const { FaultyProxy } = require('../../tools/proxy.js')
const { until, withClient } = require('../../tools/until.js')

let redis
/** Each has a way to Redis of its own. */
const proxies = {}
const database = useServers(async (name, at) => {
  redis ??= OwnServer.start()
  const proxy = await FaultyProxy.start((await redis).port)
  proxies[name] = proxy
  return `${proxy.url}/${at}`
})
const { servers } = database
const clients = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})
afterAll(async () => {
  await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()))
  await (await redis)?.stop()
})

function clientOf(name) {
  const client = new Client(servers[name])
  clients.push(client)
  return client
}

const created = ({ status, text }) => ({ status, created: JSON.parse(text).created })
const NEW = { status: 202, created: true }

/** Holds what is sent to Redis, and says when something of this invoice's call was. */
function hold(name, { invoiceId }) {
  const proxy = proxies[name]
  proxy.hold()
  return new Promise((resolve) => {
    const look = (bytes) => bytes.includes(invoiceId) && proxy.off('up', look) && resolve()
    proxy.on('up', look)
  })
}

const hasJob = (name, invoice) =>
  withClient(
    { url: `redis://127.0.0.1:${proxies[name].targetPort}/${NAMES.indexOf(name)}` },
    async (client) => (await client.exists(`bull:invoice-export:${jobIdOf(invoice)}`)) === 1,
  )

/** A request that the server has begun to handle, and of which the body is still to come. */
async function begin(client, body) {
  const { request, answer } = client.open({ headers: { expect: '100-continue', 'content-length': body.length } })
  request.flushHeaders()
  await once(request, 'continue')
  return { request, answer }
}

test('with Redis away each says when to try again and nothing of why, logs why, and finds it again by itself', async () => {
  await Promise.all(NAMES.map(async (name) => expect(created(await clientOf(name).post(newInvoice()))).toEqual(NEW)))
  const server = await redis
  await server.kill()
  const away = NAMES.map(async (name) => {
    const { status, headers, text } = await clientOf(name).post(newInvoice())
    expect([name, status, headers['retry-after']]).toEqual([name, 503, '1'])
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(text)).toMatchObject({ status: 503, outcome: 'refused', retryable: true })
    expect(text).not.toMatch(/127\.0\.0\.1|ECONN|[Rr]edis|\.mjs|cause/)
    await until(() => /\[cause\].*127\.0\.0\.1/.test(servers[name].program.log))
  })
  await Promise.all(away)
  await server.up()
  await Promise.all(NAMES.map(async (name) => expect(created(await clientOf(name).post(newInvoice()))).toEqual(NEW)))
})

describe.each(NAMES)('%s', (name) => {
  test('says nothing in its log of a client that goes away amid its body', async () => {
    const { program } = servers[name]
    const before = program.log.length
    const { request } = await begin(clientOf(name), 'x'.repeat(1000))
    request.on('error', () => {}).destroy()
    // What comes after it is logged after it.
    await database.pool.query('ALTER TABLE invoice_export RENAME TO elsewhere')
    await clientOf(name).post(newInvoice())
    await database.pool.query('ALTER TABLE elsewhere RENAME TO invoice_export')
    await until(() => program.log.includes('does not exist', before))
    // Koa has a log of its own for sockets that break.
    expect(program.log.slice(before)).not.toMatch(/aborted|ECONNRESET|Premature/)
  })

  test('enqueues the job of a client that went away amid the call, and tells it when it asks again', async () => {
    const invoice = newInvoice()
    const client = clientOf(name)
    await client.post(newInvoice())
    const sent = hold(name, invoice)
    const { request } = client.open()
    request.on('error', () => {})
    request.end(JSON.stringify(invoice))
    await sent
    request.destroy()
    proxies[name].heal()
    await until(() => hasJob(name, invoice))
    expect(created(await clientOf(name).post(invoice))).toEqual({ status: 200, created: false })
  })

  test('answers what is under way when it is asked to stop, takes nothing else, and ends', async () => {
    const [during, coming] = [newInvoice(), newInvoice()]
    const client = clientOf(name)
    await client.post(newInvoice())
    const sent = hold(name, during)
    const answer = client.post(during)
    await sent
    const body = JSON.stringify(coming)
    const other = await begin(clientOf(name), body)
    await servers[name].beginToStop()
    other.request.end(body)
    proxies[name].heal()
    expect(created(await answer)).toEqual(NEW)
    expect(created(await other.answer)).toEqual(NEW)
    expect(await hasJob(name, during)).toBe(true)
    expect(await hasJob(name, coming)).toBe(true)
    // NestJS ends by the signal itself once its hooks are done.
    expect(await servers[name].end()).toBe(name === 'NestJS' ? 'SIGTERM' : 0)
  })
})
