'use strict'
// The servers of docs/errors.md, as they stand: what a client is answered, with Redis there and away.
const path = require('node:path')
const { blockUnder, Modules } = require('../support/markdown.js')
const { Program } = require('../support/program.js')
const { freePort, useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const FRAMEWORKS = ['Express', 'Fastify', 'Hono', 'Koa']

const ticket = newTicket()

const database = useDatabase()
const modules = new Modules()
let programs
/** The answers with Redis away, of all at once: each takes as long as a deadline. */
let away

beforeAll(async () => {
  const file = (name) => modules.block(blockUnder('docs/errors.md', name), 'mjs', 'export { app }')
  const MODULES = JSON.stringify(Object.fromEntries(FRAMEWORKS.map((name) => [name, { file: file(name), kind: name }])))
  const start = (REDIS_URL) =>
    new Program(path.join(__dirname, 'serve.mjs'), { ...process.env, MODULES, REDIS_URL, NODE_ENV: 'development' })
  programs = { there: start(database.url), away: start(`redis://127.0.0.1:${await freePort()}`) }
  const body = JSON.stringify(ticket)
  const answers = await Promise.all(FRAMEWORKS.map((framework) => post(framework, body, 'away')))
  away = Object.fromEntries(FRAMEWORKS.map((framework, at) => [framework, answers[at]]))
})
afterAll(async () => {
  await Promise.all(Object.values(programs ?? {}).map((program) => program.stop()))
  modules.remove()
})

/** Fastify's log is on stdout too. */
async function addressOf(program, framework) {
  let line
  for (let number = 0; !/^\{"Express"/.test(line); number++) line = await program.line(number)
  return JSON.parse(line)[framework]
}

async function post(framework, body, redis = 'there') {
  const url = await addressOf(programs[redis], framework)
  const response = await fetch(`${url}/api/tickets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const { status, headers } = response
  return { status, type: headers.get('content-type'), after: headers.get('retry-after'), text: await response.text() }
}

describe.each(FRAMEWORKS)('%s', (framework) => {
  test('answers a good ticket with a 202, and its job is in Redis', async () => {
    const good = newTicket()
    const { status, text } = await post(framework, JSON.stringify(good))
    expect([status, JSON.parse(text)]).toEqual([202, { jobId: jobId(good), status: 'queued' }])
    expect(await database.redis.hget(jobKey(good), 'data')).toBe(JSON.stringify(good))
  })

  test('answers a bad one with the whole problem', async () => {
    const { status, type, text } = await post(framework, '{"tenantId":"a","ticketId":"b"}')
    expect([status, type]).toEqual([400, expect.stringMatching(/^application\/problem\+json/)])
    expect(JSON.parse(text)).toMatchObject({ code: 'INVALID_INPUT', issues: [{ pointer: '/summary' }] })
  })

  test.each([
    ['more than a job holds', JSON.stringify(newTicket({ summary: 'x'.repeat(2 ** 20) }))],
    ['more than is read', JSON.stringify(newTicket({ summary: 'x'.repeat(2 ** 23) }))],
  ])('answers %s with a 413', async (_, body) => {
    expect(await post(framework, body)).toMatchObject({ status: 413 })
  })

  test('answers what is not JSON with a 400', async () => {
    expect(await post(framework, '{"tenantId":')).toMatchObject({ status: 400 })
  })

  test('with Redis away says when to try again, shows nothing from inside, and logs what is wrong', async () => {
    const answer = away[framework]
    expect(answer).toMatchObject({
      status: 503,
      type: expect.stringMatching(/^application\/problem\+json/),
      after: '1',
    })
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'QUEUE_UNAVAILABLE', jobId: jobId(ticket) })
    expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|\.mjs/)
    const logged = ({ lines, log }) => `${lines.join('\n')}${log}`.split(/refused/i).length > FRAMEWORKS.length
    await until(() => logged(programs.away))
  })
})
