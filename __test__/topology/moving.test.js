'use strict'
// A pipeline that is taken elsewhere, and elsewhere again, amid calls: each of them is settled, wherever its job was.
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { freePort } = require('../support/redis.js')
const { jobId, newTicket, recorder } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

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
  const { stdout, stderr } = await runChild(
    `
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    const { threadsNamed } = require(${JSON.stringify(require.resolve('../support/threads.js'))})
    const { ONE, OTHER, ONE_PID } = process.env
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const make = () => new Pipeline({ ...ticketTriageDefinition, connection: ONE })
    let number = 0
    const call = (pipeline, timeoutMs) =>
      pipeline.enqueue(ticket('moved' + number++), storage, { timeoutMs }).then(({ status }) => status, ({ code }) => code)
    ;(async () => {
      // Keeps the writer of the first server.
      await call(make())
      for (let round = 0; round < 3; round++) {
        const pipeline = make()
        await call(pipeline)
        process.kill(ONE_PID, 'SIGSTOP')
        // On a busy machine one may not even go out in its time.
        while ((await call(pipeline, 50)) !== 'OUTCOME_UNKNOWN') await turn()
        pipeline.reconnect(OTHER)
        console.log(await call(pipeline))
        process.kill(ONE_PID, 'SIGCONT')
        await pipeline.close()
        while (threadsNamed('enqueue-bound') > 1) await turn()
      }
    })()`,
    { env: { ONE: one.url, OTHER: other.url, ONE_PID: `${one.child.pid}` } },
  )
  expect(stderr).toBe('')
  expect(stdout).toBe('queued\n'.repeat(3))
})
