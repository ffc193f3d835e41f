'use strict'
// `npm run demo -- --serve`: the routes that it leaves up.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const pg = require('pg')
const { keysOf, runDemo, startDemo } = require('../support/demo.js')
const { OwnServer } = require('../support/redis.js')

describe('with --serve', () => {
  let server
  let redis
  let demo
  let url
  let records

  beforeAll(async () => {
    server = await OwnServer.start()
    redis = new Redis(server.url)
    demo = startDemo(['--serve'], { REDIS_URL: server.url })
    const [, address] = await demo.line(/^PostgreSQL +(\S+) /m)
    records = new pg.Pool({ connectionString: `postgres://postgres@${address}/postgres`, max: 1 })
    records.on('error', () => {})
    ;[, url] = await demo.line(/^ +curl -i (\S+) .*\n/m)
    await demo.line(/@scripts\/demo\/invoices\.jsonl\n/)
  })
  afterAll(async () => {
    await records?.end()
    demo.kill('SIGKILL')
    await demo.end
    await redis.quit()
    await server.stop()
  })

  const post = async (body, { to = url, headers } = {}) => {
    const response = await fetch(to, { method: 'POST', headers, body })
    const type = response.headers.get('content-type')
    return {
      status: response.status,
      type,
      retryAfter: response.headers.get('retry-after'),
      body: await response.json(),
    }
  }
  const problem = (status, members, retryAfter = null) => ({
    status,
    type: 'application/problem+json',
    retryAfter,
    body: expect.objectContaining({ title: expect.any(String), detail: expect.any(String), status, ...members }),
  })
  const jobExists = async (id) => (await redis.exists(`bull:ticket-triage:ticket-triage:${id}`)) === 1

  test('the curl line that it prints is answered 202 with the job', async () => {
    const [, body] = demo.output.match(/-d '(.*)'$/m)
    expect(await post(body)).toEqual({
      status: 202,
      type: 'application/json',
      retryAfter: null,
      body: { jobId: 'ticket-triage:acme:ACME-1', status: 'queued' },
    })
    expect(await jobExists('acme:ACME-1')).toBe(true)
  })

  test.each([['{"tenantId":"acme",'], [''], ['tenantId=acme']])('the body %j is a problem 400', async (body) => {
    expect(await post(body)).toEqual(problem(400, { code: 'MALFORMED_JSON' }))
  })

  test('a ticket that breaks the schema is a problem 400 with a pointer for each issue', async () => {
    const answer = await post('{"tenantId":7,"summary":""}')
    expect(answer).toEqual(problem(400, { code: 'INVALID_INPUT' }))
    expect(answer.body.issues.map(({ pointer }) => pointer).sort()).toEqual(['/summary', '/tenantId', '/ticketId'])
  })

  test('a ticket over the size limit is a problem 413', async () => {
    const huge = JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-2', summary: 'x'.repeat(1 << 20) })
    expect(await post(huge)).toEqual(problem(413, { code: 'PAYLOAD_TOO_LARGE' }))
  })

  test('an id that PostgreSQL cannot hold is a problem 422, and no job is made', async () => {
    const ticket = { tenantId: 'acme', ticketId: 'ACME-3\0', summary: 'NUL' }
    expect(await post(JSON.stringify(ticket))).toEqual(problem(422, { code: 'UNSTORABLE' }))
    expect(await jobExists('acme:ACME-3\0')).toBe(false)
  })

  test('a storage that fails is a problem 503 that tells nothing of the database, and no job is made', async () => {
    const body = JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-4', summary: 'The scanner is stuck' })
    await records.query('ALTER TABLE ticket_triage RENAME TO elsewhere')
    const answer = await post(body)
    await records.query('ALTER TABLE elsewhere RENAME TO ticket_triage')
    expect(answer).toEqual(problem(503, { code: 'STORAGE_UNAVAILABLE' }))
    expect(JSON.stringify(answer.body)).not.toMatch(/ticket_triage|relation|42P01/)
    expect(await jobExists('acme:ACME-4')).toBe(false)
  })

  test('a Redis that takes no writes is a problem 503 with Retry-After, and the same body is taken later', async () => {
    const body = JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-5', summary: 'The label printer is out of labels' })
    await redis.config('SET', 'maxmemory', '1')
    const refused = await post(body)
    await redis.config('SET', 'maxmemory', '0')
    expect(refused).toEqual(problem(503, { code: 'QUEUE_UNAVAILABLE' }, expect.stringMatching(/^\d+$/)))
    expect((await post(body)).status).toBe(202)
  })

  describe('invoices', () => {
    const headers = { authorization: 'Bearer token-of-ann' }
    const answer = (status, body) => ({ status, type: 'application/json', retryAfter: null, body })
    const invoice = (invoiceId) => JSON.stringify({ orgId: 'acme', invoiceId, lines: [{ sku: 'ink', amount: 80 }] })
    const jobId = 'invoice-export:acme:I-100'
    let to
    beforeAll(() => {
      to = url.replace('/tickets', '/invoices')
    })

    test('the curl line that it prints is answered 202 with a new job, and then 200 with that one', async () => {
      const [, line] = demo.output.match(/^ +curl -i (\S+invoices -H .*)$/m)
      expect(line).toContain(`${to} -H 'authorization: Bearer token-of-ann' `)
      const [, body] = line.match(/-d '(.*)'$/)
      expect(await post(body, { to, headers })).toEqual(answer(202, { jobId, status: 'queued', created: true }))
      const existing = { state: expect.stringMatching(/^(?:waiting|active|completed)$/), sameData: true }
      expect(await post(body, { to, headers })).toEqual(
        answer(200, { jobId, status: 'queued', created: false, existing }),
      )
    })

    test.each([undefined, 'Bearer token-of-eve'])(
      'with the authorization %j it is a problem 403',
      async (authorization) => {
        const nobody = authorization ? { authorization } : {}
        expect(await post(invoice('I-101'), { to, headers: nobody })).toEqual(problem(403, { code: 'TENANT_MISMATCH' }))
      },
    )

    test('the file that was imported makes no job when it comes again', async () => {
      const file = readFileSync(path.join(__dirname, '../../scripts/demo/invoices.jsonl'), 'utf8')
      const { status, body } = await post(file, { to: `${to}/import`, headers })
      expect({ status, ...body, problems: body.problems.length }).toEqual({
        status: 200,
        total: 500,
        created: 0,
        existing: 500 - body.rejected,
        deduplicated: 0,
        rejected: body.rejected,
        problems: body.rejected,
      })
      expect(body.rejected).toBeGreaterThan(10)
      expect(body.problems[0]).toEqual({
        line: 13,
        code: 'INVALID_INPUT',
        message: expect.stringMatching(/^currency: /),
      })
    })

    test('an import whose records cannot be made is a problem 503, and the same lines are taken later', async () => {
      const lines = ['I-110', 'I-111'].map(invoice).join('\n')
      await records.query('ALTER TABLE invoice_export RENAME TO elsewhere')
      const refused = await post(lines, { to: `${to}/import`, headers })
      await records.query('ALTER TABLE elsewhere RENAME TO invoice_export')
      expect(refused).toEqual(problem(503, { code: 'STORAGE_UNAVAILABLE' }))
      const { body } = await post(lines, { to: `${to}/import`, headers })
      expect(body).toMatchObject({ total: 2, created: 2, problems: [] })
    })

    test('a line of an import that does not end is a problem 413', async () => {
      const endless = `${invoice('I-120')}\n"${'x'.repeat(1 << 21)}`
      expect(await post(endless, { to: `${to}/import`, headers })).toEqual(problem(413, { code: 'PAYLOAD_TOO_LARGE' }))
    })
  })

  test('another run refuses a Redis where the queue exists, and leaves its jobs', async () => {
    const { code, output } = await runDemo([], { REDIS_URL: server.url })
    expect(output).toContain('The Redis of REDIS_URL already has a queue "ticket-triage"')
    expect(code).toBe(1)
    expect(await jobExists('acme:ACME-20413')).toBe(true)
  })

  test('another run refuses a database where the table exists, and leaves its records', async () => {
    const { code, output } = await runDemo([], { DATABASE_URL: records.options.connectionString })
    expect(output).toContain('The database of DATABASE_URL already has the table "ticket_triage"')
    expect(code).toBe(1)
    const { rows } = await records.query('SELECT count(*)::int AS n FROM ticket_triage')
    expect(rows[0].n).toBeGreaterThan(100)
  })

  test('Ctrl-C ends it with status 0 and takes the queues away', async () => {
    demo.kill('SIGINT')
    expect(await demo.end).toBe(0)
    expect(await keysOf(redis)).toEqual([])
  })
})
