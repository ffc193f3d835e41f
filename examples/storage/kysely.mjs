// Records with Kysely (schema.sql): what `enqueue`, `enqueueMany` and `sweep` take, and what the worker marks them with.
import { sql } from 'kysely'

/** @param {import('kysely').Kysely<any>} db */
export const recordsOf = (db) => ({
  createPending: (record) => insert(db, [record]),
  createPendingMany: (records) => insert(db, records),

  /** Whoever is given a record has it until it is stale again: sweeps that run at once do not get in each other's way. */
  pending({ olderThan, limit }) {
    const stale = db
      .selectFrom('pending_job')
      .select('job_id')
      .where('status', '=', 'pending')
      .where('checked_at', '<', olderThan)
      .orderBy('checked_at')
      .limit(limit)
      .forUpdate()
      .skipLocked()
    return db
      .updateTable('pending_job')
      .set({ checked_at: sql`now()` })
      .where('job_id', '=', sql`ANY (ARRAY(${stale}))`)
      .returning(['job_id as jobId', 'input'])
      .execute()
  },

  onFinished: ({ jobId }, { state }) => mark(db, jobId, state === 'completed' ? 'done' : 'failed'),
  markDone: (jobId) => mark(db, jobId, 'done'),
})

async function insert(db, records) {
  const rows = records.map(({ jobId, ...input }) => ({ job_id: jobId, input: JSON.stringify(input) }))
  await db
    .insertInto('pending_job')
    .values(rows)
    .onConflict((it) => it.doNothing())
    .execute()
}

async function mark(db, jobId, status) {
  await db.updateTable('pending_job').set({ status }).where('job_id', '=', jobId).execute()
}
