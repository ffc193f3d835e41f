'use strict'
// The error class, and that nothing is ever thrown synchronously.
const path = require('node:path')
const vm = require('node:vm')
const { Worker } = require('node:worker_threads')
const { useDatabase } = require('./support/redis.js')
const { newTicket, recorder, rejection } = require('./support/tickets.js')
const { EnqueueError, enqueueTicketTriage, isEnqueueError } = require('..')

const database = useDatabase()

test('an invalid ticket is one EnqueueError that lists everything wrong', async () => {
  const error = await rejection(enqueueTicketTriage({ tenantId: 'a:b', summary: '' }, recorder()))
  expect(error).toBeInstanceOf(EnqueueError)
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('EnqueueError')
  expect(error.stack).toContain('EnqueueError: ')
  expect(error).toMatchObject({
    code: 'INVALID_INPUT',
    status: 400,
    statusCode: 400,
    expose: true,
    retryable: false,
    outcome: 'refused',
    issues: [
      { path: ['tenantId'], pointer: '/tenantId', code: 'invalid_format' },
      { path: ['ticketId'], pointer: '/ticketId', code: 'invalid_type', message: 'ticketId is required' },
      { path: ['summary'], pointer: '/summary', code: 'too_small', message: 'summary must not be empty' },
    ],
  })
  expect(error.message).toBe(error.issues.map((issue) => issue.message).join('; '))
  expect('jobId' in error || 'retryAfterMs' in error || 'cause' in error).toBe(false)
})

test('each error has the issues of its own input, however many kinds there are and whatever is done to those of others', async () => {
  const issuesOf = async (input) => (await rejection(enqueueTicketTriage(input, recorder()))).issues
  const missing = { path: ['summary'], pointer: '/summary', code: 'invalid_type', message: 'summary is required' }
  for (let more = 0; more < 200; more++) {
    const issues = await issuesOf({ tenantId: 't', ticketId: 'k' })
    expect(issues).toStrictEqual([missing])
    Object.assign(issues[0], { path: issues[0].path.fill('changed'), message: 'changed' })
    const [tooLong, ...others] = await issuesOf({ tenantId: 't', ticketId: 'k'.repeat(600 + more), summary: 's' })
    expect(tooLong).toMatchObject({ path: ['ticketId'], code: 'too_big' })
    expect(tooLong.message).toContain(`ticketId has ${600 + more} bytes`)
    expect(others).toEqual([])
  }
  const threads = Array.from({ length: 2 }, () => issuesInThread({ ticketId: 7, summary: '' }))
  for (const issues of await Promise.all(threads)) {
    expect(issues.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/tenantId', 'invalid_type'],
      ['/ticketId', 'invalid_type'],
      ['/summary', 'too_small'],
    ])
  }
})

/** The issues that another thread of this process is told. */
function issuesInThread(input) {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { enqueueTicketTriage } = require(workerData.root)
    enqueueTicketTriage(workerData.input, { createPending() {} }).catch(({ issues }) => parentPort.postMessage(issues))
  `
  const worker = new Worker(program, { eval: true, workerData: { root: path.join(__dirname, '..'), input } })
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

test('toProblem is a plain RFC 9457 object that survives JSON', async () => {
  const error = await rejection(enqueueTicketTriage({ tenantId: 't', ticketId: 'k' }, recorder()))
  const problem = error.toProblem()
  expect(JSON.parse(JSON.stringify(problem))).toStrictEqual(problem)
  expect(problem).toStrictEqual({
    type: 'urn:enqueue-boundary:invalid-input',
    title: 'Invalid input',
    status: 400,
    detail: 'summary is required',
    code: 'INVALID_INPUT',
    outcome: 'refused',
    retryable: false,
    issues: [{ path: ['summary'], pointer: '/summary', code: 'invalid_type', message: 'summary is required' }],
  })
})

test('a job over 1 MiB is PAYLOAD_TOO_LARGE, before the record', async () => {
  const storage = recorder()
  const error = await rejection(enqueueTicketTriage(newTicket({ summary: 'x'.repeat(2 ** 20) }), storage))
  expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', status: 413, outcome: 'refused' })
  expect(storage.records).toEqual([])
})

test('a summary of 100 MB is refused without being copied', async () => {
  // Flat, as JSON.parse would make it.
  const summary = Buffer.alloc(100 * 2 ** 20, 'x').toString('latin1')
  const before = process.memoryUsage().rss
  const error = await rejection(enqueueTicketTriage(newTicket({ summary }), recorder()))
  expect(error.code).toBe('PAYLOAD_TOO_LARGE')
  expect(process.memoryUsage().rss - before).toBeLessThan(20 * 2 ** 20)
})

test('what an input getter throws reaches the caller as it is', async () => {
  for (const reason of [new Error('lazy'), 'text', undefined, Symbol('s')]) {
    const input = {
      ...newTicket(),
      get summary() {
        throw reason
      },
    }
    expect(await rejection(enqueueTicketTriage(input, recorder()))).toBe(reason)
  }
})

test('nothing is thrown synchronously, whatever the arguments', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const bad = [undefined, null, 1, 'x', Symbol('x'), 1n, [], () => {}, proxy, vm.runInNewContext('({})')]
  for (const input of bad) {
    for (const storage of [...bad, recorder()]) {
      for (const options of [...bad, {}]) {
        const call = enqueueTicketTriage(input, storage, options)
        expect(typeof call.then).toBe('function')
        await rejection(call)
      }
    }
  }
  const bare = enqueueTicketTriage()
  expect(typeof bare.then).toBe('function')
  await rejection(bare)
})

test('isEnqueueError knows an error of another copy of the package and nothing else', async () => {
  const error = await rejection(enqueueTicketTriage(null, recorder()))
  let other
  jest.isolateModules(() => {
    other = require('..')
  })
  expect(other.EnqueueError).not.toBe(EnqueueError)
  expect(error).not.toBeInstanceOf(other.EnqueueError)
  expect(other.isEnqueueError(error)).toBe(true)
  for (const value of [undefined, null, 'EnqueueError', new Error('EnqueueError'), { code: 'INVALID_INPUT' }]) {
    expect(isEnqueueError(value)).toBe(false)
  }
})

describe('a REDIS_URL that cannot be used', () => {
  const urls = ['undefined', 'redis://', 'http://127.0.0.1', 'redis://127.0.0.1:port', 'redis://127.0.0.1/first']
  test.each(urls)('%p is MISCONFIGURED at the call, before the record, and mending it mends the calls', async (url) => {
    let boundary
    jest.isolateModules(() => {
      boundary = require('..')
    })
    process.env.REDIS_URL = url
    const storage = recorder()
    try {
      const error = await rejection(boundary.enqueueTicketTriage(newTicket(), storage))
      expect(error).toMatchObject({ code: 'MISCONFIGURED', status: 500, outcome: 'refused', retryable: false })
      expect(error.cause).toBeInstanceOf(Error)
      expect(error.cause.message).toMatch(/^REDIS_URL .*redis:\/\/host:port/)
      // An operator reads the cause; a client of the route learns nothing of it.
      expect(error.message + JSON.stringify(error.toProblem())).not.toMatch(/redis/i)
      expect(storage.records).toEqual([])
    } finally {
      process.env.REDIS_URL = database.url
    }
    await expect(boundary.enqueueTicketTriage(newTicket(), storage)).resolves.toMatchObject({ status: 'queued' })
  })
})

test('a queue whose keys are of another type is MISCONFIGURED, and the next call after mending it succeeds', async () => {
  const wait = 'bull:ticket-triage:wait'
  await database.redis.rename(wait, 'aside').catch(() => {})
  await database.redis.set(wait, 'not a list')
  const ticket = newTicket()
  const error = await rejection(enqueueTicketTriage(ticket, recorder()))
  expect(error).toMatchObject({ code: 'MISCONFIGURED', outcome: 'refused', retryable: false })
  expect(error.message).not.toContain('WRONGTYPE')
  expect(error.cause.message).toContain('WRONGTYPE')
  await database.redis.del(wait)
  await expect(enqueueTicketTriage(ticket, recorder())).resolves.toMatchObject({ status: 'queued' })
})
