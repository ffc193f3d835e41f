'use strict'
// A record that takes longer than the call may: how the call ends, and what the record does when it comes after all.
const { useDatabase } = require('./support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('./support/tickets.js')
const { enqueueTicketTriage } = require('..')

const database = useDatabase()
const isQueued = async (ticket) => (await database.redis.exists(jobKey(ticket))) === 1

describe('a record that is not made in time', () => {
  test('ends in STORAGE_TIMEOUT, and settling later enqueues nothing and harms nothing', async () => {
    for (const late of ['resolve', 'reject']) {
      const ticket = newTicket()
      let settle
      const pending = new Promise((resolve, reject) => {
        settle = { resolve, reject }[late]
      })
      const error = await rejection(enqueueTicketTriage(ticket, { createPending: () => pending }, { timeoutMs: 20 }))
      expect(error).toMatchObject({
        name: 'EnqueueError',
        code: 'STORAGE_TIMEOUT',
        status: 504,
        outcome: 'refused',
        retryable: true,
        jobId: jobId(ticket),
      })
      expect(error.cause.message).toContain('createPending did not settle within 20 ms')
      settle(new Error('late'))
      // A later call goes the whole way behind whatever the late one might have sent.
      await enqueueTicketTriage(newTicket(), recorder())
      expect(await isQueued(ticket)).toBe(false)
    }
  })

  test('because it held up the event loop ends in STORAGE_TIMEOUT too, and nothing is enqueued', async () => {
    const holdUp = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    for (const createPending of [() => holdUp(60), async () => holdUp(60)]) {
      const ticket = newTicket()
      const error = await rejection(enqueueTicketTriage(ticket, { createPending }, { timeoutMs: 20 }))
      expect(error).toMatchObject({ code: 'STORAGE_TIMEOUT', outcome: 'refused', jobId: jobId(ticket) })
      await enqueueTicketTriage(newTicket(), recorder())
      expect(await isQueued(ticket)).toBe(false)
    }
  })

  test('does not hold up calls with a longer deadline, and each ends at its own', async () => {
    const never = { createPending: () => new Promise(() => {}) }
    const order = []
    const calls = [300, 100, 200].map((timeoutMs) =>
      rejection(enqueueTicketTriage(newTicket(), never, { timeoutMs })).then((error) => {
        order.push([timeoutMs, error.code])
      }),
    )
    await Promise.all(calls)
    expect(order).toEqual([
      [100, 'STORAGE_TIMEOUT'],
      [200, 'STORAGE_TIMEOUT'],
      [300, 'STORAGE_TIMEOUT'],
    ])
  })

  test('ends at its own deadline although a call with a shorter timeout and a later deadline came after it', async () => {
    const never = { createPending: () => new Promise(() => {}) }
    const ended = []
    const timer = (ms, name) => new Promise((resolve) => setTimeout(resolve, ms)).then(() => ended.push(name))
    const call = (timeoutMs, name) =>
      rejection(enqueueTicketTriage(newTicket(), never, { timeoutMs })).then(() => ended.push(name))
    const first = call(1500, 'first call')
    const between = timer(1950, 'between')
    await timer(1000, 'second begins')
    await Promise.all([first, between, call(1400, 'second call')])
    expect(ended).toEqual(['second begins', 'first call', 'between', 'second call'])
  })

  test('and calls that are, are settled under fake timers too', async () => {
    jest.useFakeTimers()
    try {
      const ticket = newTicket()
      expect(await enqueueTicketTriage(ticket, recorder())).toEqual({ jobId: jobId(ticket), status: 'queued' })
      const never = { createPending: () => new Promise(() => {}) }
      expect(await rejection(enqueueTicketTriage(newTicket(), never, { timeoutMs: 10 }))).toMatchObject({
        code: 'STORAGE_TIMEOUT',
      })
    } finally {
      jest.useRealTimers()
    }
  })

  test('a slot that a late call left is safe for the next one', async () => {
    let settle
    const late = enqueueTicketTriage(
      newTicket(),
      {
        createPending: () =>
          new Promise((resolve) => {
            settle = resolve
          }),
      },
      { timeoutMs: 10 },
    )
    expect((await rejection(late)).code).toBe('STORAGE_TIMEOUT')
    let settleNext
    const ticket = newTicket()
    const next = enqueueTicketTriage(ticket, {
      createPending: () =>
        new Promise((resolve) => {
          settleNext = resolve
        }),
    })
    settle()
    // This one goes the whole way behind whatever the late one might have sent.
    await enqueueTicketTriage(newTicket(), recorder())
    expect(await isQueued(ticket)).toBe(false)
    settleNext()
    expect(await next).toEqual({ jobId: jobId(ticket), status: 'queued' })
  })
})
