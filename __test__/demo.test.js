'use strict'
// `npm run demo` as a newcomer runs it, and the ways in which it must say no.
const { spawn } = require('node:child_process')
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Worker } = require('bullmq')
const { Redis } = require('ioredis')
const pg = require('pg')
const { z } = require('zod')
const { freePort, OwnServer, useDatabase } = require('./support/redis.js')

const root = path.join(__dirname, '..')
const database = useDatabase()

/** The demo in a process of its own. `line(pattern)` waits for a line of its output, `end` for its end. */
function startDemo(args, env) {
  const child = spawn(process.execPath, ['scripts/demo.mjs', ...args], {
    cwd: root,
    env: { ...process.env, REDIS_URL: '', DATABASE_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const demo = { output: '', kill: (signal) => child.kill(signal) }
  const waiting = new Set()
  const hear = (text) => {
    demo.output += text
    for (const look of waiting) look()
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  demo.end = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  demo.line = (pattern) => {
    const heard = new Promise((resolve) => {
      const look = () => {
        const match = demo.output.match(pattern)
        if (match) waiting.delete(look) && resolve(match)
      }
      waiting.add(look)
      look()
    })
    const ended = demo.end.then((code) => {
      throw new Error(`ended with ${code} before ${pattern}:\n${demo.output}`)
    })
    return Promise.race([heard, ended])
  }
  return demo
}

async function runDemo(args, env) {
  const demo = startDemo(args, env)
  const code = await demo.end
  return { code, output: demo.output }
}

/** What must come of the stored bodies, worked out with zod instead of the package. */
function expectedAnswers() {
  const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().min(1) })
  const bodies = readFileSync(path.join(root, 'examples/tickets.jsonl'), 'utf8').split('\n').slice(0, -1)
  const ids = new Set()
  // The demo itself adds one that is too large.
  const counts = { sent: bodies.length + 1, queued: 0, duplicate: 0, refused: { PAYLOAD_TOO_LARGE: 1 } }
  const refuse = (code) => {
    counts.refused[code] = (counts.refused[code] ?? 0) + 1
  }
  for (const body of bodies) {
    let input
    try {
      input = JSON.parse(body.replace(/^\ufeff/, ''))
    } catch {
      refuse('MALFORMED_JSON')
      continue
    }
    const { success, data } = schema.safeParse(input)
    const id = success && `${data.tenantId}:${data.ticketId}`
    const fits = success && Buffer.byteLength(`ticket-triage:${id}`) <= 512
    if (!fits || id.split(':').length !== 2 || !id.isWellFormed()) refuse('INVALID_INPUT')
    else if (id.includes('\0')) refuse('UNSTORABLE')
    else if (ids.has(id)) counts.duplicate += 1
    else ids.add(id)
  }
  return { ...counts, queued: ids.size }
}

/** The figures of the summary, as printed. */
function summaryOf(output) {
  const [, sent] = output.match(/^sent +(\d+)$/m)
  const [, queued, completed, done, records] = output.match(
    /^queued +(\d+) +(\d+) completed in BullMQ, (\d+) of (\d+) records done/m,
  )
  const [, duplicate] = output.match(/^duplicate +(\d+)/m)
  const [, refused, reasons] = output.match(/^refused +(\d+) +(.*)$/m)
  const numbers = Object.entries({ sent, queued, completed, done, records, duplicate, refused })
  return {
    ...Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)])),
    reasons: Object.fromEntries(
      reasons.split(', ').map((reason) => [reason.split(' ')[0], Number(reason.split(' ')[1])]),
    ),
  }
}

const keysOf = (redis) => redis.keys('bull:ticket-triage:*')

describe('a run with stores of its own', () => {
  let run
  beforeAll(async () => {
    run = await runDemo([])
  })

  test('it ends by itself with status 0 and says that it adds up', () => {
    expect(run).toEqual({ code: 0, output: expect.stringContaining('It adds up') })
  })

  test('its summary says what zod says of the same bodies', () => {
    const { sent, queued, duplicate, refused } = expectedAnswers()
    const summary = summaryOf(run.output)
    expect(summary).toMatchObject({ sent, queued, duplicate, reasons: refused })
    expect(summary.sent).toBe(summary.queued + summary.duplicate + summary.refused)
  })

  test('every queued ticket is completed in BullMQ and done in PostgreSQL, and there are no other records', () => {
    const { queued, completed, done, records } = summaryOf(run.output)
    expect({ completed, done, records }).toEqual({ completed: queued, done: queued, records: queued })
  })

  test('it shows how far it is while it runs', () => {
    expect(run.output.match(/^\d+\/201 answered, .* jobs ended$/gm).length).toBeGreaterThan(2)
  })
})

describe('a run that cannot go well', () => {
  test('without a Redis at REDIS_URL it says so and ends with status 1', async () => {
    const port = await freePort()
    const { code, output } = await runDemo([], { REDIS_URL: `redis://:secret@127.0.0.1:${port}` })
    expect(output).toContain(`No Redis answers at 127.0.0.1:${port}: connect ECONNREFUSED`)
    expect(output).not.toContain('secret')
    expect(code).toBe(1)
  })

  test('without a PostgreSQL at DATABASE_URL it says so and ends with status 1', async () => {
    const port = await freePort()
    const { code, output } = await runDemo([], { DATABASE_URL: `postgres://u:secret@127.0.0.1:${port}/x` })
    expect(output).toContain(`No PostgreSQL answers at 127.0.0.1:${port}: connect ECONNREFUSED`)
    expect(output).not.toContain('secret')
    expect(code).toBe(1)
  })

  /** The last line of a run whose worker is stopped from the start. */
  async function runWithoutWorker(args, meanwhile = async () => {}) {
    const demo = startDemo(args, { REDIS_URL: database.url })
    const [, pid] = await demo.line(/^worker +process (\d+)$/m)
    process.kill(Number(pid), 'SIGSTOP')
    await meanwhile()
    expect(await demo.end).toBe(1)
    return demo.output.trim().split('\n').at(-1)
  }

  test('jobs that another worker took without marking their records are noticed', async () => {
    const rogue = new Worker('ticket-triage', async () => {}, { connection: database.connection, autorun: false })
    const complaint = await runWithoutWorker([], async () => void rogue.run())
    await rogue.close()
    expect(complaint).toMatch(
      /^It does not add up: queued tickets whose record is not done: \d+, such as "ticket-triage:/,
    )
  })

  test('a worker that stands still is given up at the deadline, and the queue is removed all the same', async () => {
    const complaint = await runWithoutWorker(['--deadline', '1'])
    expect(complaint).toMatch(/^It does not add up: queued jobs that BullMQ did not complete: \d+, such as/)
    expect(await keysOf(database.redis)).toEqual([])
  })
})

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
  })
  afterAll(async () => {
    await records?.end()
    demo.kill('SIGKILL')
    await demo.end
    await redis.quit()
    await server.stop()
  })

  const post = async (body) => {
    const response = await fetch(url, { method: 'POST', body })
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

  test('Ctrl-C ends it with status 0 and takes the queue away', async () => {
    demo.kill('SIGINT')
    expect(await demo.end).toBe(0)
    expect(await keysOf(redis)).toEqual([])
  })
})
