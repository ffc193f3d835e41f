'use strict'
// A Queue with our backend among all that people have beside one: what is not ours is BullMQ's, and still right.
const { once } = require('node:events')
const {
  createRedisBackend,
  FlowProducer,
  Job,
  Queue,
  QueueEvents,
  Worker,
  getDefaultBackendFactory,
} = require('bullmq')
const { setDefaultBackendFactory, withBackend } = require('bullmq')
const { Redis } = require('ioredis')
const { boundaryBackend } = require('../../bullmq.js')
const { Pipeline, ticketTriageDefinition } = require('../..')
const { useOtel } = require('../support/otel.js')
const { useQueues } = require('../support/queues.js')
const { OwnServer, useDatabase } = require('../support/redis.js')
const { newTicket, jobId, recorder } = require('../support/tickets.js')

const database = useDatabase()
const queues = useQueues(database)
const otel = useOtel()

const options = (more) => ({ connection: { ...database.connection }, ...more })

afterEach(() => setDefaultBackendFactory())

test('installed as the default it has the adds of every Queue, beside workers, events and flows', async () => {
  const factory = boundaryBackend(createRedisBackend)
  setDefaultBackendFactory(factory)
  expect(getDefaultBackendFactory()).toBe(factory)
  const name = queues.name()
  const queue = queues.open(new Queue(name, options()))
  const events = queues.open(new QueueEvents(name, options({ lastEventId: '0-0' })))
  const done = []
  const worker = queues.open(
    new Worker(name, async ({ name: what, data }) => [what, data], options({ autorun: false, concurrency: 5 })),
  )
  worker.on('completed', (_job, result) => done.push(result))
  const jobs = await queue.addBulk(Array.from({ length: 20 }, (_, n) => ({ name: `job-${n}`, data: n })))
  worker.run()
  const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)))
  expect(results).toEqual(jobs.map((_, n) => [`job-${n}`, n]))
  expect(factory.stats()).toMatchObject({ created: 20, delegated: 0 })

  const flows = queues.open(new FlowProducer(options()))
  const { job, children } = await flows.add({
    name: 'parent',
    queueName: name,
    children: [{ name: 'child', queueName: name, data: 'c' }],
  })
  expect(await job.waitUntilFinished(events)).toEqual(['parent', {}])
  expect(await job.getChildrenValues()).toEqual({ [`bull:${name}:${children[0].job.id}`]: ['child', 'c'] })
  expect(factory.stats()).toMatchObject({ created: 20 })
})

test('withBackend gives classes that have it, with each call of a job’s own', async () => {
  const factory = boundaryBackend(createRedisBackend)
  const mine = withBackend(factory)
  const queue = queues.open(new mine.Queue(queues.name(), options()))
  const job = await queue.add('go', { a: 1 }, { delay: 60_000 })
  expect(job).toBeInstanceOf(Job)
  await job.changeDelay(70_000)
  await job.updateData({ a: 2 })
  await job.updateProgress(50)
  await job.log('a line')
  const found = await Job.fromId(queue, job.id)
  expect(found).toMatchObject({ data: { a: 2 }, progress: 50, delay: 70_000, opts: { delay: 60_000 } })
  expect(await queue.getJobLogs(job.id)).toEqual({ logs: ['a line'], count: 1 })
  await job.promote()
  expect(await job.getState()).toBe('waiting')
  await job.remove()
  expect(await queue.getJob(job.id)).toBeUndefined()
})

test('schedulers make their jobs, which workers run', async () => {
  const name = queues.name()
  const { queue, stats } = queues.queue(name)
  const first = await queue.upsertJobScheduler('often', { every: 60_000 }, { name: 'tick', data: { n: 1 } })
  expect(first).toMatchObject({ name: 'tick', data: { n: 1 } })
  expect(await queue.getJobSchedulersCount()).toBe(1)
  expect(await queue.getJobScheduler('often')).toMatchObject({ key: 'often', every: 60_000 })
  const worker = queues.worker(name, async () => 'ticked', { autorun: false })
  const ticked = once(worker, 'completed')
  worker.run()
  expect((await ticked)[1]).toBe('ticked')
  expect(await queue.removeJobScheduler('often')).toBe(true)
  expect(stats()).toMatchObject({ created: 0, delegated: 0 })
})

test('what is called after an add comes after it, though nobody waited for that', async () => {
  const { queue } = queues.queue(queues.name())
  await queue.waitUntilReady()
  const adding = Array.from({ length: 300 }, (_, n) => queue.add('go', { n }, { jobId: `job-${n}` }))
  expect(await queue.getWaitingCount()).toBe(300)
  adding.push(queue.add('go', {}, { timestamp: 1.5, jobId: 'of BullMQ' }), queue.add('go', {}, { jobId: 'last' }))
  const more = queue.addBulk([{ name: 'go', data: 1, opts: { jobId: 'bulk' } }])
  const waiting = (await queue.getWaiting()).map(({ id }) => id)
  expect(waiting.slice(0, 300)).toEqual(adding.slice(0, 300).map((_, n) => `job-${n}`))
  expect(waiting.slice(300)).toEqual(['of BullMQ', 'last', 'bulk'])
  await Promise.all([...adding, more])
  const unheard = queue.add('go', {}, { jobId: 'gone' })
  await queue.obliterate({ force: true })
  await unheard
  expect(await database.redis.keys(`${queue.qualifiedName}:*`)).toEqual([])
})

test('a bulk keeps its order, whoever adds which of its jobs', async () => {
  const { queue, stats } = queues.queue(queues.name())
  const jobs = Array.from({ length: 60 }, (_, n) => ({
    name: 'go',
    data: n,
    opts: n % 20 === 7 ? { timestamp: 1.5 } : {},
  }))
  const made = await queue.addBulk(jobs)
  expect(made.map(({ id }) => id)).toEqual(jobs.map((_, n) => String(n + 1)))
  expect((await queue.getWaiting()).map(({ data }) => data)).toEqual(jobs.map((_, n) => n))
  expect(stats()).toMatchObject({ created: 57, delegated: 3 })
})

test('a thousand at once share scripts, and each has its own id', async () => {
  // Of its own: a server counts the scripts of all.
  const server = await OwnServer.start()
  const client = new Redis(server.url)
  try {
    const { queue } = queues.queue(queues.name(), { connection: { port: server.port } })
    await queue.add('first', {})
    await client.config('RESETSTAT')
    const made = await Promise.all(Array.from({ length: 1000 }, (_, n) => queue.add('go', { n })))
    const stats = await client.info('commandstats')
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)[1])).toBeLessThan(500)
    expect(new Set(made.map(({ id }) => id)).size).toBe(1000)
    for (const { id, data } of [made[0], made[499], made[999]]) {
      expect(await client.hget(queue.toKey(id), 'data')).toBe(JSON.stringify(data))
    }
    await queue.close()
  } finally {
    await client.quit()
    await server.stop()
  }
})

test('beside a pipeline of the same Redis it has the one link, and jobs of both go to one worker', async () => {
  const { queue } = queues.queue('ticket-triage')
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: { ...database.connection } })
  try {
    const ticket = newTicket()
    await Promise.all([pipeline.enqueue(ticket, recorder()), queue.add('other', {}, { jobId: 'mine' })])
    const again = await queue.add('triage', ticket, { jobId: jobId(ticket) })
    expect(again.id).toBe(jobId(ticket))
    const waiting = await queue.getWaiting()
    expect(waiting.map(({ id }) => id).sort()).toEqual(['mine', jobId(ticket)].sort())
    const list = await database.redis.client('LIST')
    const db = ` db=${database.connection.db} `
    expect(
      list.split('\n').filter((line) => line.includes('name=enqueue-boundary ') && line.includes(db)),
    ).toHaveLength(1)
  } finally {
    await pipeline.close()
    await queue.obliterate({ force: true })
  }
})

test('telemetry is BullMQ’s own: the span of an add is what a worker finds', async () => {
  const name = queues.name()
  const { queue } = queues.queue(name, { telemetry: otel.telemetry })
  const job = await queue.add('go', {})
  const stored = JSON.parse(await database.redis.hget(queue.toKey(job.id), 'opts'))
  expect(JSON.parse(stored.tm).traceparent).toMatch(/^00-/)
  const [span] = otel.spans().filter((it) => it.name === `add ${name}.go`)
  expect(span.attributes).toMatchObject({ 'bullmq.queue.name': name, 'bullmq.job.id': job.id })
  await queue.addBulk([{ name: 'go', data: 1, opts: { telemetry: { omitContext: true } } }])
})
