'use strict'
// A pipeline that is taken elsewhere, and elsewhere again, amid calls: each of them is settled, wherever its job was.
const { readdirSync, readFileSync } = require('node:fs')
const { freePort } = require('../support/redis.js')
const { useFaults } = require('../support/faults.js')
const { jobId, newTicket, recorder } = require('../support/tickets.js')
const { until } = require('../support/until.js')

const on = useFaults()
const enqueue = (pipeline, ticket = newTicket(), options = { timeoutMs: 30_000 }) =>
  pipeline.enqueue(ticket, recorder(), options)

test('calls that wait follow two reconnects in one turn, and two hundred', async () => {
  const [one, other] = [await on.server(), await on.server()]
  const nowhere = { port: await freePort() }
  for (const way of [[one.url, other.url], [one.url, nowhere, one.url], Array(200).fill([nowhere, other.url]).flat()]) {
    const pipeline = on.pipeline({ connection: nowhere })
    const calls = Promise.all(Array.from({ length: 50 }, () => enqueue(pipeline)))
    await until(() => pipeline.stats().waitingForRedis === 50)
    for (const connection of way) pipeline.reconnect(connection)
    for (const { status } of await calls) expect(status).toBe('queued')
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, waitingForRedis: 0 })
  }
})

test('a job on its way comes back to where its pipeline is by then', async () => {
  const [silent, ...others] = [await on.server(), await on.server(), await on.server()]
  const pipeline = on.pipeline({ connection: silent.url })
  await enqueue(pipeline)
  silent.freeze()
  const ticket = newTicket()
  const call = enqueue(pipeline, ticket)
  await until(() => pipeline.stats().waitingForRedis === 1)
  for (const { url } of others) {
    pipeline.reconnect(url)
    await enqueue(pipeline)
  }
  await silent.kill()
  expect((await call).status).toBe('queued')
  expect(await on.client(others[1].url).exists(`bull:ticket-triage:${jobId(ticket)}`)).toBe(1)
})

test('a pipeline that moved on is forgotten where it was, once the last of its jobs is', async () => {
  if (process.platform !== 'linux') return
  const [one, other] = [await on.server(), await on.server()]
  const admin = on.client(other.url)
  const links = async () => (await admin.client('LIST')).match(/name=enqueue-boundary /g)?.length ?? 0
  // Keeps the writer of the first server.
  await enqueue(on.pipeline({ connection: one.url }))
  const threads = () => {
    const names = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8'))
    return names.filter((name) => name.startsWith('enqueue-bound')).length
  }
  const before = threads()
  for (let round = 0; round < 3; round++) {
    const pipeline = on.pipeline({ connection: one.url })
    await enqueue(pipeline)
    one.freeze()
    const { code } = await enqueue(pipeline, newTicket(), { timeoutMs: 50 }).catch((error) => error)
    expect(code).toBe('OUTCOME_UNKNOWN')
    pipeline.reconnect(other.url)
    await enqueue(pipeline)
    one.thaw()
    await pipeline.close()
    await until(async () => threads() === before && (await links()) === 0)
  }
})
