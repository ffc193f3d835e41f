'use strict'
// What a sweep does about the job of each record, and whom it tells.
const { execFileSync } = require('node:child_process')
const path = require('node:path')
const { useDatabase } = require('../support/redis.js')
const { found, schema, table, useSweeps } = require('../support/sweeps.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()
const { make, workerOf } = useSweeps(database)

describe('the job of a record', () => {
  test('is enqueued where it is nowhere, as the schema has it and without a record', async () => {
    const { pipeline, record, jobId, key } = make({ jobOptions: { attempts: 4 } })
    const rows = table([record(1, { input: { org: 'acme', no: '1', note: 'x', dropped: true } })])
    expect(await pipeline.sweep(rows)).toEqual(found({ created: 1 }))
    expect(rows.told).toEqual([['queued', rows.pending()[0], { jobId: jobId(1), created: true }]])
    const [data, opts] = await database.redis.hmget(key(1), 'data', 'opts')
    expect(JSON.parse(data)).toEqual({ org: 'acme', no: '1', note: 'x' })
    expect(JSON.parse(opts)).toMatchObject({ attempts: 4 })
  })

  test('has the options that its record says, and those of the pipeline where that has none', async () => {
    const { pipeline, record, key } = make({ jobOptions: { attempts: 4 } })
    const given = [record(1, { jobOptions: { priority: 7 } }), record(2, { jobOptions: null })]
    given.push(record(3))
    Object.prototype.jobOptions = { priority: 9 }
    try {
      expect(await pipeline.sweep({ pending: () => given })).toMatchObject({ created: 3 })
    } finally {
      delete Object.prototype.jobOptions
    }
    const optionsOf = async (no) => JSON.parse(await database.redis.hget(key(no), 'opts'))
    expect(await optionsOf(1)).toMatchObject({ priority: 7, attempts: 4 })
    for (const no of [2, 3]) {
      const options = await optionsOf(no)
      expect([options.attempts, options.priority]).toEqual([4, undefined])
    }
  })

  test('is left as it is where it has not ended, and told with its state', async () => {
    const { pipeline, queueName, record, enqueue, jobId, key } = make()
    const worker = workerOf(queueName)
    await enqueue(1)
    await worker.take()
    await enqueue(2)
    await enqueue(3, { delay: 60_000 })
    await enqueue(4, { priority: 3 })
    await database.redis.hset(key(5), 'name', 'lost')
    const before = await database.redis.hgetall(key(2))
    const rows = table([1, 2, 3, 4, 5].map((no) => record(no, { input: 'never looked at' })))
    expect(await pipeline.sweep(rows)).toEqual(found({ existing: 5 }))
    const states = ['active', 'waiting', 'delayed', 'prioritized', 'unknown']
    const jobs = states.map((state, at) => ['queued', { jobId: jobId(at + 1), created: false, state }])
    expect(rows.told.map(([what, , job]) => [what, job])).toEqual(jobs)
    expect(await database.redis.hgetall(key(2))).toEqual(before)
  })

  test('is enqueued however long the validation of those takes that go with it', async () => {
    const slow = schema.refine(() => {
      const until = performance.now() + 80
      while (performance.now() < until);
      return true
    })
    const { pipeline, record, waiting } = make({ schema: slow, timeoutMs: 1000 })
    const rows = table(Array.from({ length: 20 }, (_, no) => record(no)))
    expect(await pipeline.sweep(rows)).toEqual(found({ created: 20 }))
    expect(await waiting()).toBe(20)
  })

  test.each(['never', 'afterFailed', 'afterFinished'])(
    'is not run again with idReuse %s where it has ended',
    async (idReuse) => {
      const { pipeline, queueName, record, enqueue, jobId, waiting } = make({ idReuse })
      const worker = workerOf(queueName)
      await enqueue(1)
      await worker.complete()
      await enqueue(2)
      await worker.fail()
      const rows = table([record(1), record(2)])
      expect(await pipeline.sweep(rows)).toEqual(found({ finished: 2 }))
      expect(rows.told.map(([what, , job]) => [what, job])).toEqual([
        ['finished', { jobId: jobId(1), state: 'completed' }],
        ['finished', { jobId: jobId(2), state: 'failed' }],
      ])
      expect(await waiting()).toBe(0)
    },
  )

  test.each([
    ['fail', 'failed'],
    ['complete', 'completed'],
  ])('is not run again where it was nowhere, and another of it is made to %s before it is sent', async (end, state) => {
    // Validation is where another sweep, and a worker, get ahead of this one. The schema's library may ask twice.
    let ahead
    const slow = schema.refine(async ({ note }) => {
      if (note !== 'other data') return true
      ahead ??= enqueue(1).then(() => worker[end]())
      await ahead
      return true
    })
    const { pipeline, queueName, record, enqueue, jobId, waiting } = make({
      schema: slow,
      idReuse: 'afterFinished',
      onConflict: 'reject',
    })
    const worker = workerOf(queueName)
    const rows = table([record(1, { input: { org: 'acme', no: '1', note: 'other data' } })])
    expect(await pipeline.sweep(rows)).toEqual(found({ finished: 1 }))
    expect(rows.told.map(([what, , job]) => [what, job])).toEqual([['finished', { jobId: jobId(1), state }]])
    expect(await waiting()).toBe(0)
    // The same call by itself has it run again.
    expect(await enqueue(1)).toMatchObject({ created: true })
  })

  test('is run again where it ended and was removed, and its record was not marked', async () => {
    const { pipeline, queueName, record, enqueue, waiting } = make({ jobOptions: { removeOnComplete: true } })
    await enqueue(1)
    await workerOf(queueName).complete()
    expect(await pipeline.sweep({ pending: () => [record(1)] })).toEqual(found({ created: 1 }))
    expect(await waiting()).toBe(1)
  })

  const fields = { type: 'object', properties: { org: { type: 'string' }, no: { type: 'string' } }, required: ['org'] }
  test.each([
    ['fields', { schema: fields }, 'acme', '1'],
    ['JSON', { schema: { ...fields, additionalProperties: true } }, 'acme', '1'],
    ['ids that are encoded', { schema: fields, encodeIds: true }, 'urn:acme', '%1'],
    ['ids that a function makes', { jobId: ({ org, no }) => `${org} ${no}` }, 'acme', '1'],
  ])('is enqueued under the id of its record with %s', async (_, options, org, no) => {
    const { pipeline, queueName } = make(options)
    const input = { org, no }
    const { jobId } = await pipeline.enqueue(input, recorder())
    await database.redis.del(`bull:${queueName}:${jobId}`, `bull:${queueName}:wait`)
    const other = { jobId: `${jobId}x`, input }
    const { created, rejected } = await pipeline.sweep({ pending: () => [{ jobId, input }, other] })
    expect([created, rejected]).toEqual([1, 1])
    expect(await database.redis.lrange(`bull:${queueName}:wait`, 0, -1)).toEqual([jobId])
  })

  test('that is dropped for its deduplication is told of as that', async () => {
    const { pipeline, record, enqueue, jobId } = make({ jobOptions: { deduplication: { id: 'one' } } })
    await enqueue(1)
    const rows = table([record(2)])
    expect(await pipeline.sweep(rows)).toEqual(found({ deduplicated: 1 }))
    const [[what, , job]] = rows.told
    expect([what, job]).toEqual(['deduplicated', { jobId: jobId(2), existing: { jobId: jobId(1), state: 'waiting' } }])
  })
})

describe('a record that is refused', () => {
  test('stops no other, and is told of with what is wrong', async () => {
    const failure = new Error('the schema of a library')
    const throwing = schema.refine(({ no }) => {
      if (no === '3') throw failure
      return true
    })
    const { pipeline, record, jobId, waiting } = make({ schema: throwing })
    const rows = table([
      record(1, { input: { org: '' } }),
      record(2, { input: { org: 'acme', no: 'another' } }),
      record(3),
      { jobId: jobId(4) },
      record(5, { jobOptions: { priority: -1 } }),
      record(6),
      { jobId: 'of no such pipeline', input: { org: 'acme', no: '7' } },
    ])
    const summary = await pipeline.sweep(rows)
    const refused = rows.told.filter(([what]) => what === 'rejected')
    const [, , mismatch] = refused.find(([, { input }]) => input?.no === 'another')
    expect(summary).toEqual(found({ created: 1, rejected: 6 }, { rejections: expect.any(Array) }))
    expect(summary.rejections).toEqual(refused.map(([, given, error]) => ({ record: given, error })))
    expect(refused.map(([, , error]) => error.code ?? error)).toEqual([
      ...[
        'INVALID_INPUT',
        'ERR_INVALID_ARG_TYPE',
        failure,
        'INVALID_INPUT',
        'ERR_OUT_OF_RANGE',
        'ERR_INVALID_ARG_TYPE',
      ],
    ])
    expect(mismatch.cause.message).toBe(
      `the input of the record "${jobId(2)}" makes another job, "${jobId('another')}"`,
    )
    expect(await waiting()).toBe(1)
  })

  test('is one whose handler throws as well: its job is there', async () => {
    const { pipeline, record, enqueue, waiting } = make()
    await enqueue(2)
    const failure = new Error('no database')
    const told = []
    const summary = await pipeline.sweep({
      pending: () => [record(1), record(2), record(3)],
      async onQueued({ jobId }, { created }) {
        if (jobId !== record(3).jobId) throw failure
        told.push(created)
      },
    })
    expect(summary).toEqual(
      found({ created: 1, rejected: 2 }, { rejections: [1, 2].map((no) => ({ record: record(no), error: failure })) }),
    )
    expect(told).toEqual([true])
    expect(await waiting()).toBe(3)
  })

  test('is kept of the first hundred alone', async () => {
    const { pipeline, record } = make()
    const records = Array.from({ length: 250 }, (_, no) => record(no, { input: null }))
    const { rejected, rejections } = await pipeline.sweep({ pending: () => records })
    expect([rejected, rejections.length]).toEqual([250, 100])
  })

  test('ends the sweep where it cannot even be told of', async () => {
    const { pipeline, record, waiting } = make()
    const failure = new Error('no log')
    const onRejected = () => {
      throw failure
    }
    const sweep = pipeline.sweep({ pending: () => [record(1, { input: 7 }), record(2)], onRejected })
    expect(await rejection(sweep)).toBe(failure)
    expect(await waiting()).toBe(1)
  })
})

test('any number of sweeps at once make one job of each record', async () => {
  const { pipeline, record, waiting } = make()
  const records = Array.from({ length: 300 }, (_, no) => record(no))
  const sweeps = await Promise.all([1, 2, 3, 4].map(() => pipeline.sweep({ pending: () => records, batch: 50 })))
  expect(sweeps.map(({ looked }) => looked)).toEqual([300, 300, 300, 300])
  expect(sweeps.reduce((sum, { created }) => sum + created, 0)).toBe(300)
  expect(await waiting()).toBe(300)
})

test('a program that never sweeps does not load what it takes', () => {
  const program =
    "require('./index.js'); console.log(Object.keys(require.cache).filter((it) => /lib.sweep/.test(it)).length)"
  expect(
    execFileSync(process.execPath, ['-e', program], { cwd: path.join(__dirname, '../..'), encoding: 'utf8' }).trim(),
  ).toBe('0')
})
