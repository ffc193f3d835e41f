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

  /** Not of a record that its worker has marked meanwhile. */
  async onFinished({ jobId }, { state }) {
    const status = state === 'completed' ? 'done' : 'failed'
    await db
      .update(jobs)
      .set({ status })
      .where(and(eq(jobs.jobId, jobId), eq(jobs.status, 'pending')))
  },

  async markDone(jobId) {
    await db.update(jobs).set({ status: 'done' }).where(eq(jobs.jobId, jobId))
  },
})

/** One that failed is pending again, with what it is called with now: its job may be run again. */
async function insert(db, records) {
  await db
    .insert(jobs)
    .values(rowsOf(records))
    .onConflictDoUpdate({
      target: jobs.jobId,
      set: { status: 'pending', input: sql`excluded.input`, checkedAt: sql`now()` },
      setWhere: eq(jobs.status, 'failed'),
    })
}

/** Each id once, the first of it, as one statement takes a row but once; in one order, so that no two wait for each other. */
function rowsOf(records) {
  const rows = new Map(records.toReversed().map(({ jobId, ...input }) => [jobId, { jobId, input }]))
  return [...rows.values()].sort((one, other) => (one.jobId < other.jobId ? -1 : 1))
}
