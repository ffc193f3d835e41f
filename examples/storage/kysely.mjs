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

  /** Not of a record that its worker has marked meanwhile. */
  async onFinished({ jobId }, { state }) {
    const status = state === 'completed' ? 'done' : 'failed'
    await db
      .updateTable('pending_job')
      .set({ status })
      .where('job_id', '=', jobId)
      .where('status', '=', 'pending')
      .execute()
  },

  async markDone(jobId) {
    await db.updateTable('pending_job').set({ status: 'done' }).where('job_id', '=', jobId).execute()
  },
})

/** One that failed is pending again, with what it is called with now: its job may be run again. */
async function insert(db, records) {
  await db
    .insertInto('pending_job')
    .values(rowsOf(records))
    .onConflict((it) =>
      it
        .column('job_id')
        .doUpdateSet({ status: 'pending', input: sql`excluded.input`, checked_at: sql`now()` })
        .where('pending_job.status', '=', 'failed'),
    )
    .execute()
}

/** Each id once, the first of it, as one statement takes a row but once; in one order, so that no two wait for each other. */
function rowsOf(records) {
  const row = ({ jobId, ...input }) => [jobId, { job_id: jobId, input: JSON.stringify(input) }]
  const rows = new Map(records.toReversed().map(row))
  return [...rows.values()].sort((one, other) => (one.job_id < other.job_id ? -1 : 1))
}
