'use strict'
// What each server of examples/servers/ answers: all of them the same, and on a connection that stays usable.
const { Worker } = require('bullmq')
const { EnqueueError } = require('../..')
const { Client, jobIdOf, NAMES, newInvoice, useServers } = require('../support/frameworks.js')
const { OwnServer } = require('../support/redis.js')
const { until } = require('../../tools/until.js')

const MiB = 2 ** 20

let redis
/** A database of Redis each, so that none sees another's jobs and quotas. */
const urlOf = async (_, at) => {
  redis ??= OwnServer.start()
  return `${(await redis).url}/${at}`
}
const database = useServers(urlOf)
const { servers } = database
const workers = {}
const completed = new Map()
const clients = []

beforeAll(async () => {
  const { port } = await redis
  NAMES.forEach((name, db) => {
    const worker = new Worker('invoice-export', async ({ data }) => data.lines.length, {
      connection: { port, db },
    })
    worker.on('completed', ({ id, data }, result) => completed.set(`${name} ${id}`, { data, result }))
    worker.on('error', () => {})
    workers[name] = worker
  })
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})
afterAll(async () => {
  await Promise.all(Object.values(workers).map((worker) => worker.close(true)))
  await (await redis)?.stop()
})

function clientOf(name) {
  const client = new Client(servers[name])
  clients.push(client)
  return client
}

/** As it is said to a client: without what only says which characters it is written in. */
const told = ({ status, headers, text }) => ({
  status,
  type: headers['content-type'].replace(/; ?charset=utf-8$/i, ''),
  after: headers['retry-after'],
  body: JSON.parse(text),
})

/** The whole answer to an error of this kind. */
function problem(fields) {
  const error = new EnqueueError(fields)
  const body = error.toProblem()
  return { status: error.status, type: 'application/problem+json', after: error.headers?.['retry-after'], body }
}

const sku = (length) => [{ sku: 'x'.repeat(length), amount: 1 }]
/** As zod says it. */
const missing = { code: 'invalid_type', message: 'Invalid input: expected string, received undefined' }

/** What is refused: what is sent, with which options, and the answer. */
const REFUSED = {
  'an invalid body': () => {
    const issues = ['orgId', 'invoiceId'].map((name) => ({ ...missing, path: [name], pointer: `/${name}` }))
    const message = issues.map(({ path, message }) => `${path}: ${message}`).join('; ')
    return [{ lines: sku(1) }, {}, problem({ code: 'INVALID_INPUT', issues, message })]
  },
  'broken JSON': () => ['{"orgId":', {}, problem({ code: 'MALFORMED_JSON' })],
  'a body over the limit, whose length is said': () => {
    const body = JSON.stringify(newInvoice({ notes: 'x'.repeat(5 * MiB) }))
    const message = 'the body is longer than 4194304 bytes'
    return [body, { headers: { 'content-length': body.length } }, problem({ code: 'PAYLOAD_TOO_LARGE', message })]
  },
  'one whose length is not said': () => {
    const body = JSON.stringify(newInvoice({ notes: 'x'.repeat(5 * MiB) }))
    const message = 'the body is longer than 4194304 bytes'
    return [body, { headers: { 'transfer-encoding': 'chunked' } }, problem({ code: 'PAYLOAD_TOO_LARGE', message })]
  },
  'more than a job holds': () => {
    const invoice = newInvoice({ lines: sku(MiB) })
    const message = 'the data is longer than 1048576 bytes of JSON'
    return [invoice, {}, problem({ code: 'PAYLOAD_TOO_LARGE', message })]
  },
  "another tenant's": () => [newInvoice({ orgId: 'globex' }), {}, problem({ code: 'TENANT_MISMATCH' })],
  'one of nobody': () => [newInvoice(), { by: null }, problem({ code: 'TENANT_MISMATCH' })],
}

describe.each(NAMES)('%s', (name) => {
  test('answers a valid body with a 202, and a worker completes its job', async () => {
    const invoice = newInvoice()
    const jobId = jobIdOf(invoice)
    expect(told(await clientOf(name).post({ ...invoice, more: 'dropped' }))).toEqual({
      status: 202,
      type: 'application/json',
      after: undefined,
      body: { jobId, status: 'queued', created: true },
    })
    await until(() => completed.has(`${name} ${jobId}`))
    expect(completed.get(`${name} ${jobId}`)).toEqual({ data: { ...invoice, currency: 'EUR' }, result: 1 })
  })

  test('answers the same again with a 200 and what is there, and other data with a 409', async () => {
    const invoice = newInvoice()
    const jobId = jobIdOf(invoice)
    const client = clientOf(name)
    await client.post(invoice)
    await until(() => completed.has(`${name} ${jobId}`))
    const again = await client.post(invoice)
    const existing = { state: 'completed', sameData: true }
    expect([again.status, JSON.parse(again.text)]).toEqual([200, { jobId, status: 'queued', created: false, existing }])
    const other = await client.post({ ...invoice, lines: sku(2) })
    expect(told(other)).toEqual(problem({ code: 'ID_CONFLICT', jobId }))
  })

  test.each(Object.entries(REFUSED))('refuses %s, and the connection takes the next', async (_, make) => {
    const [body, options, answer] = make()
    const client = clientOf(name)
    const { from: before } = await client.post(newInvoice())
    const refused = await client.post(body, options)
    expect(told(refused)).toEqual(answer)
    const next = await client.post(newInvoice())
    expect([next.status, refused.from, next.from]).toEqual([202, before, before])
  })

  test('answers a tenant over its quota with a 429 that says when to come back, and the others as ever', async () => {
    const client = clientOf(name)
    const post = () => client.post(newInvoice({ orgId: 'trial-1' }), { by: 'eve' })
    expect([(await post()).status, (await post()).status]).toEqual([202, 202])
    let over
    do over = await post()
    while (over.status === 202)
    const { status, type, after, body } = told(over)
    expect({ status, type }).toEqual({ status: 429, type: 'application/problem+json' })
    expect(body).toMatchObject({ code: 'QUOTA_EXCEEDED', quota: { limit: 'rate', max: 2, remaining: 0 } })
    expect(Number(after)).toBe(Math.ceil(body.retryAfterMs / 1000))
    expect(over.headers['ratelimit-policy']).toBe('"rate";q=2;w=60')
    expect(over.headers.ratelimit).toBe(`"rate";r=0;t=${after}`)
    expect((await client.post(newInvoice())).status).toBe(202)
  })

  test('shows nothing of what is wrong with its storage, and logs it', async () => {
    await database.pool.query('ALTER TABLE invoice_export RENAME TO elsewhere')
    try {
      const { status, text } = await clientOf(name).post(newInvoice())
      expect(JSON.parse(text)).toEqual({ type: 'about:blank', title: 'Internal Server Error', status })
      expect(status).toBe(500)
      const { program } = servers[name]
      await until(() => program.log.includes('relation "invoice_export" does not exist'))
    } finally {
      await database.pool.query('ALTER TABLE elsewhere RENAME TO invoice_export')
    }
  })

  test('leaves other addresses to the server', async () => {
    const client = clientOf(name)
    expect((await client.post({}, { path: '/api/other' })).status).toBe(404)
    expect((await client.post(newInvoice())).status).toBe(202)
  })
})
