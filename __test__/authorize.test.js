'use strict'
// Who may enqueue: the tenant scope and the caller's own rule, both before the record.
const { useDatabase } = require('./support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('./support/tickets.js')
const { EnqueueError, enqueueTicketTriage } = require('..')

const database = useDatabase()

/** Enqueues with these options and says what came of it. */
async function attempt(options, ticket = newTicket()) {
  const storage = recorder()
  let error
  let result
  try {
    result = await enqueueTicketTriage(ticket, storage, options)
  } catch (reason) {
    error = reason
  }
  const queued = (await database.redis.exists(jobKey(ticket))) === 1
  return { ticket, result, error, recorded: storage.records.length, queued }
}

/** Stops this thread for so long. */
const holdUp = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const refused = { recorded: 0, queued: false, result: undefined }
const admitted = { recorded: 1, queued: true, error: undefined }

describe('the tenant scope', () => {
  test('a caller of the same tenant may enqueue', async () => {
    const ticket = newTicket()
    expect(await attempt({ caller: { tenantId: ticket.tenantId } }, ticket)).toMatchObject(admitted)
  })

  test('a caller of another tenant is refused before the record', async () => {
    const outcome = await attempt({ caller: { tenantId: 'another' } })
    expect(outcome).toMatchObject(refused)
    expect(outcome.error).toBeInstanceOf(EnqueueError)
    expect(outcome.error).toMatchObject({ code: 'TENANT_MISMATCH', status: 403, outcome: 'refused', expose: true })
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['without a tenant', {}],
    ['whose tenant is null', { tenantId: null }],
    ['whose tenant is a number', { tenantId: 7 }],
    ['whose tenant is an object that looks the same', { tenantId: { toString: () => 't' } }],
    ['whose tenant is longer than any ticket', { tenantId: 't'.repeat(2 ** 20 + 1) }],
  ])('a caller that is present but %s is nobody, and refused', async (_, caller) => {
    const outcome = await attempt({ caller }, newTicket({ tenantId: 't' }))
    expect(outcome).toMatchObject(refused)
    expect(outcome.error.code).toBe('TENANT_MISMATCH')
  })

  test('options without a caller check no tenant', async () => {
    expect(await attempt({})).toMatchObject(admitted)
  })

  test('an invalid ticket is INVALID_INPUT whoever calls', async () => {
    const outcome = await attempt({ caller: { tenantId: 'another' } }, newTicket({ summary: '' }))
    expect(outcome.error.code).toBe('INVALID_INPUT')
  })

  test('a repaired lone surrogate does not pass for the tenant U+FFFD', async () => {
    const outcome = await attempt({ caller: { tenantId: '\ud800' } }, newTicket({ tenantId: '\ufffd' }))
    expect(outcome).toMatchObject(refused)
    expect(outcome.error.code).toBe('TENANT_MISMATCH')
  })
})

describe('authorize', () => {
  test('gets the validated data and the caller, and nothing undeclared', async () => {
    const ticket = newTicket()
    const caller = { tenantId: ticket.tenantId, role: 'agent' }
    const calls = []
    const authorize = (...args) => calls.push(args) > 0
    expect(await attempt({ caller, authorize }, { ...ticket, admin: true })).toMatchObject(admitted)
    expect(calls).toStrictEqual([[ticket, caller]])
    expect(calls[0][1]).toBe(caller)
  })

  test('may answer later', async () => {
    expect(await attempt({ authorize: async () => true })).toMatchObject(admitted)
  })

  test.each([
    ['false', () => false],
    ['a promise of false', async () => false],
    ['undefined, as when a return was forgotten', () => undefined],
    ['something truthy that is not true', () => 'yes'],
  ])('that answers %s is FORBIDDEN before the record', async (_, authorize) => {
    const outcome = await attempt({ authorize })
    expect(outcome).toMatchObject(refused)
    expect(outcome.error).toMatchObject({ name: 'EnqueueError', code: 'FORBIDDEN', status: 403, outcome: 'refused' })
  })

  test.each([
    [
      'throws',
      (reason) => () => {
        throw reason
      },
    ],
    ['rejects with', (reason) => () => Promise.reject(reason)],
  ])('what it %s reaches the caller as it is, before the record', async (_, make) => {
    for (const reason of [new Error('directory down'), 'no', undefined, Symbol('no')]) {
      const outcome = await attempt({ authorize: make(reason) })
      expect(outcome).toMatchObject({ ...refused, error: reason })
      expect(outcome.error).toBe(reason)
    }
  })

  test('is not asked about a ticket that is invalid or of another tenant', async () => {
    const authorize = jest.fn(() => true)
    await attempt({ authorize }, newTicket({ ticketId: 7 }))
    await attempt({ authorize, caller: { tenantId: 'another' } })
    expect(authorize).not.toHaveBeenCalled()
  })

  test('that changes the data changes neither the record nor the job', async () => {
    const ticket = newTicket()
    const original = { ...ticket }
    const authorize = (data) => {
      data.tenantId = data.summary = 'changed'
      return true
    }
    const storage = recorder()
    await enqueueTicketTriage(ticket, storage, { authorize })
    expect(storage.records[0].tenantId).toBe(original.tenantId)
    expect(await database.redis.hget(jobKey(original), 'data')).toBe(JSON.stringify(original))
  })

  test('that never settles ends in AUTHORIZE_TIMEOUT, and saying true later enqueues nothing', async () => {
    let answer
    const ticket = newTicket()
    const storage = recorder()
    const authorize = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const error = await rejection(enqueueTicketTriage(ticket, storage, { authorize, timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 'AUTHORIZE_TIMEOUT', status: 504, outcome: 'refused', jobId: jobId(ticket) })
    answer(true)
    await enqueueTicketTriage(newTicket(), recorder())
    expect(storage.records).toEqual([])
    expect(await database.redis.exists(jobKey(ticket))).toBe(0)
  })

  test.each([
    ['at once', () => true],
    ['later', async () => true],
  ])('that holds up the event loop past the deadline and says true %s makes no record', async (_, answer) => {
    const ticket = newTicket()
    const storage = recorder()
    const authorize = () => {
      holdUp(60)
      return answer()
    }
    const error = await rejection(enqueueTicketTriage(ticket, storage, { authorize, timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 'AUTHORIZE_TIMEOUT', outcome: 'refused', jobId: jobId(ticket) })
    await enqueueTicketTriage(newTicket(), recorder())
    expect(storage.records).toEqual([])
    expect(await database.redis.exists(jobKey(ticket))).toBe(0)
  })

  test('shares one deadline with the record', async () => {
    let answer
    const authorize = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const createPending = () => new Promise(() => {})
    const call = rejection(enqueueTicketTriage(newTicket(), { createPending }, { authorize, timeoutMs: 300 }))
    answer(true)
    expect((await call).code).toBe('STORAGE_TIMEOUT')
  })
})

describe('options that cannot be used', () => {
  test.each([
    ['null', null],
    ['a number', 5000],
    ['a timeoutMs that is a string', { timeoutMs: '5000' }],
    ['a timeoutMs of null', { timeoutMs: null }],
    ['an authorize that is no function', { authorize: true }],
    ['an authorize of null', { authorize: null }],
  ])('%s is ERR_INVALID_ARG_TYPE', async (_, options) => {
    const outcome = await attempt(options)
    expect(outcome).toMatchObject(refused)
    expect(outcome.error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', status: 500 })
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'a timeoutMs of %p is ERR_OUT_OF_RANGE',
    async (timeoutMs) => {
      const outcome = await attempt({ timeoutMs })
      expect(outcome).toMatchObject(refused)
      expect(outcome.error).toMatchObject({ code: 'ERR_OUT_OF_RANGE', status: 500 })
    },
  )

  test('options may be an instance of a class, whose getters count', async () => {
    class Options {
      get caller() {
        return { tenantId: 'another' }
      }
    }
    class Caller {
      get tenantId() {
        return 'theirs'
      }
    }
    expect((await attempt(new Options())).error.code).toBe('TENANT_MISMATCH')
    expect(await attempt({ caller: new Caller() }, newTicket({ tenantId: 'theirs' }))).toMatchObject(admitted)
    expect((await attempt(Object.create({ caller: null }))).error.code).toBe('TENANT_MISMATCH')
  })

  test('an option whose getter throws rejects with what it throws', async () => {
    const reason = new Error('getter')
    const options = {
      get timeoutMs() {
        throw reason
      },
    }
    expect((await attempt(options)).error).toBe(reason)
  })
})
