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

  onFinished: ({ jobId }, { state }) => mark(pool, jobId, state === 'completed' ? 'done' : 'failed'),
  markDone: (jobId) => mark(pool, jobId, 'done'),
})

async function insert(pool, records) {
  const ids = records.map(({ jobId }) => jobId)
  const inputs = records.map(({ jobId, ...input }) => JSON.stringify(input))
  await pool.query(
    'INSERT INTO pending_job (job_id, input) SELECT * FROM unnest($1::text[], $2::json[]) ON CONFLICT DO NOTHING',
    [ids, inputs],
  )
}

async function mark(pool, jobId, status) {
  await pool.query('UPDATE pending_job SET status = $2 WHERE job_id = $1', [jobId, status])
}
