// Records with Drizzle (schema.sql): what `enqueue`, `enqueueMany` and `sweep` take, and what the worker marks them with.
import { and, eq, lt, sql } from 'drizzle-orm'
import { json, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

const jobs = pgTable('pending_job', {
  jobId: text('job_id').primaryKey(),
  input: json('input').notNull(),
  status: text('status').notNull().default('pending'),
  checkedAt: timestamp('checked_at', { withTimezone: true }).notNull().defaultNow(),
})

/** @param {import('drizzle-orm/node-postgres').NodePgDatabase} db */
export const recordsOf = (db) => ({
  createPending: (record) => insert(db, [record]),
  createPendingMany: (records) => insert(db, records),

  /** Whoever is given a record has it until it is stale again: sweeps that run at once do not get in each other's way. */
  pending({ olderThan, limit }) {
    const stale = db
      .select({ jobId: jobs.jobId })
      .from(jobs)
      .where(and(eq(jobs.status, 'pending'), lt(jobs.checkedAt, olderThan)))
      .orderBy(jobs.checkedAt)
      .limit(limit)
      .for('update', { skipLocked: true })
    return db
      .update(jobs)
      .set({ checkedAt: sql`now()` })
      .where(sql`${jobs.jobId} = ANY (ARRAY(${stale}))`)
      .returning({ jobId: jobs.jobId, input: jobs.input })
  },

  onFinished: ({ jobId }, { state }) => mark(db, jobId, state === 'completed' ? 'done' : 'failed'),
  markDone: (jobId) => mark(db, jobId, 'done'),
})

async function insert(db, records) {
  await db
    .insert(jobs)
    .values(records.map(({ jobId, ...input }) => ({ jobId, input })))
    .onConflictDoNothing()
}

async function mark(db, jobId, status) {
  await db.update(jobs).set({ status }).where(eq(jobs.jobId, jobId))
}
