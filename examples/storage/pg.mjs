// Records with pg (schema.sql): what `enqueue`, `enqueueMany` and `sweep` take, and what the worker marks them with.

/** @param {import('pg').Pool} pool */
export const recordsOf = (pool) => ({
  createPending: (record) => insert(pool, [record]),
  createPendingMany: (records) => insert(pool, records),

  /** Whoever is given a record has it until it is stale again: sweeps that run at once do not get in each other's way. */
  async pending({ olderThan, limit }) {
    const { rows } = await pool.query(
      `UPDATE pending_job SET checked_at = now() WHERE job_id = ANY (ARRAY(
         SELECT job_id FROM pending_job WHERE status = 'pending' AND checked_at < $1
         ORDER BY checked_at LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING job_id AS "jobId", input`,
      [olderThan, limit],
    )
    return rows
  },

  /** Not of a record that its worker has marked meanwhile. */
  async onFinished({ jobId }, { state }) {
    const status = state === 'completed' ? 'done' : 'failed'
    await pool.query("UPDATE pending_job SET status = $2 WHERE job_id = $1 AND status = 'pending'", [jobId, status])
  },

  async markDone(jobId) {
    await pool.query("UPDATE pending_job SET status = 'done' WHERE job_id = $1", [jobId])
  },
})

/** One that failed is pending again, with what it is called with now: its job may be run again. */
async function insert(pool, records) {
  const rows = rowsOf(records)
  await pool.query(
    `INSERT INTO pending_job (job_id, input) SELECT * FROM unnest($1::text[], $2::json[])
     ON CONFLICT (job_id) DO UPDATE SET status = 'pending', input = excluded.input, checked_at = now()
     WHERE pending_job.status = 'failed'`,
    [rows.map(({ jobId }) => jobId), rows.map(({ jobId, ...input }) => JSON.stringify(input))],
  )
}

/** Each id once, the first of it, as one statement takes a row but once; in one order, so that no two wait for each other. */
function rowsOf(records) {
  const rows = new Map(records.toReversed().map((record) => [record.jobId, record]))
  return [...rows.values()].sort((one, other) => (one.jobId < other.jobId ? -1 : 1))
}
