'use strict'
// Pipelines with the same connection share one link and one thread, however many there are; what one of them does is
// nothing to the others.
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { jobId, newTicket, recorder } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()
let server
let admin
beforeEach(async () => {
  server = await on.server()
  admin = on.client(server.url)
})

/** The connections of ours that the server has: database and name of each. */
async function links() {
  const lines = (await admin.client('LIST')).split('\n').filter((line) => /\bname=(enqueue-boundary|mine)\b/.test(line))
  return lines.map((line) => `${/\bname=(\S+)/.exec(line)[1]} ${/\bdb=(\d+)/.exec(line)[1]}`).sort()
}

const enqueue = (pipeline, ticket = newTicket()) => pipeline.enqueue(ticket, recorder())

test('forty pipelines, with prefixes and limits of their own, have one link', async () => {
  const pipelines = Array.from({ length: 40 }, (_, i) =>
    on.pipeline({
      // Ways to write the same thing.
      connection: [server.url, `${server.url}/0`, { host: '127.0.0.1', port: server.port }, { url: server.url, db: 0 }][
        i % 4
      ],
      prefix: `p${i % 10}`,
      timeoutMs: 5000 + i,
      maxInFlight: 100 + i,
    }),
  )
  const tickets = pipelines.map(() => newTicket())
  await Promise.all(pipelines.map((pipeline, i) => enqueue(pipeline, tickets[i])))
  expect(await links()).toEqual(['enqueue-boundary 0'])
  for (const [i, ticket] of tickets.entries()) {
    expect(await admin.exists(`p${i % 10}:ticket-triage:${jobId(ticket)}`)).toBe(1)
  }
  expect(pipelines.map((pipeline) => pipeline.stats().connects)).toEqual(Array(40).fill(1))
})

test('pipelines whose connection differs in anything have a link each', async () => {
  await admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all')
  const { port } = server
  for (const connection of [
    { port },
    { port, db: 1 },
    { port, connectionName: 'mine' },
    { port, username: 'web', password: 'secret' },
  ]) {
    await enqueue(on.pipeline({ connection }))
  }
  expect(await links()).toEqual(['enqueue-boundary 0', 'enqueue-boundary 0', 'enqueue-boundary 1', 'mine 0'])
})

test('the link is closed with the last pipeline that has it, and what one had in flight is seen to', async () => {
  const [one, other] = [1, 2].map(() => on.pipeline({ connection: server.url }))
  await Promise.all([enqueue(one), enqueue(other)])
  const last = Promise.all(Array.from({ length: 50 }, () => enqueue(one)))
  await one.close()
  await last
  await enqueue(other)
  expect(await links()).toHaveLength(1)
  await other.close()
  await until(async () => (await links()).length === 0)
  const again = on.pipeline({ connection: server.url })
  await enqueue(again)
  expect(await links()).toHaveLength(1)
})

test('reconnect takes one pipeline elsewhere and leaves the others, with calls in flight at each', async () => {
  const [stays, goes] = [1, 2].map(() => on.pipeline({ connection: server.url }))
  const elsewhere = await on.server()
  await Promise.all([enqueue(stays), enqueue(goes)])
  const tickets = Array.from({ length: 200 }, () => newTicket())
  const before = tickets.map((ticket, i) => enqueue(i % 2 ? stays : goes, ticket))
  goes.reconnect(elsewhere.url)
  const after = newTicket()
  await Promise.all([...before, enqueue(goes, after)])
  const there = on.client(elsewhere.url)
  expect(await there.exists(`bull:ticket-triage:${jobId(after)}`)).toBe(1)
  for (const [i, ticket] of tickets.entries()) {
    const key = `bull:ticket-triage:${jobId(ticket)}`
    const [here, moved] = [await admin.exists(key), await there.exists(key)]
    expect([here + moved, i % 2 ? here : 1]).toEqual([1, 1])
  }
  expect([stays.stats().connects, goes.stats().connects]).toEqual([1, 2])
  await enqueue(stays)
})

test('reconnect rescues the calls of one pipeline from a server that is not there, and of no other', async () => {
  await server.kill()
  const [stays, goes] = [1, 2].map(() => on.pipeline({ connection: server.url }))
  const elsewhere = await on.server()
  const rescued = Promise.all(Array.from({ length: 20 }, () => enqueue(goes)))
  const lost = stays.enqueue(newTicket(), recorder(), { timeoutMs: 300 })
  await until(() => goes.stats().lastProblem !== undefined)
  goes.reconnect(elsewhere.url)
  for (const { status } of await rescued) expect(status).toBe('queued')
  await expect(lost).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
})

test('a queue with many jobs does not keep another from its turn', async () => {
  const options = { connection: server.url, timeoutMs: 60_000 }
  const [many, few] = ['many', 'few'].map((prefix) => on.pipeline({ ...options, prefix }))
  await Promise.all([enqueue(many), enqueue(few)])
  const monitor = on.keep(await admin.monitor(), (it) => it.disconnect())
  const scripts = []
  monitor.on('monitor', (_, [command, , , key]) => {
    if (/^eval/i.test(command)) scripts.push(key.split(':')[0])
  })
  // Nothing goes out before all of it waits.
  server.freeze()
  const calls = Array.from({ length: 20_000 }, () => enqueue(many))
  await until(() => many.stats().waitingForRedis === 20_000)
  calls.push(enqueue(few))
  await until(() => few.stats().waitingForRedis === 1)
  server.thaw()
  await Promise.all(calls)
  await until(() => scripts.includes('few') && scripts.length > 150)
  // Of the others there were four on their way, and they may have gone out again on another link.
  expect(scripts.indexOf('few')).toBeLessThan(16)
})

test('all of a process, evaluated five times, have one link, one thread for it and one that keeps the time', async () => {
  const root = require.resolve('../..').replace(/index\.js$/, '')
  const { stdout, stderr } = await runChild(
    `
    const { threadsNamed } = require(${JSON.stringify(require.resolve('../support/threads.js'))})
    const { Redis } = require(${JSON.stringify(require.resolve('ioredis'))})
    const evaluate = () => {
      for (const key of Object.keys(require.cache)) if (key.startsWith(${JSON.stringify(root)}) && !key.includes('node_modules')) delete require.cache[key]
      return require(${JSON.stringify(root)})
    }
    ;(async () => {
      for (let i = 0; i < 5; i++) {
        const { enqueueTicketTriage, Pipeline, ticketTriageDefinition } = evaluate()
        await enqueueTicketTriage(ticket('a' + i), storage)
        await new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL }).enqueue(ticket('b' + i), storage)
        await new Pipeline(ticketTriageDefinition).enqueue(ticket('c' + i), storage)
      }
      const admin = new Redis(process.env.REDIS_URL)
      const links = (await admin.client('LIST')).match(/name=enqueue-boundary /g).length
      const threads = process.platform === 'linux' ? threadsNamed('enqueue-') : undefined
      console.log(JSON.stringify({ links, threads }))
      admin.disconnect()
    })()`,
    { env: { REDIS_URL: server.url } },
  )
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({ links: 1, ...(process.platform === 'linux' && { threads: 2 }) })
})

test('three hundred pipelines that are dropped have one link, and nothing once they are collected', async () => {
  const { stdout, stderr } = await runChild(
    `
    const { createHook } = require('node:async_hooks')
    const open = new Set()
    createHook({ init: (id, type) => type === 'enqueue-boundary' && open.add(id), destroy: (id) => open.delete(id) }).enable()
    const { Redis } = require(${JSON.stringify(require.resolve('ioredis'))})
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    ;(async () => {
      const admin = new Redis(process.env.REDIS_URL)
      const links = async () => (await admin.client('LIST')).match(/name=enqueue-boundary /g)?.length ?? 0
      const use = async (i) => {
        const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL, prefix: 'p' + (i % 7) })
        await pipeline.enqueue(ticket('dropped' + i), storage)
      }
      let most = 0
      for (let i = 0; i < 300; i++) {
        await use(i)
        if (i % 50 === 0) most = Math.max(most, await links())
      }
      while ((await links()) > 0 || open.size > 0) {
        gc()
        await turn()
      }
      await use(300)
      console.log(JSON.stringify({ most, now: await links() }))
      admin.disconnect()
    })()`,
    { env: { REDIS_URL: server.url }, flags: ['--expose-gc'] },
  )
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({ most: 1, now: 1 })
})

test('calls of a pipeline that nobody has any more are settled all the same', async () => {
  const { stdout } = await runChild(
    `
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    ;(async () => {
      let record
      const slow = { createPending: () => new Promise((resolve) => { record = resolve }) }
      const call = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL }).enqueue(ticket('kept'), slow)
      for (let i = 0; i < 20; i++) {
        gc()
        await turn()
      }
      record()
      console.log((await call).status)
    })()`,
    { env: { REDIS_URL: server.url }, flags: ['--expose-gc'] },
  )
  expect(stdout).toBe('queued\n')
})
