'use strict'
// bull-board, asked over HTTP as its own page asks, over a queue with our backend: it knows BullMQ, and sees nothing else.
const { createServer } = require('node:http')
const { once } = require('node:events')
const { createBullBoard } = require('@bull-board/api')
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter')
const { ExpressAdapter } = require('@bull-board/express')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)

const servers = []
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))))

/** A board of this queue, and how to ask it. */
async function boardOf(queue) {
  const serverAdapter = new ExpressAdapter()
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter })
  const server = createServer(serverAdapter.getRouter()).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const base = `http://127.0.0.1:${server.address().port}/api`
  return async (method, place, sent) => {
    const headers = { connection: 'close', 'content-type': 'application/json' }
    const answer = await fetch(`${base}${place}`, { method, headers, body: sent && JSON.stringify(sent) })
    const text = await answer.text()
    return { status: answer.status, body: text && JSON.parse(text) }
  }
}

async function open() {
  const name = queues.name()
  const { queue, stats } = queues.queue(name)
  const ask = await boardOf(queue)
  const page = async (status) => {
    const { body } = await ask('GET', `/queues?activeQueue=${name}&status=${status}&page=1&jobsPerPage=10`)
    return body.queues.find((it) => it.name === name)
  }
  return { name, queue, stats, ask, page }
}

test('lists the jobs of a queue, with how many there are of each', async () => {
  const { queue, page } = await open()
  await queue.addBulk([
    { name: 'a', data: { n: 1 } },
    { name: 'b', data: { n: 2 }, opts: { jobId: 'mine', attempts: 3 } },
  ])
  await queue.add('c', {}, { delay: 60_000 })
  await queue.add('d', {}, { priority: 2 })
  const { counts, jobs } = await page('waiting')
  expect(counts).toMatchObject({ waiting: 2, delayed: 1, prioritized: 1, failed: 0 })
  expect(jobs.map(({ id, name, data }) => [id, name, data])).toEqual([
    ['mine', 'b', { n: 2 }],
    ['1', 'a', { n: 1 }],
  ])
  expect(jobs[0].opts).toMatchObject({ attempts: 3 })
  expect((await page('delayed')).jobs).toMatchObject([{ name: 'c', delay: 60_000 }])
})

test('has a failed job run again, one removed and one promoted', async () => {
  const { name, queue, ask } = await open()
  const failed = await queue.add('go', {}, { jobId: 'fails' })
  const worker = queues.worker(name, async () => {
    throw new Error('not today')
  })
  await once(worker, 'failed')
  await worker.close()
  const at = (id) => `/queues/${name}/${id}`
  expect((await ask('GET', at('fails'))).body).toMatchObject({ status: 'failed', job: { failedReason: 'not today' } })
  expect((await ask('PUT', `${at('fails')}/retry`)).status).toBe(204)
  expect(await failed.getState()).toBe('waiting')

  const later = await queue.add('go', {}, { delay: 60_000 })
  expect((await ask('PUT', `${at(later.id)}/promote`)).status).toBe(204)
  expect(await later.getState()).toBe('waiting')

  expect((await ask('PUT', `${at(later.id)}/clean`)).status).toBe(204)
  expect(await queue.getJob(later.id)).toBeUndefined()
})

test('what is added on its page goes through us', async () => {
  const { name, queue, stats, ask } = await open()
  const typed = { name: 'by hand', data: { n: 1 }, options: { delay: 60_000, jobId: 'typed' } }
  const { status, body } = await ask('POST', `/queues/${name}/add`, typed)
  expect([status, body.status, body.job.id]).toEqual([200, 'delayed', 'typed'])
  expect(await queue.getJob('typed')).toMatchObject({ name: 'by hand', data: { n: 1 }, delay: 60_000 })
  expect(stats()).toMatchObject({ created: 1, delegated: 0 })
})

test('pauses it, empties it, and tells of the server and of its schedulers', async () => {
  const { name, queue, ask, page } = await open()
  await queue.add('go', {})
  expect((await ask('PUT', `/queues/${name}/pause`)).status).toBe(200)
  expect(await queue.isPaused()).toBe(true)
  expect((await page('waiting')).isPaused).toBe(true)
  expect((await ask('PUT', `/queues/${name}/resume`)).status).toBe(200)
  await ask('PUT', `/queues/${name}/empty`)
  expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 0 })
  expect((await ask('GET', '/redis/stats')).body).toMatchObject({ port: database.connection.port })
  await queue.upsertJobScheduler('hourly', { every: 3_600_000 }, { name: 'tick' })
  const { body } = await ask('GET', '/job-schedulers')
  expect(JSON.stringify(body)).toMatch(/"hourly"/)
})
