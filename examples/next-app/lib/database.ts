// The table of the tickets, and the way to it.
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import pg from 'pg'

const moment = (name: string) => timestamp(name, { withTimezone: true })

export const ticketTable = pgTable('ticket', {
  jobId: text('job_id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  ticketId: text('ticket_id').notNull(),
  summary: text('summary').notNull(),
  status: text('status', { enum: ['pending', 'done', 'failed'] })
    .notNull()
    .default('pending'),
  runs: integer('runs').notNull().default(1),
  // The last one that was begun.
  attempt: integer('attempt').notNull().default(0),
  // The last one that failed, and why.
  failedAttempt: integer('failed_attempt').notNull().default(0),
  reason: text('reason'),
  category: text('category'),
  priority: text('priority'),
  createdAt: moment('created_at').notNull().defaultNow(),
  checkedAt: moment('checked_at').notNull().defaultNow(),
})

/** The same, for a database that is new. An application of yours has migrations instead (drizzle-kit). */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ticket (
    job_id         text PRIMARY KEY,
    tenant_id      text NOT NULL,
    ticket_id      text NOT NULL,
    summary        text NOT NULL,
    status         text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
    runs           integer NOT NULL DEFAULT 1,
    attempt        integer NOT NULL DEFAULT 0,
    failed_attempt integer NOT NULL DEFAULT 0,
    reason         text,
    category       text,
    priority       text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    checked_at     timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS ticket_of_tenant ON ticket (tenant_id, created_at DESC);
  CREATE INDEX IF NOT EXISTS ticket_pending ON ticket (checked_at) WHERE status = 'pending';`

// `next dev` runs this module anew after each edit, and each run would open connections of its own. (A pipeline needs no such
// care: those with the same connection share one link.)
const held = globalThis as typeof globalThis & { ticketPool?: pg.Pool }

function connect() {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
  // An idle connection that breaks is replaced at the next query; unheard, its error would end the process.
  pool.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  return pool
}

held.ticketPool ??= connect()
export const pool = held.ticketPool
export const database = drizzle(pool)
