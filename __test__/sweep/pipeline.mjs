// The pipeline of kill.test.js, in each of its processes.
import { Pipeline } from 'enqueue-boundary'
import pg from 'pg'
import { recordsOf } from '../../examples/storage/pg.mjs'

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 })
pool.on('error', () => {})
export const records = recordsOf(pool)

export const pipeline = new Pipeline({
  queueName: process.env.QUEUE,
  jobName: 'run',
  schema: {
    type: 'object',
    properties: { run: { type: 'string' }, no: { type: 'string' }, text: { type: 'string' } },
    required: ['run', 'no', 'text'],
  },
  jobId: ['run', 'no'],
  record: ['run', 'no', 'text'],
  timeoutMs: 60_000,
})
