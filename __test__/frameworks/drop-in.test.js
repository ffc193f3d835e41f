'use strict'
// examples/drop-in-nest.mts, as it stands: a NestJS application whose queues have our backend, with a real Redis that comes and goes.
const { rmSync } = require('node:fs')
const path = require('node:path')
const { RunningServer, copyExamples } = require('../support/frameworks.js')
const { OwnServer } = require('../support/redis.js')
const { until, withClient } = require('../../tools/until.js')

let folder
let redis
let server
beforeAll(async () => {
  folder = copyExamples()
  redis = await OwnServer.start()
  server = await RunningServer.start(path.join(folder, 'drop-in-nest.mjs'), { REDIS_URL: redis.url })
})
afterAll(async () => {
  await server?.program.stop()
  await redis?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const ask = async (place, body) => {
  const init = body && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`http://127.0.0.1:${server.port}/greetings${place}`, init)
  return { status: answer.status, body: await answer.json() }
}
const finished = async (id) => {
  let answer
  await until(async () => {
    answer = await ask(`/${id}`)
    return answer.body.state === 'completed'
  })
  return answer.body
}

test('what a queue that is injected adds goes through us, and a processor of the application does it', async () => {
  const { status, body } = await ask('', { name: 'Ann' })
  expect([status, body]).toEqual([201, { id: '1' }])
  expect(await finished('1')).toEqual({ state: 'completed', greeting: 'Hello, Ann' })
  const stats = { created: 1, existing: 0, deduplicated: 0, rejected: {}, delegated: 0 }
  expect((await ask('/stats')).body).toEqual(stats)
  expect(await withClient(redis, (client) => client.hget('bull:greetings:1', 'opts'))).toBe('{"attempts":3}')
  expect(await withClient(redis, (client) => client.client('LIST'))).toMatch(/name=enqueue-boundary /)
})

test('with Redis away its caller is told so, and all goes on when that is back', async () => {
  await redis.kill()
  let away
  do {
    away = await ask('', { name: 'Eve' })
    // The first may have been on its way before anybody knew.
  } while (away.body.code === 'OUTCOME_UNKNOWN')
  expect([away.status, away.body.code]).toEqual([503, 'QUEUE_UNAVAILABLE'])
  await redis.up()
  const after = await ask('', { name: 'Bob' })
  expect(after.status).toBe(201)
  expect((await finished(after.body.id)).greeting).toBe('Hello, Bob')
  expect((await ask('/stats')).body).toMatchObject({ created: 2, rejected: { QUEUE_UNAVAILABLE: 1 } })
})

test('it ends when it is told to, though Nest asks a queue that is closed for its connection', async () => {
  await server.beginToStop()
  // Nest sends itself the signal again once all of its hooks are done.
  expect(await server.end()).toBe('SIGTERM')
})
