// Pending records in PostgreSQL (schema.sql): one row a job, made before the job and marked done by its worker.
import pg from 'pg'

/** Connects at the first query, to DATABASE_URL. */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// An idle connection that breaks is replaced at the next query; unheard, its error would end the process.
pool.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))

export const closeStorage = () => pool.end()

export const ticketRecords = {
  /** A ticket that comes again finds its record made, in whatever state it is by now. */
  async createPending({ jobId, tenantId, ticketId }) {
    await pool.query(
      'INSERT INTO ticket_triage (job_id, tenant_id, ticket_id) VALUES ($1, $2, $3) ON CONFLICT (job_id) DO NOTHING',
      [jobId, tenantId, ticketId],
    )
  },

  async markDone(jobId, { category, priority }) {
    await changeOne(
      jobId,
      `UPDATE ticket_triage SET status = 'done', category = $2, priority = $3, done_at = now() WHERE job_id = $1`,
      [jobId, category, priority],
    )
  },
}

export const invoiceRecords = {
  async createPending(record) {
    await this.createPendingMany([record])
  },

  /**
   * One statement for all of them. Ids may stand in it twice, or be there already: one that failed is pending again, with what it
   * is called with now. It takes a row but once, and in one order, so that no two wait for each other.
   */
  async createPendingMany(records) {
    const first = new Map(records.toReversed().map((record) => [record.jobId, record]))
    const rows = [...first.values()].sort((one, other) => (one.jobId < other.jobId ? -1 : 1))
    const column = (name) => rows.map((row) => row[name])
    const inputs = rows.map(({ jobId, ...input }) => JSON.stringify(input))
    await pool.query(
      `INSERT INTO invoice_export (job_id, org_id, invoice_id, currency, input)
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::json[])
       ON CONFLICT (job_id) DO UPDATE
       SET status = 'pending', currency = excluded.currency, input = excluded.input, checked_at = now()
       WHERE invoice_export.status = 'failed'`,
      [column('jobId'), column('orgId'), column('invoiceId'), column('currency'), inputs],
    )
  },

  /** For a sweep: records that nobody has looked at for a while. Whoever is given one has it for as long. */
  async pending({ olderThan, limit }) {
    const { rows } = await pool.query(
      `UPDATE invoice_export SET checked_at = now() WHERE job_id = ANY (ARRAY(
         SELECT job_id FROM invoice_export WHERE status = 'pending' AND checked_at < $1
         ORDER BY checked_at LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING job_id AS "jobId", input`,
      [olderThan, limit],
    )
    return rows
  },

  /** The worker marks what it has done, maybe just now: what ended otherwise has failed. */
  async onFinished({ jobId }, { state }) {
    if (state !== 'failed') return
    await pool.query(`UPDATE invoice_export SET status = 'failed' WHERE job_id = $1 AND status = 'pending'`, [jobId])
  },

  /** What one unit of a currency is in euros, if that is known. */
  async rateOf(currency) {
    const { rows } = await pool.query('SELECT euros FROM exchange_rate WHERE currency = $1', [currency])
    return rows.length > 0 ? Number(rows[0].euros) : undefined
  },

  async markDone(jobId, euros) {
    await changeOne(jobId, `UPDATE invoice_export SET status = 'done', euros = $2, done_at = now() WHERE job_id = $1`, [
      jobId,
      euros,
    ])
  },
}

/** Throws when there is no such record, so that the job fails instead of vanishing. A retry may change it again. */
async function changeOne(jobId, statement, values) {
  const { rowCount } = await pool.query(statement, values)
  if (rowCount === 0) throw new Error(`no record of ${jobId}`)
}

/** The answer to what createPending threw: it comes through as it is, and nothing was enqueued. SQL stays in the log. */
export function storageProblem(error) {
  // PostgreSQL's class 22: text it cannot hold (a NUL). Trying again won't help.
  const unstorable = /^22/.test(error?.code)
  const problem = unstorable
    ? { title: 'Unstorable', status: 422, code: 'UNSTORABLE', detail: 'The ids cannot be recorded.' }
    : { title: 'Storage unavailable', status: 503, code: 'STORAGE_UNAVAILABLE', detail: 'Please try again later.' }
  return Response.json(problem, { status: problem.status, headers: { 'content-type': 'application/problem+json' } })
}
