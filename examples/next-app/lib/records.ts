// The durable side of a ticket: one row, made before its job, and marked by the worker before the job ends.
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { database, ticketTable } from './database'

interface PendingTicket {
  jobId: string
  tenantId: string
  ticketId: string
  summary: string
}

interface Verdict {
  category: string
  priority: string
}

const byId = (jobId: string) => eq(ticketTable.jobId, jobId)
const fresh = { status: 'pending', attempt: 0, failedAttempt: 0, reason: null } as const

export const records = {
  /** A ticket that comes again finds its record, in whatever state it is. One that failed is pending again, for another run. */
  async createPending(ticket: PendingTicket) {
    await database
      .insert(ticketTable)
      .values(ticket)
      .onConflictDoUpdate({
        target: ticketTable.jobId,
        set: { ...fresh, summary: ticket.summary, runs: sql`${ticketTable.runs} + 1`, checkedAt: sql`now()` },
        setWhere: eq(ticketTable.status, 'failed'),
      })
  },

  /** Those of one tenant, the newest first. */
  of(tenantId: string) {
    const ofTenant = eq(ticketTable.tenantId, tenantId)
    return database.select().from(ticketTable).where(ofTenant).orderBy(desc(ticketTable.createdAt)).limit(50)
  },

  /** @returns which run of the ticket this is; 0 where there is no such record. */
  async markAttempt(jobId: string, attempt: number) {
    const [row] = await database
      .update(ticketTable)
      .set({ attempt })
      .where(byId(jobId))
      .returning({ runs: ticketTable.runs })
    return row?.runs ?? 0
  },

  async markFailure(jobId: string, failedAttempt: number, reason: string, isLast: boolean) {
    const status = isLast ? 'failed' : 'pending'
    await database.update(ticketTable).set({ status, failedAttempt, reason }).where(byId(jobId))
  },

  async markDone(jobId: string, { category, priority }: Verdict) {
    const done = { status: 'done', reason: null, category, priority } as const
    await database.update(ticketTable).set(done).where(byId(jobId))
  },

  /** For a sweep: pending records that nobody has looked at for a while. Whoever is given one has it for as long. */
  async pending({ olderThan, limit }: { olderThan: Date; limit: number }) {
    const stale = database
      .select({ jobId: ticketTable.jobId })
      .from(ticketTable)
      .where(and(eq(ticketTable.status, 'pending'), lt(ticketTable.checkedAt, olderThan)))
      .orderBy(ticketTable.checkedAt)
      .limit(limit)
      .for('update', { skipLocked: true })
    const rows = await database
      .update(ticketTable)
      .set({ checkedAt: sql`now()` })
      .where(sql`${ticketTable.jobId} = ANY (ARRAY(${stale}))`)
      .returning()
    return rows.map(({ jobId, tenantId, ticketId, summary }) => ({ jobId, input: { tenantId, ticketId, summary } }))
  },

  /** Not of a record that its worker has marked meanwhile. */
  async onFinished({ jobId }: { jobId: string }, { state }: { state: string }) {
    const status = state === 'completed' ? 'done' : 'failed'
    await database
      .update(ticketTable)
      .set({ status })
      .where(and(byId(jobId), eq(ticketTable.status, 'pending')))
  },
}
