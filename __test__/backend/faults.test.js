'use strict'
// What a caller of queue.add gets when Redis is away, slow or full: an answer within the deadline that says what is certain.
const { createRedisBackend } = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')
const { useFaults } = require('../support/faults.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')
const { until, withClient } = require('../../tools/until.js')

const database = useDatabase()
const queues = useQueues(database)
const on = useFaults()

const rejection = (call) =>
  call.then(
    () => {
      throw new Error('it was resolved')
    },
    (error) => error,
  )
const on3 = (server, options) =>
  queues.queue(queues.name(), {
    connection: { port: server.port },
    backend: queues.factory({ timeoutMs: 300, ...options }),
  })

test('with Redis down at the start an add fails in time, nothing is sent later, and the next ones go through', async () => {
  const server = await on.absentServer()
  const { queue, stats } = on3(server)
  const errors = await Promise.all(
    [{}, { jobId: 'mine' }, { delay: 5000 }].map((options) => rejection(queue.add('go', {}, options))),
  )
  for (const error of errors) {
    expect(error).toMatchObject({
      name: 'EnqueueError',
      code: 'QUEUE_UNAVAILABLE',
      outcome: 'not-sent',
      retryable: true,
    })
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' })
  }
  expect(await rejection(queue.addBulk([{ name: 'a', data: 1 }]))).toMatchObject({ code: 'QUEUE_UNAVAILABLE' })
  await server.up()
  await until(() =>
    queue.add('go', {}).then(
      () => true,
      () => false,
    ),
  )
  expect(await queue.getJobCountByTypes('waiting', 'delayed')).toBe(1)
  expect(stats()).toMatchObject({ created: 1 })
})

test('one that only BullMQ can add does not hang either', async () => {
  const server = await on.absentServer()
  const { queue, stats } = on3(server)
  const [nameless, named] = await Promise.all([
    rejection(queue.add('go', {}, { delay: 0.5 })),
    rejection(queue.add('go', {}, { delay: 0.5, jobId: 'mine' })),
  ])
  const late = { name: 'EnqueueError', code: 'OUTCOME_UNKNOWN', outcome: 'unknown' }
  expect(nameless).toMatchObject({ ...late, retryable: false })
  expect(named).toMatchObject({ ...late, retryable: true, jobId: 'mine' })
  expect(stats()).toMatchObject({ delegated: 2 })
})

test('of jobs whose answer was lost the named ones are tried again and the nameless are not', async () => {
  const server = await on.server()
  const proxy = await on.proxy(server.port)
  const { queue } = queues.queue(queues.name(), {
    connection: { port: proxy.port },
    backend: queues.factory({ timeoutMs: 20_000 }),
  })
  // Redis has the script for jobs that are not alike from here on.
  await queue.add('first', {}, { lifo: true })
  // What is sent arrives, and no answer comes back.
  proxy.forget('down')
  const adding = [{}, { jobId: 'mine' }, {}, { jobId: 'other', delay: 5000 }].map((options) =>
    queue.add('go', {}, options).then(
      ({ id }) => id,
      (error) => error,
    ),
  )
  await withClient(server, (client) => until(async () => (await client.llen(`${queue.qualifiedName}:wait`)) === 4))
  proxy.reset()
  const [nameless, mine, another, other] = await Promise.all(adding)
  for (const error of [nameless, another]) {
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: false })
    expect(error.message).toBe('the job was sent to the queue and no answer came; it may be there')
  }
  expect([mine, other]).toEqual(['mine', 'other'])
  const counts = await queue.getJobCounts('waiting', 'delayed')
  expect(counts).toEqual({ waiting: 4, delayed: 1 })
})

test('a Redis that refuses leaves nothing of a bulk, and one that is full says so', async () => {
  const server = await on.server(['--maxmemory', '1', '--maxmemory-policy', 'noeviction'])
  const { queue } = on3(server)
  const error = await rejection(
    queue.addBulk([
      { name: 'a', data: 1 },
      { name: 'b', data: 2 },
    ]),
  )
  expect(error).toMatchObject({
    code: 'QUEUE_UNAVAILABLE',
    outcome: 'refused',
    cause: { message: expect.stringMatching(/OOM/) },
  })
  await withClient(server, (client) => client.config('SET', 'maxmemory', '0'))
  expect(
    (
      await queue.addBulk([
        { name: 'a', data: 1 },
        { name: 'b', data: 2 },
      ])
    ).map(({ id }) => id),
  ).toEqual(['1', '2'])
})

test('a user who may not run a command is told which, at the call and not by leaving half a job', async () => {
  const server = await on.server()
  await withClient(server, (client) => client.acl('SETUSER', 'lame', 'on', '>x', '~*', '&*', '+@all', '-xadd'))
  const { queue } = on3(server, {})
  queue.on('error', () => {})
  const lame = queues.queue(queues.name(), {
    connection: { port: server.port, username: 'lame', password: 'x' },
    backend: queues.factory({ timeoutMs: 5000 }),
  }).queue
  const error = await rejection(lame.add('go', {}))
  expect(error).toMatchObject({ code: 'MISCONFIGURED', cause: { message: expect.stringMatching(/XADD|xadd/i) } })
  expect(await withClient(server, (client) => client.keys(`${lame.qualifiedName}:*`))).toEqual([
    `${lame.qualifiedName}:meta`,
  ])
  await queue.add('go', {})
})

test('more than may be in flight is refused, and a bulk waits for room', async () => {
  const { queue } = queues.queue(queues.name(), { backend: boundaryBackend(createRedisBackend, { maxInFlight: 10 }) })
  await queue.waitUntilReady()
  const all = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => queue.add('go', { n })))
  const refused = all.filter(({ reason }) => reason?.code === 'OVERLOADED')
  expect(refused.length).toBeGreaterThan(0)
  expect(all.filter(({ status }) => status === 'fulfilled').length).toBe(30 - refused.length)
  const made = await queue.addBulk(Array.from({ length: 100 }, (_, n) => ({ name: 'many', data: { n } })))
  expect(new Set(made.map(({ id }) => id)).size).toBe(100)
})
