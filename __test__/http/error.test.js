'use strict'
// An EnqueueError as an HTTP answer, as a log sees it, and as a test of one's own makes it.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { inspect } = require('node:util')
const { runChild } = require('../support/child.js')
const { freePort, useDatabase } = require('../support/redis.js')
const { newTicket, recorder, rejection } = require('../support/tickets.js')
const { EnqueueError, Pipeline, enqueueTicketTriage, isEnqueueError, ticketTriageDefinition } = require('../..')

useDatabase()

const read = (file) => readFileSync(path.join(__dirname, '../..', file), 'utf8')
const stuck = { createPending: () => new Promise(() => {}) }
const make = (options) => new Pipeline({ ...ticketTriageDefinition, ...options })

describe('as an answer', () => {
  test('headers are a Retry-After in whole seconds, rounded up, where there is something to wait for', () => {
    const headers = (retryAfterMs) => new EnqueueError({ code: 'QUEUE_UNAVAILABLE', retryAfterMs }).headers
    expect([1, 1000, 1001].map(headers)).toEqual(['1', '1', '2'].map((seconds) => ({ 'retry-after': seconds })))
    expect(new EnqueueError({ code: 'INVALID_INPUT' }).headers).toBeUndefined()
  })

  test('headers that middleware adds are sent as well', () => {
    const error = new EnqueueError({ code: 'OVERLOADED' })
    error.headers = { ...error.headers, vary: 'Origin' }
    expect(error.headers).toEqual({ 'retry-after': '1', vary: 'Origin' })
    expect(error.toResponse().headers.get('vary')).toBe('Origin')
    for (const name of ['content-type', 'Content-Type']) {
      error.headers = { [name]: 'text/html' }
      expect(error.toResponse().headers.get('content-type')).toBe('application/problem+json')
    }
    expect(new EnqueueError({ code: 'OVERLOADED' }).headers).toEqual({ 'retry-after': '1' })
  })

  test.each(['toResponse', 'getResponse'])('%s is the problem with its type, status and headers', async (name) => {
    const error = new EnqueueError({ code: 'OUTCOME_UNKNOWN', jobId: 'ticket-triage:acme:1' })
    const response = error[name]()
    expect(response).toBeInstanceOf(Response)
    expect(response.status).toBe(503)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/problem+json',
      'retry-after': '1',
    })
    expect(await response.json()).toEqual(error.toProblem())
    expect(new EnqueueError({ code: 'FORBIDDEN' })[name]().headers.has('retry-after')).toBe(false)
  })
})

describe('in a log', () => {
  test('it shows the cause, and for an argument the line that gave it', async () => {
    const error = await rejection(enqueueTicketTriage(newTicket(), {}))
    expect(inspect(error)).toContain('TypeError: storage must be an object with a method createPending')
    expect(inspect(error)).toContain(__filename)
  })

  test('its own stack is one line, and what others throw has theirs', async () => {
    const errors = [
      await rejection(enqueueTicketTriage({}, recorder())),
      await rejection(enqueueTicketTriage(newTicket(), {})),
      await rejection(enqueueTicketTriage(newTicket(), stuck, { timeoutMs: 1 })),
      new EnqueueError({ code: 'INTERNAL' }),
    ]
    for (const error of errors) expect(error.stack).toBe(`EnqueueError: ${error.message}`)
    expect(new Error('here').stack).toContain(__filename)
  })

  test('its stack is one line also where a program has frozen Error', async () => {
    const { stdout } = await runChild(`
      Object.freeze(Error)
      enqueueTicketTriage({}, storage).catch((error) => console.log(error.stack))
    `)
    expect(stdout).toBe('EnqueueError: tenantId is required; ticketId is required; summary is required\n')
  })
})

describe('made by hand', () => {
  /** What the boundary itself rejects with or throws, by code. */
  const PROVOKED = {
    INVALID_INPUT: () => enqueueTicketTriage({}, recorder()),
    PAYLOAD_TOO_LARGE: () => enqueueTicketTriage(newTicket({ summary: 'x'.repeat(2 ** 20) }), recorder()),
    TENANT_MISMATCH: () => enqueueTicketTriage(newTicket(), recorder(), { caller: undefined }),
    FORBIDDEN: () => enqueueTicketTriage(newTicket(), recorder(), { authorize: () => false }),
    AUTHORIZE_TIMEOUT: () =>
      enqueueTicketTriage(newTicket(), recorder(), { authorize: () => new Promise(() => {}), timeoutMs: 1 }),
    STORAGE_TIMEOUT: () => enqueueTicketTriage(newTicket(), stuck, { timeoutMs: 1 }),
    OVERLOADED: async () => {
      const pipeline = make({ maxInFlight: 1, timeoutMs: 100 })
      const first = rejection(pipeline.enqueue(newTicket(), stuck))
      try {
        return await pipeline.enqueue(newTicket(), recorder())
      } finally {
        await first
        await pipeline.close()
      }
    },
    QUEUE_UNAVAILABLE: async () => {
      const pipeline = make({ connection: { port: await freePort() }, timeoutMs: 2000 })
      return pipeline.enqueue(newTicket(), recorder())
    },
    CLOSED: async () => {
      const pipeline = make()
      await pipeline.close()
      return pipeline.enqueue(newTicket(), recorder())
    },
    MISCONFIGURED: async () => make({ connection: 'http://localhost' }),
    ERR_INVALID_ARG_TYPE: () => enqueueTicketTriage(newTicket(), {}),
    ERR_OUT_OF_RANGE: () => enqueueTicketTriage(newTicket(), recorder(), { timeoutMs: 0 }),
  }

  test.each(Object.entries(PROVOKED))('%s is as the boundary makes it', async (code, provoke) => {
    const real = await rejection(provoke())
    const { jobId, issues } = real
    const mock = new EnqueueError({
      code,
      jobId,
      issues,
      ...(['INVALID_INPUT', 'PAYLOAD_TOO_LARGE'].includes(code) && { message: real.message }),
    })
    expect(mock.toProblem()).toEqual(real.toProblem())
    expect({ ...mock }).toEqual({ ...real })
    expect([mock.message, mock.headers, mock.title]).toEqual([real.message, real.headers, real.title])
  })

  test('whatever differs from the defaults can be said', () => {
    const cause = new Error('OOM')
    const fields = {
      code: 'QUEUE_UNAVAILABLE',
      message: 'later',
      status: 429,
      title: 'Later',
      retryable: false,
      outcome: 'refused',
      jobId: 'a:b:c',
      issues: [],
      retryAfterMs: 5000,
      cause,
    }
    const error = new EnqueueError(fields)
    for (const [name, value] of Object.entries(fields)) expect([name, error[name]]).toEqual([name, value])
    expect([error.statusCode, error.expose, error.toProblem().title]).toEqual([429, true, 'Later'])
    expect(Object.keys(error)).not.toContain('cause')
    expect(isEnqueueError(error)).toBe(true)
  })

  test.each([['NO_SUCH_CODE'], ['toString'], ['__proto__'], [undefined], [1]])('the code %p is a TypeError', (code) => {
    expect(() => new EnqueueError({ code })).toThrow(TypeError)
    expect(() => new EnqueueError({ code })).toThrow(/cannot have the code .*; there are INVALID_INPUT, /)
  })

  test('nothing to make it of is a TypeError', () => {
    expect(() => new EnqueueError()).toThrow(TypeError)
  })

  test('a message that cannot be text is a TypeError, and other errors keep their frames', () => {
    expect(() => new EnqueueError({ code: 'OVERLOADED', message: Symbol('late') })).toThrow(TypeError)
    expect(new Error('here').stack).toContain(__filename)
  })
})

describe('the tables of codes agree:', () => {
  const [, union] = read('index.d.ts').match(/type EnqueueErrorCode =\n((?: {2}\| '\w+'\n)+)/)
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code)

  test('an error whose code was changed on its way is still a problem, and not another error', () => {
    const error = Object.assign(new EnqueueError({ code: 'OVERLOADED' }), { code: 'E_OTHER' })
    expect(error.toProblem()).toMatchObject({ title: 'Error', status: 503, code: 'E_OTHER' })
    expect(EnqueueError.prototype.title).toBe('Error')
  })

  test('each code can be made, and has a type of its own', () => {
    for (const code of codes) {
      const type = `urn:enqueue-boundary:${code.toLowerCase().split('_').join('-')}`
      expect(new EnqueueError({ code }).toProblem()).toMatchObject({ code, type })
    }
  })

  test('those of the native side are among them', () => {
    const [, list] = /const CODES: [^=]*= \[(.*?)\]/s.exec(read('src/core/error.rs'))
    const native = list.match(/[A-Z_]{4,}/g)
    expect(native.length).toBeGreaterThan(10)
    expect(codes).toEqual(expect.arrayContaining(native))
  })

  test.each(['docs/errors.md', 'index.d.ts'])('the table in %s has each with its status', (file) => {
    const rows = [...read(file).matchAll(/^(?: \*)? ?\| (`[A-Z_`, ]+`) \| (\d+) \|/gm)]
    const listed = rows.flatMap(([, names, status]) => names.match(/\w+/g).map((code) => [code, Number(status)]))
    const expected = codes.map((code) => [code, new EnqueueError({ code }).status])
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(expected))
  })
})
