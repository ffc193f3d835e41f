'use strict'
// Pipelines to sweep, records that say what they are told, and workers that take jobs when they are told to.
const { Worker } = require('bullmq')
const { z } = require('zod')
const { Pipeline } = require('../..')
const { recorder } = require('./tickets.js')

const schema = z.object({ org: z.string().min(1), no: z.string(), note: z.string().optional() })

/** @param {{ url: string, connection: object, redis: import('ioredis').Redis }} database what useDatabase() gave */
function useSweeps(database) {
  const opened = []
  afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))

  let last = 0
  function make(options) {
    last += 1
    const queueName = `sweep-${last}`
    const definition = { queueName, jobName: 'run', schema, jobId: ['org', 'no'], connection: database.url, ...options }
    const pipeline = new Pipeline(definition)
    opened.push(pipeline)
    const jobId = (no) => `${queueName}:acme:${no}`
    const key = (no) => `bull:${queueName}:${jobId(no)}`
    return {
      queueName,
      pipeline,
      jobId,
      key,
      record: (no, more) => ({ jobId: jobId(no), input: { org: 'acme', no: `${no}` }, ...more }),
      enqueue: (no, jobOptions) => pipeline.enqueue({ org: 'acme', no: `${no}` }, recorder(), { jobOptions }),
      waiting: () => database.redis.llen(`bull:${queueName}:wait`),
    }
  }

  /** A worker that takes jobs when it is told to. */
  function workerOf(queueName) {
    const worker = new Worker(queueName, null, { connection: database.connection, autorun: false })
    opened.push(worker)
    const take = () => worker.getNextJob('token', { block: false })
    return {
      take,
      complete: async () => (await take()).moveToCompleted('done', 'token', false),
      fail: async () => (await take()).moveToFailed(new Error('no paper'), 'token', false),
    }
  }

  return { make, workerOf }
}

/** A table of records, in which each handler notes what it is told. */
function table(records) {
  const told = []
  const note = (what) => (record, job) => void told.push([what, record, job])
  const pages = []
  return {
    told,
    pages,
    pending(page) {
      pages.push(page)
      return records
    },
    onQueued: note('queued'),
    onFinished: note('finished'),
    onDeduplicated: note('deduplicated'),
    onRejected: note('rejected'),
  }
}

const none = { looked: 0, created: 0, existing: 0, deduplicated: 0, finished: 0, rejected: 0, rejections: [] }
const found = (counts, more) => ({
  ...none,
  looked: Object.values(counts).reduce((sum, count) => sum + count, 0),
  ...counts,
  complete: true,
  ...more,
})

module.exports = { found, schema, table, useSweeps }
