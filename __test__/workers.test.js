'use strict'
// The worker programs of examples/ end when they are told to, whatever has become of Redis.
const path = require('node:path')
const { Program } = require('./support/program.js')
const { OwnServer } = require('./support/redis.js')
const { until, withClient } = require('../tools/until.js')

const file = (name) => path.join(__dirname, '../examples', name)
const undo = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** One that waits for jobs. */
async function startWorker(name) {
  const server = await OwnServer.start()
  undo.push(() => server.stop())
  const worker = new Program(file(name), { ...process.env, REDIS_URL: server.url })
  undo.push(() => worker.stop())
  await withClient(server, (redis) => until(async () => / flags=b /.test(await redis.client('LIST'))))
  return { server, worker }
}

describe.each(['worker.mjs', 'invoice-worker.mjs'])('examples/%s', (name) => {
  test.each(['SIGTERM', 'SIGINT'])('ends on %s', async (signal) => {
    const { worker } = await startWorker(name)
    worker.child.kill(signal)
    await expect(worker.closed).resolves.toEqual([0, null])
  })

  test('ends while Redis is away, and while it does not answer', async () => {
    const [away, frozen] = await Promise.all([startWorker(name), startWorker(name)])
    undo.push(() => frozen.server.thaw())
    await away.server.kill()
    await until(() => away.worker.log.includes('ECONNREFUSED'))
    frozen.server.freeze()
    for (const { worker } of [away, frozen]) worker.child.kill('SIGTERM')
    // By itself, which it is killed for if it does not.
    for (const { worker } of [away, frozen]) expect((await worker.closed)[1]).toBeNull()
  })
})
