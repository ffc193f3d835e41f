// Pending records in PostgreSQL (schema.sql): one row a ticket, made before its job and marked done by the worker.
import pg from 'pg'

export class TicketRecords {
  #pool

  constructor(connectionString) {
    this.#pool = new pg.Pool({ connectionString, max: 4 })
    // An idle connection that breaks is replaced at the next query; unheard, its error would end the process.
    this.#pool.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  }

  /** A ticket that comes again finds its record made, in whatever state it is by now. */
  async createPending({ jobId, tenantId, ticketId }) {
    await this.#pool.query(
      'INSERT INTO ticket_triage (job_id, tenant_id, ticket_id) VALUES ($1, $2, $3) ON CONFLICT (job_id) DO NOTHING',
      [jobId, tenantId, ticketId],
    )
  }

  /** Throws when there is no such record, so that the job fails instead of vanishing. A retry may mark it again. */
  async markDone(jobId, { category, priority }) {
    const { rowCount } = await this.#pool.query(
      `UPDATE ticket_triage SET status = 'done', category = $2, priority = $3, done_at = now() WHERE job_id = $1`,
      [jobId, category, priority],
    )
    if (rowCount === 0) throw new Error(`no record of ${jobId}`)
  }

  async close() {
    await this.#pool.end()
  }
}

/** Connects at the first query, to DATABASE_URL. */
export const records = new TicketRecords(process.env.DATABASE_URL)
