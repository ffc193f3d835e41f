'use strict'
// The test transport as a test uses it: which calls go there, what is seen of them, and how it is put up and taken away.
const { createServer } = require('node:net')
const { Pipeline, enqueueTicketTriage, ticketTriageDefinition } = require('../..')
const { installTestTransport, matchers } = require('../../testing')
const { runChild } = require('../support/child.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const storage = { createPending() {} }
const opened = []
function pipeline(fields) {
  const made = new Pipeline({ ...ticketTriageDefinition, connection: database.url, ...fields })
  opened.push(made)
  return made
}

let boundary
beforeEach(() => {
  boundary = installTestTransport()
})
afterEach(async () => {
  boundary.uninstall()
  await Promise.all(opened.splice(0).map((it) => it.close()))
})

const inRedis = (ticket) => database.redis.exists(jobKey(ticket)).then(Boolean)

describe('the calls that go there', () => {
  test('are those of pipelines that were made before, of those to come, and of tickets', async () => {
    boundary.uninstall()
    const before = pipeline()
    await before.enqueue(newTicket(), storage)
    boundary = installTestTransport()
    const tickets = [newTicket(), newTicket(), newTicket()]
    await before.enqueue(tickets[0], storage)
    await pipeline().enqueue(tickets[1], storage)
    await enqueueTicketTriage(tickets[2], storage)
    expect(boundary.jobs().map(({ id }) => id)).toEqual(tickets.map(jobId))
    expect(await Promise.all(tickets.map(inRedis))).toEqual([false, false, false])
  })

  test('go to Redis again when it is uninstalled', async () => {
    const triage = pipeline()
    await triage.enqueue(newTicket(), storage)
    boundary.uninstall()
    const ticket = newTicket()
    await triage.enqueue(ticket, storage)
    expect(await inRedis(ticket)).toBe(true)
    expect(boundary.jobs()).toHaveLength(1)
    expect(triage.stats()).toMatchObject({ connected: true, connects: 1 })
  })

  test('are not those that have begun elsewhere', async () => {
    const triage = pipeline()
    boundary.uninstall()
    const [real, tested] = [newTicket(), newTicket()]
    const slow = () => {
      let done
      const made = new Promise((resolve) => {
        done = resolve
      })
      return { createPending: () => made, done }
    }
    const [first, second] = [slow(), slow()]
    const begun = triage.enqueue(real, first)
    boundary = installTestTransport()
    first.done()
    await begun
    const diverted = triage.enqueue(tested, second)
    boundary.uninstall()
    second.done()
    await diverted
    expect([await inRedis(real), await inRedis(tested)]).toEqual([true, false])
    expect(boundary.jobs().map(({ id }) => id)).toEqual([jobId(tested)])
  })

  test('open no connection', async () => {
    let connections = 0
    const server = createServer((socket) => {
      connections += 1
      socket.destroy()
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    const triage = pipeline({ connection: { host: '127.0.0.1', port: server.address().port } })
    await triage.enqueue(newTicket(), storage)
    await triage.states(['x'])
    expect([connections, triage.stats().connects]).toEqual([0, 0])
    // What would be connected to, is, once it is taken away.
    boundary.uninstall()
    await rejection(triage.enqueue(newTicket(), storage, { timeoutMs: 100 }))
    expect(connections).toBeGreaterThan(0)
    await new Promise((resolve) => server.close(resolve))
  })

  test('need no connection that is set, which is missed when it is uninstalled, until it is set', async () => {
    const connection = { url: undefined }
    const triage = pipeline({ connection, prefix: 'own' })
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ created: true })
    expect(boundary.jobs()).toMatchObject([{ prefix: 'own' }])
    boundary.uninstall()
    for (let n = 0; n < 2; n++) {
      expect(await rejection(triage.enqueue(newTicket(), storage))).toMatchObject({ code: 'MISCONFIGURED' })
    }
    connection.url = database.url
    const ticket = newTicket()
    await triage.enqueue(ticket, storage)
    expect(await database.redis.exists(jobKey(ticket).replace('bull:', 'own:'))).toBe(1)
  })

  test('still need one that can be used', () => {
    expect(() => pipeline({ connection: 'http://localhost' })).toThrow()
    expect(() => pipeline({ connection: { cluster: [{ host: 'a', port: 1 }] } })).toThrow(
      expect.objectContaining({ code: 'MISCONFIGURED' }),
    )
  })

  test('go elsewhere after reconnect, and not before', async () => {
    const triage = pipeline({ connection: { url: undefined } })
    await triage.enqueue(newTicket(), storage)
    triage.reconnect(database.url)
    await triage.enqueue(newTicket(), storage)
    expect(boundary.jobs()).toHaveLength(2)
    boundary.uninstall()
    const ticket = newTicket()
    await triage.enqueue(ticket, storage)
    expect(await inRedis(ticket)).toBe(true)
  })
})

describe('where it holds', () => {
  test('is a realm, whichever copy of the package it was installed with', async () => {
    const ticket = newTicket()
    await jest.isolateModulesAsync(async () => {
      const copy = require('../..')
      expect(copy.Pipeline).not.toBe(Pipeline)
      await copy.enqueueTicketTriage(ticket, storage)
      expect(require('../../testing').installTestTransport()).toBe(boundary)
    })
    expect(boundary.jobs()).toMatchObject([{ id: jobId(ticket) }])
  })

  test('is a thread, and no other of the process', async () => {
    const { code, stdout, stderr } = await runChild(
      `
      const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')
      async function work(name) {
        const { enqueueTicketTriage } = require('.')
        const boundary = require('./testing').installTestTransport()
        for (let n = 0; n < 100; n++) {
          const ticket = { tenantId: name, ticketId: String(n), summary: 's' }
          await enqueueTicketTriage(ticket, { createPending() {} })
        }
        return boundary.jobs().filter(({ data }) => data.tenantId === name).length + ' of ' + boundary.jobs().length
      }
      const program = '(' + thread + ')()'
      async function thread() {
        const { parentPort, workerData } = require('node:worker_threads')
        parentPort.postMessage(await eval('(' + workerData.work + ')')(workerData.name))
      }
      const threads = ['a', 'b'].map((name) => new Promise((resolve, reject) => {
        const worker = new Worker(program, { eval: true, workerData: { name, work: work.toString() } })
        worker.once('message', resolve).once('error', reject)
      }))
      Promise.all([...threads, work('main')]).then((all) => console.log(all.join()))
      `,
      { bare: true },
    )
    expect([code, stdout, stderr]).toEqual([0, '100 of 100,100 of 100,100 of 100\n', ''])
  })

  test('a program that never asks for it does not load it', async () => {
    const { stdout } = await runChild(`
      enqueueTicketTriage({}, storage).catch(() => {})
      console.log(Object.keys(require.cache).filter((file) => /[\\\\/]testing/.test(file.slice(process.cwd().length))))`)
    expect(stdout).toBe('[]\n')
  })
})

describe('what a test sees', () => {
  test('is a job as BullMQ would show it', async () => {
    const ticket = newTicket()
    const jobOptions = {
      delay: 5000,
      priority: 2,
      keepLogs: 7,
      deduplication: { id: 'x', ttl: 60_000 },
      telemetry: { metadata: 'm', omitContext: true },
    }
    const before = Date.now()
    await pipeline().enqueue(ticket, storage, { jobOptions })
    const [job] = boundary.jobs()
    expect(job).toEqual({
      id: jobId(ticket),
      queueName: 'ticket-triage',
      prefix: 'bull',
      name: 'triage',
      data: ticket,
      opts: { ...ticketTriageDefinition.jobOptions, ...jobOptions, jobId: jobId(ticket) },
      state: 'delayed',
      timestamp: expect.any(Number),
      delay: 5000,
      priority: 2,
      deduplicationId: 'x',
    })
    expect(job.timestamp).toBeGreaterThanOrEqual(before)
  })

  test('are the jobs of a queue, or those that are like this', async () => {
    const [one, two] = [newTicket(), newTicket({ tenantId: 'other' })]
    await pipeline().enqueueMany([one, two, {}, one], storage)
    await pipeline({ queueName: 'another' }).enqueue(one, storage)
    expect(boundary.jobs('ticket-triage')).toMatchObject([{ data: one }, { data: two }])
    expect(boundary.jobs('another')).toHaveLength(1)
    expect(boundary.jobs('none')).toEqual([])
    expect(boundary.jobs({ data: { tenantId: 'other' } })).toHaveLength(1)
    expect(boundary.job(jobId(two))).toMatchObject({ data: two })
    expect(boundary.job('none')).toBeUndefined()
  })

  test('is expected in part, by asymmetric matchers too', async () => {
    const ticket = newTicket()
    await pipeline().enqueue(ticket, storage)
    expect(
      boundary.expectJob({ data: { summary: expect.stringContaining('blank') }, opts: { attempts: 3 } }),
    ).toMatchObject({
      data: ticket,
    })
    expect(boundary.expectJob(jobId(ticket))).toMatchObject({ data: ticket })
    boundary.expectNoJob({ data: { tenantId: 'other' } })
    for (const expected of [
      { data: { summary: expect.any(Number) } },
      { opts: { backoff: [] } },
      { opts: { attempts: '3' } },
      { data: { ...ticket, more: undefined, other: 1 } },
      'none',
    ]) {
      expect(() => boundary.expectJob(expected)).toThrow(expect.objectContaining({ name: 'AssertionError' }))
      boundary.expectNoJob(expected)
    }
  })

  test('what is not there is told by its difference to what is nearest', async () => {
    expect(() => boundary.expectJob('x')).toThrow('no job was enqueued')
    const tickets = [newTicket(), newTicket({ summary: 'Wrong' }), newTicket()]
    await pipeline().enqueueMany(tickets, storage)
    const { message } = await rejection(
      Promise.resolve().then(() =>
        boundary.expectJob({ name: 'triage', data: { summary: 'Wrong', ticketId: 'none' } }),
      ),
    )
    expect(message).toContain(`none of the 3 jobs is what was expected; the nearest is ${jobId(tickets[1])}`)
    expect(message).toMatch(/\+ .*ticketId: 'k\d+'/)
    expect(message).toMatch(/- .*ticketId: 'none'/)
    expect(message.match(/Wrong/g)).toHaveLength(1)
    expect(() => boundary.expectNoJob({ data: { summary: 'Wrong' } })).toThrow(`${jobId(tickets[1])} (waiting)`)
  })

  test('fits expect.extend', async () => {
    expect.extend(matchers)
    const ticket = newTicket()
    expect(boundary).not.toHaveJob()
    await pipeline().enqueue(ticket, storage)
    expect(boundary).toHaveJob()
    expect(boundary).toHaveJob({ data: ticket })
    expect(() => expect(boundary).toHaveJob('none')).toThrow('none of the 1 job is')
    expect(() => expect(boundary).not.toHaveJob(jobId(ticket))).toThrow('a job is there that was not expected')
    expect(() => expect({}).toHaveJob()).toThrow(TypeError)
  })
})

describe('what a test does', () => {
  test('is what a worker and an operator do', async () => {
    const ticket = newTicket()
    const triage = pipeline({ jobOptions: { removeOnComplete: true } })
    const id = jobId(ticket)
    for (const state of ['active', 'delayed', 'waiting', 'prioritized', 'waiting-children', 'failed']) {
      await triage.enqueue(ticket, storage)
      expect(boundary.move(id, state)).toMatchObject({ id, state })
      expect(await triage.states([id])).toEqual([state])
      expect(await triage.enqueue(ticket, storage)).toMatchObject({
        created: false,
        existing: { state, sameData: true },
      })
    }
    expect(boundary.move(boundary.job(id), 'completed')).toBeUndefined()
    expect(await triage.states([id])).toEqual(['missing'])
    await triage.enqueue(ticket, storage)
    boundary.remove(id)
    expect(boundary.jobs()).toEqual([])
  })

  test('is refused where it is of no job, of more than one, or to no state', async () => {
    const ticket = newTicket()
    await pipeline().enqueue(ticket, storage)
    await pipeline({ prefix: 'other' }).enqueue(ticket, storage)
    expect(() => boundary.move('none', 'failed')).toThrow('no job of the id "none"')
    expect(() => boundary.remove(jobId(ticket))).toThrow('more than one job')
    expect(() => boundary.move(jobId(ticket), 'done')).toThrow(TypeError)
    boundary.remove(boundary.job({ prefix: 'other' }))
    boundary.move(jobId(ticket), 'failed')
    expect(boundary.jobs()).toMatchObject([{ prefix: 'bull', state: 'failed' }])
  })

  test('puts time forward, for deduplications and quotas', async () => {
    const jobOptions = { deduplication: { id: 'x', ttl: 1_000_000 } }
    const triage = pipeline({
      quota: { rate: { limit: 2, periodMs: 1_000_000, burst: 2 } },
      onQuotaUnavailable: 'closed',
      jobOptions,
    })
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ status: 'queued' })
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ status: 'deduplicated' })
    boundary.advance(1_000_000)
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ status: 'queued' })
    boundary.advance(1_000_000)
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ status: 'queued' })
    expect(() => boundary.advance(-1)).toThrow(TypeError)
  })

  test('has a replaced job leave its deduplication the time that it had', async () => {
    const triage = pipeline({ quota: undefined })
    const call = (deduplication) =>
      triage.enqueue(newTicket(), storage, {
        jobOptions: { delay: 1, deduplication: { id: 'x', ttl: 1000_000, ...deduplication } },
      })
    expect(await call({ replace: true })).toMatchObject({ created: true })
    boundary.advance(600_000)
    expect(await call({ replace: true })).toMatchObject({ created: true })
    expect(boundary.jobs()).toHaveLength(1)
    boundary.advance(600_000)
    expect(await call()).toMatchObject({ created: true })
    boundary.advance(600_000)
    expect(await call({ extend: true })).toMatchObject({ status: 'deduplicated' })
    boundary.advance(600_000)
    expect(await call()).toMatchObject({ status: 'deduplicated' })
    boundary.advance(600_000)
    expect(await call()).toMatchObject({ created: true })
  })

  test('resets it', async () => {
    const triage = pipeline({ quota: { backlog: 1 }, onQuotaUnavailable: 'closed' })
    await triage.enqueue(newTicket(), storage)
    boundary.outage('not-sent')
    boundary.reset()
    expect(boundary.jobs()).toEqual([])
    expect(await triage.enqueue(newTicket(), storage)).toMatchObject({ created: true })
  })
})

test('a sweep finds what has no job, and what became of the others', async () => {
  const triage = pipeline()
  const tickets = [newTicket(), newTicket(), newTicket()]
  const records = tickets.map((input) => ({ jobId: jobId(input), input }))
  await triage.enqueue(tickets[0], storage)
  await triage.enqueue(tickets[1], storage)
  boundary.move(jobId(tickets[1]), 'completed')
  const told = { queued: [], finished: [] }
  const pending = [records, []]
  await triage.sweep({
    pending: () => pending.shift(),
    onQueued: ({ jobId: id }) => void told.queued.push(id),
    onFinished: ({ jobId: id }, { state }) => void told.finished.push([id, state]),
  })
  expect(told.queued.sort()).toEqual([jobId(tickets[0]), jobId(tickets[2])].sort())
  expect(told.finished).toEqual([[jobId(tickets[1]), 'completed']])
  expect(boundary.jobs()).toHaveLength(3)
})

test('a thousand calls at once, and many in one, are each told what became of them', async () => {
  const triage = pipeline()
  const { records, ...rest } = recorder()
  const tickets = Array.from({ length: 1000 }, () => newTicket())
  const results = await Promise.all(tickets.map((it) => triage.enqueue(it, { ...rest })))
  expect(results.every(({ created }) => created)).toBe(true)
  const outcomes = await triage.enqueueMany([...tickets, ...Array.from({ length: 1000 }, () => newTicket())], storage)
  expect(outcomes.filter(({ created }) => created)).toHaveLength(1000)
  expect([boundary.jobs().length, records.length]).toEqual([2000, 1000])
})
