'use strict'
// What clients see of our errors through the default error handlers of Express 5, Fastify 5, Koa 3, Hono 4 and NestJS 11: the
// status, and of all but NestJS when to try again; of a 5xx nothing from inside the server.
const { STATUS_CODES } = require('node:http')
const path = require('node:path')
const { Program } = require('../support/program.js')
const { freePort } = require('../support/redis.js')
const { until } = require('../../tools/until.js')
const { EnqueueError } = require('../..')

const jobId = 'ticket-triage:acme:1'
const FAULTS = [
  ['argument', { code: 'ERR_INVALID_ARG_TYPE' }],
  ['range', { code: 'ERR_OUT_OF_RANGE' }],
  ['misconfigured', { code: 'MISCONFIGURED' }],
  ['lazy', { code: 'MISCONFIGURED' }],
  ['unavailable', { code: 'QUEUE_UNAVAILABLE', jobId }],
  ['storage', { code: 'STORAGE_TIMEOUT', jobId }],
  ['authorize', { code: 'AUTHORIZE_TIMEOUT', jobId }],
  ['overloaded', { code: 'OVERLOADED' }],
  ['closed', { code: 'CLOSED' }],
]

/** What each framework sends of an error, and all that it sends. */
const BODIES = {
  express: (error, env) => {
    const shown = env === 'production' ? STATUS_CODES[error.status] : `EnqueueError: ${error.message}`
    return expect.stringContaining(`<pre>${shown}</pre>`)
  },
  koa: (error) => (error.expose ? error.message : STATUS_CODES[error.status]),
  fastify: ({ statusCode, code, message }) =>
    JSON.stringify({ statusCode, code, error: STATUS_CODES[statusCode], message }),
  nest: (error) =>
    JSON.stringify({ statusCode: error.status, message: error.expose ? error.message : STATUS_CODES[error.status] }),
  hono: (error) => JSON.stringify(error.toProblem()),
}

/** Names, addresses, paths and words of the runtime, and those of the causes. */
const INTERNAL = /\.[cm]?js|\bat |node:|Redis|10\.1\.2\.3|127\.0\.0\.1|createPending|callback|\bms\b|ECONN|Error\(|Type/

describe.each(['unset', 'production'])('with NODE_ENV %s', (env) => {
  let program
  let urls

  beforeAll(async () => {
    const { NODE_ENV: _, ...inherited } = process.env
    program = new Program(path.join(__dirname, 'servers.mjs'), {
      ...inherited,
      ...(env === 'production' && { NODE_ENV: env }),
      REDIS_URL: 'http://10.1.2.3',
      AWAY: `redis://127.0.0.1:${await freePort()}`,
    })
    urls = JSON.parse(await program.line(0))
  })
  afterAll(() => program.stop())

  const post = async (framework, fault) => {
    const response = await fetch(`${urls[framework]}/${fault}`, { method: 'POST' })
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  }

  describe.each(Object.keys(BODIES))('%s', (framework) => {
    test.each(FAULTS)('shows nothing from inside of the fault %s', async (fault, fields) => {
      const error = new EnqueueError(fields)
      const { status, headers, body } = await post(framework, fault)
      expect(status).toBe(error.status)
      expect(body).toEqual(BODIES[framework](error, env))
      expect(headers['retry-after']).toBe(framework === 'nest' ? undefined : error.headers?.['retry-after'])
      expect(body + JSON.stringify(headers)).not.toMatch(INTERNAL)
    })
  })

  test.each(Object.keys(BODIES))('%s answers what is wrong with an input with a 400', async (framework) => {
    const { status, headers, body } = await post(framework, 'invalid')
    expect([status, headers['retry-after']]).toEqual([400, undefined])
    const said = 'tenantId is required; ticketId is required; summary is required'
    expect(body).toContain(framework === 'express' && env === 'production' ? STATUS_CODES[400] : said)
    expect(body).not.toMatch(INTERNAL)
  })

  test('the log of Fastify has the cause', async () => {
    await post('fastify', 'argument')
    await until(() => program.log.includes('storage must be an object with a method createPending'))
  })
})
