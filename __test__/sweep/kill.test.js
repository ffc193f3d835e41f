'use strict'
// Producers and sweepers that are killed at any moment, with records in PostgreSQL and a plain worker: in the end each record has
// had one job, which ran once, and is done.
const path = require('node:path')
const { Worker } = require('bullmq')
const { until } = require('../../tools/until.js')
const { POSTGRES, usePostgres } = require('../support/postgres.js')
const { Program } = require('../support/program.js')
const { useDatabase } = require('../support/redis.js')

const redis = useDatabase()

describe.each(Object.keys(POSTGRES))('with PostgreSQL as %s', (kind) => {
  const postgres = usePostgres(kind)
  const queueName = `kill-${kind}`
  /** After how many records each producer is killed. */
  const KILLS = [1, 9, 40, 75, 120, 200]

  const programs = []
  const start = (name) => {
    const env = { ...process.env, REDIS_URL: redis.url, DATABASE_URL: postgres.url, QUEUE: queueName }
    const program = new Program(path.join(__dirname, name), env)
    programs.push(program)
    return program
  }
  afterEach(() => Promise.all(programs.splice(0).map((it) => it.stop())))

  const rows = async () => (await postgres.pool.query('SELECT * FROM pending_job')).rows

  test('each record has one job, which runs once, and ends as done', async () => {
    const runs = new Map()
    const worker = new Worker(
      queueName,
      async ({ id }) => {
        runs.set(id, (runs.get(id) ?? 0) + 1)
        await postgres.pool.query("UPDATE pending_job SET status = 'done' WHERE job_id = $1", [id])
      },
      { connection: redis.connection, concurrency: 2 },
    )
    try {
      const lines = []
      let sweepers = [start('sweeper.mjs'), start('sweeper.mjs')]
      for (const records of KILLS) {
        const producer = start('producer.mjs')
        await producer.line(records)
        await producer.stop()
        lines.push(...producer.lines)
        // One of the sweepers goes as well, wherever it is, and another one comes.
        const [oldest, other] = sweepers
        await oldest.line(0)
        await oldest.stop()
        lines.push(...oldest.lines)
        sweepers = [other, start('sweeper.mjs')]
      }
      await until(async () => (await rows()).every(({ status }) => status === 'done'))
      // They still run, whatever was there in between.
      for (const sweeper of sweepers) await sweeper.line(0)
      for (const sweeper of sweepers) expect([sweeper.child.exitCode, sweeper.log]).toEqual([null, ''])
      // What it has marked is not ended before it says so to Redis.
      await worker.close()

      const made = (await rows()).map(({ job_id: id }) => id).sort()
      const held = lines.filter((line) => line.startsWith('held ')).map((line) => line.slice(5))
      expect(held.length).toBeGreaterThan(KILLS.length)
      expect(made).toEqual(expect.arrayContaining(held))
      expect([...runs.keys()].sort()).toEqual(made)
      expect([...runs].filter(([, count]) => count !== 1)).toEqual([])
      const prefix = `bull:${queueName}:`
      const jobs = await redis.redis.keys(`${prefix}${queueName}:*`)
      expect(jobs.map((key) => key.slice(prefix.length)).sort()).toEqual(made)
      expect(await redis.redis.zcard(`${prefix}completed`)).toBe(made.length)
    } finally {
      await worker.close()
    }
  })
})
