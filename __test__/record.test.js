'use strict'
// The record comes first: how storage.createPending is called, and what follows from what it does.
const { AsyncLocalStorage } = require('node:async_hooks')
const { useDatabase } = require('./support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('./support/tickets.js')
const { EnqueueError, enqueueTicketTriage } = require('..')

const database = useDatabase()
const isQueued = async (ticket) => (await database.redis.exists(jobKey(ticket))) === 1

test('a call resolves to exactly the id and the status', async () => {
  const ticket = newTicket()
  const result = await enqueueTicketTriage(ticket, recorder())
  expect(result).toStrictEqual({ jobId: jobId(ticket), status: 'queued' })
  expect(Object.keys(result)).toEqual(['jobId', 'status'])
})

test('the record is a fresh plain object with exactly three properties, and is made once', async () => {
  const storage = recorder()
  const ticket = newTicket()
  await enqueueTicketTriage(ticket, storage)
  await enqueueTicketTriage(ticket, storage)
  const expected = { jobId: jobId(ticket), tenantId: ticket.tenantId, ticketId: ticket.ticketId }
  expect(storage.records).toStrictEqual([expected, expected])
  expect(storage.records[0]).not.toBe(storage.records[1])
  expect(Object.getPrototypeOf(storage.records[0])).toBe(Object.prototype)
})

test('the job is not in Redis before the record is made', async () => {
  const ticket = newTicket()
  let queuedBefore
  await enqueueTicketTriage(ticket, {
    async createPending() {
      queuedBefore = await isQueued(ticket)
    },
  })
  expect(queuedBefore).toBe(false)
  expect(await isQueued(ticket)).toBe(true)
})

test('changing the record or the input afterwards changes neither the job nor the result', async () => {
  const ticket = newTicket()
  const original = { ...ticket }
  const storage = {
    async createPending(record) {
      record.jobId = record.tenantId = record.ticketId = 'changed'
      ticket.tenantId = ticket.ticketId = ticket.summary = 'changed'
    },
  }
  const result = await enqueueTicketTriage(ticket, storage)
  expect(result.jobId).toBe(jobId(original))
  expect(await database.redis.hget(jobKey(original), 'data')).toBe(JSON.stringify(original))
})

test('createPending is called with the storage as this, so that a class with private fields works', async () => {
  class Records {
    #ids = []
    async createPending({ jobId }) {
      this.#ids.push(jobId)
    }
    get ids() {
      return this.#ids
    }
  }
  const records = new Records()
  const ticket = newTicket()
  await enqueueTicketTriage(ticket, records)
  expect(records.ids).toEqual([jobId(ticket)])
})

test('a function with a createPending property is a storage too', async () => {
  const storage = Object.assign(() => {}, recorder())
  await enqueueTicketTriage(newTicket(), storage)
  expect(storage.records).toHaveLength(1)
})

test('createPending is called before enqueueTicketTriage returns, in its stack', () => {
  let stack
  const storage = {
    createPending() {
      stack = new Error('here').stack
    },
  }
  function theCaller() {
    return enqueueTicketTriage(newTicket(), storage)
  }
  const promise = theCaller()
  expect(stack).toContain('theCaller')
  return promise
})

test('calls side by side each have the AsyncLocalStorage of their own caller, wherever their code runs', async () => {
  const context = new AsyncLocalStorage()
  const request = async (name) => {
    const seen = []
    const look = () => void seen.push(context.getStore())
    const authorize = async () => {
      look()
      await null
      look()
      return true
    }
    const storage = {
      async createPending() {
        look()
        await new Promise(setImmediate)
        look()
      },
    }
    await enqueueTicketTriage(newTicket(), storage, { authorize })
    look()
    await rejection(enqueueTicketTriage({}, storage))
    look()
    await rejection(enqueueTicketTriage(newTicket(), { createPending: () => new Promise(() => {}) }, { timeoutMs: 5 }))
    look()
    expect(seen).toEqual(Array(7).fill(name))
  }
  const names = Array.from({ length: 20 }, (_, number) => `request ${number}`)
  await Promise.all(names.map((name) => context.run(name, request, name)))
})

test('AsyncLocalStorage is intact in createPending, after its awaits, and after the call', async () => {
  const context = new AsyncLocalStorage()
  const seen = []
  await context.run('request 1', async () => {
    await enqueueTicketTriage(newTicket(), {
      async createPending() {
        seen.push(context.getStore())
        await null
        seen.push(context.getStore())
      },
    })
    seen.push(context.getStore())
  })
  expect(seen).toEqual(['request 1', 'request 1', 'request 1'])
})

describe('what createPending returns is treated as await treats it', () => {
  const returns = {
    undefined: () => undefined,
    'a value': () => 42,
    false: () => false,
    'a promise': () => Promise.resolve('ignored'),
    // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
    'a thenable': () => ({ then: (resolve) => resolve('ignored') }),
    // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
    'a thenable that resolves later': () => ({ then: (resolve) => setImmediate(resolve) }),
    // biome-ignore lint/suspicious/noThenProperty: only a function makes a thenable
    'an object whose then is no function': () => ({ then: 'not a function' }),
  }
  for (const [name, createPending] of Object.entries(returns)) {
    test(`${name} lets the job be enqueued`, async () => {
      const ticket = newTicket()
      await expect(enqueueTicketTriage(ticket, { createPending })).resolves.toEqual({
        jobId: jobId(ticket),
        status: 'queued',
      })
      expect(await isQueued(ticket)).toBe(true)
    })
  }

  test('a thenable that resolves twice, and then rejects, counts once', async () => {
    const ticket = newTicket()
    const twice = (resolve, reject) => {
      resolve()
      resolve()
      reject(new Error('too late'))
    }
    // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
    await enqueueTicketTriage(ticket, { createPending: () => ({ then: twice }) })
    expect(await database.redis.xrevrange('bull:ticket-triage:events', '+', '-', 'COUNT', 2)).toEqual([
      [expect.anything(), ['event', 'waiting', 'jobId', jobId(ticket)]],
      [expect.anything(), ['event', 'added', 'jobId', jobId(ticket), 'name', 'triage']],
    ])
  })
})

describe('what createPending throws or rejects with reaches the caller as it is, and nothing is enqueued', () => {
  const reasons = {
    'an Error': new Error('disk full'),
    'a frozen object': Object.freeze({ code: 23505 }),
    'a string': 'no',
    undefined: undefined,
    null: null,
    'a symbol': Symbol('no'),
    'a function': () => {},
  }
  const ways = {
    thrown: (reason) => () => {
      throw reason
    },
    'rejected with': (reason) => () => Promise.reject(reason),
    // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
    'rejected with by a thenable': (reason) => () => ({ then: (_, reject) => reject(reason) }),
    'thrown by a thenable': (reason) => () => ({
      // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
      then() {
        throw reason
      },
    }),
  }
  for (const [what, reason] of Object.entries(reasons)) {
    for (const [how, make] of Object.entries(ways)) {
      test(`${what} ${how}`, async () => {
        const ticket = newTicket()
        expect(await rejection(enqueueTicketTriage(ticket, { createPending: make(reason) }))).toBe(reason)
        expect(await isQueued(ticket)).toBe(false)
      })
    }
  }
})

describe('a storage that cannot be used', () => {
  const storages = {
    undefined: undefined,
    null: null,
    'a string': 'storage',
    'an empty object': {},
    'an object whose createPending is no function': { createPending: true },
  }
  for (const [name, storage] of Object.entries(storages)) {
    test(`${name} is ERR_INVALID_ARG_TYPE, as a rejection`, async () => {
      const error = await rejection(enqueueTicketTriage(newTicket(), storage))
      expect(error).toBeInstanceOf(EnqueueError)
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', status: 500, outcome: 'refused', retryable: false })
      expect(error.cause.message).toContain('createPending')
    })
  }

  test('a getter for createPending that throws rejects with what it throws', async () => {
    const reason = Symbol('getter')
    const storage = {
      get createPending() {
        throw reason
      },
    }
    expect(await rejection(enqueueTicketTriage(newTicket(), storage))).toBe(reason)
  })
})
