'use strict'
// examples/storage/, as it stands, on each PostgreSQL that this machine has: what a sweep asks of a database.
const { Worker } = require('bullmq')
const { once } = require('node:events')
const { z } = require('zod')
const { Pipeline } = require('../..')
const { POSTGRES, usePostgres } = require('../support/postgres.js')
const { startRecipe } = require('../support/recipe.js')
const { useDatabase } = require('../support/redis.js')

const redis = useDatabase()

describe.each(Object.keys(POSTGRES))('on %s', (kind) => {
  const postgres = usePostgres(kind)

  const rows = async () => (await postgres.pool.query('SELECT * FROM pending_job ORDER BY job_id')).rows
  const statuses = async () => (await rows()).map(({ status }) => status)
  const age = (ids) =>
    postgres.pool.query("UPDATE pending_job SET checked_at = now() - interval '2 minutes' WHERE job_id = ANY ($1)", [
      ids,
    ])

  describe.each(['pg', 'drizzle', 'kysely'])('%s', (name) => {
    const queueName = `recipe-${kind}-${name}`
    const input = (no) => ({ org: 'acme', no: `${no}`, lines: [{ text: 'Ä "quoted"\n\0\ud800', n: 1.5 }, null] })
    const id = (no) => `${queueName}:acme:${no}`
    let recipe
    let records
    let pipeline

    beforeAll(async () => {
      recipe = await startRecipe(name, postgres.url)
      records = recipe.records
      pipeline = new Pipeline({
        queueName,
        jobName: 'run',
        schema: z.object({ org: z.string(), no: z.string(), lines: z.array(z.unknown()) }),
        jobId: ['org', 'no'],
        record: ['org', 'no', 'lines'],
        connection: redis.url,
      })
    })
    beforeEach(() => redis.redis.flushdb())
    afterAll(() => Promise.all([recipe?.stop(), pipeline?.close()]))

    const jobOf = async (no) => JSON.parse(await redis.redis.hget(`bull:${queueName}:${id(no)}`, 'data'))

    test('records are made once, by one call or by many', async () => {
      await pipeline.enqueue(input(1), records)
      await pipeline.enqueue(input(1), records)
      await pipeline.enqueueMany([input(2), input(1), input(3), input(3)], records)
      const made = await rows()
      expect(made.map((row) => [row.job_id, row.status])).toEqual([1, 2, 3].map((no) => [id(no), 'pending']))
      expect(made.map((row) => row.input)).toEqual([1, 2, 3].map(input))
    })

    test('a record that failed is pending again with the next call, with what that says; another stays as it is', async () => {
      const row = (no, more) => ({ jobId: id(no), ...input(no), ...more })
      await records.createPendingMany([1, 2, 3].map((no) => row(no)))
      await records.markDone(id(2))
      const failed = { state: 'failed' }
      for (const no of [1, 2]) await records.onFinished(row(no), failed)
      expect(await statuses()).toEqual(['failed', 'done', 'pending'])
      await age([1, 2, 3].map(id))
      const [again, other] = [{ lines: ['again'] }, { lines: ['other'] }]
      await records.createPendingMany([3, 2, 1, 4, 1, 4].map((no, at) => row(no, at < 4 ? again : other)))
      const made = await rows()
      expect(made.map(({ status }) => status)).toEqual(['pending', 'done', 'pending', 'pending'])
      expect(made.map((it) => it.input.lines)).toEqual([['again'], input(2).lines, input(3).lines, ['again']])
      // Its call is under way.
      const page = { olderThan: new Date(Date.now() - 60_000), limit: 10 }
      expect((await records.pending(page)).map(({ jobId }) => jobId)).toEqual([id(3)])
      await records.onFinished(row(1), failed)
      await records.createPending(row(1))
      expect((await rows())[0]).toMatchObject({ status: 'pending', input: input(1) })
    })

    test('a call that has a job run again and dies before it is: its record is enqueued, unless the job that failed is kept', async () => {
      const of = {
        queueName,
        jobName: 'run',
        jobId: ['org', 'no'],
        record: ['org', 'no', 'lines'],
        connection: redis.url,
      }
      const schema = z.object({ org: z.string(), no: z.string(), lines: z.array(z.unknown()) })
      const rerun = new Pipeline({ ...of, schema, idReuse: 'afterFailed' })
      const dying = {
        async createPending(record) {
          await records.createPending(record)
          throw new Error('killed')
        },
      }
      for (const no of [1, 2]) {
        await records.createPending({ jobId: id(no), ...input(no) })
        await records.onFinished({ jobId: id(no) }, { state: 'failed' })
      }
      await redis.redis.hset(`bull:${queueName}:${id(2)}`, 'data', '{}')
      await redis.redis.zadd(`bull:${queueName}:failed`, 1, id(2))
      for (const no of [1, 2]) await expect(rerun.enqueue(input(no), dying)).rejects.toThrow('killed')
      await age([1, 2].map(id))
      expect(await rerun.sweep(records)).toMatchObject({ created: 1, finished: 1 })
      expect(await jobOf(1)).toEqual(input(1))
      expect(await statuses()).toEqual(['pending', 'failed'])
      await rerun.close()
    })

    test('a sweep enqueues what a record says, and leaves alone what is not stale', async () => {
      const made = [1, 2, 3].map((no) => ({ jobId: id(no), ...input(no) }))
      await records.createPendingMany(made)
      await age([id(1), id(3)])
      const queued = []
      const onQueued = (record, job) => void queued.push([record.jobId, job.created])
      expect(await pipeline.sweep({ ...records, onQueued })).toMatchObject({ looked: 2, created: 2, complete: true })
      expect(queued.sort()).toEqual([1, 3].map((no) => [id(no), true]))
      expect(await jobOf(1)).toEqual(input(1))
      expect(await redis.redis.exists(`bull:${queueName}:${id(2)}`)).toBe(0)
      expect(await statuses()).toEqual(['pending', 'pending', 'pending'])
      // Given out, they are not stale for now.
      expect(await pipeline.sweep(records)).toMatchObject({ looked: 0 })
      await age([id(1)])
      expect(await pipeline.sweep(records)).toMatchObject({ looked: 1, existing: 1, created: 0 })
    })

    test('no two that ask at once are given the same record, and each is given no more than it asks for', async () => {
      const ids = Array.from({ length: 40 }, (_, no) => id(no))
      await records.createPendingMany(ids.map((jobId, no) => ({ jobId, ...input(no) })))
      await age(ids)
      const page = { olderThan: new Date(Date.now() - 60_000), limit: 15 }
      const given = await Promise.all([1, 2, 3, 4].map(() => records.pending(page)))
      for (const { length } of given) expect(length).toBeLessThanOrEqual(15)
      const all = given.flat().map(({ jobId }) => jobId)
      expect(new Set(all).size).toBe(all.length)
      // Those that one was about to take while another took them are for whoever asks next.
      const rest = []
      for (;;) {
        const more = await records.pending(page)
        if (more.length === 0) break
        rest.push(...more)
      }
      expect([...all, ...rest.map(({ jobId }) => jobId)].sort()).toEqual([...ids].sort())
    })

    test('the worker marks what it has done, and a sweep what has ended without that', async () => {
      const worker = new Worker(
        queueName,
        async (job) => {
          if (job.data.no === '1') await records.markDone(job.id)
          if (job.data.no === '3') throw new Error('no paper')
        },
        { connection: redis.connection, autorun: false },
      )
      await pipeline.enqueueMany([1, 2, 3].map(input), records)
      const ended = Promise.all([once(worker, 'failed'), once(worker, 'drained')])
      worker.run()
      await ended
      await worker.close()
      expect(await statuses()).toEqual(['done', 'pending', 'pending'])
      await age([1, 2, 3].map(id))
      expect(await pipeline.sweep(records)).toMatchObject({ looked: 2, finished: 2 })
      expect(await statuses()).toEqual(['done', 'done', 'failed'])
    })
  })
})
