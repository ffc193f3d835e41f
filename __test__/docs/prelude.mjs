// What the blocks of README and docs/ take for granted: the names that stand for what a reader has. Each is the real thing.
import { Pipeline } from 'enqueue-boundary'
import pg from 'pg'
import { z } from 'zod'

export { recordsOf } from '../../examples/storage/pg.mjs'
export { Pipeline, pg, z }

export const storage = { createPending: async (/** @type {object} */ _record) => {} }
export const connection = { url: process.env.REDIS_URL }
export const session = { orgId: 'acme' }
export const schema = z.object({ orgId: z.string(), orderId: z.string() })
/** A valid invoice, and a valid ticket. */
export const body = { orgId: 'acme', invoiceId: 'I-1', tenantId: 'acme', ticketId: 'T-1', summary: 'It prints "ü".' }
export const log = console
export const report = { write: async (/** @type {string} */ _line) => {} }
export const file = 'invoices.csv'

const definition = {
  queueName: 'documented',
  jobName: 'export',
  schema: z.object({ orgId: z.string(), invoiceId: z.string() }),
  jobId: /** @type {const} */ (['orgId', 'invoiceId']),
  tenant: /** @type {const} */ ('orgId'),
}
export const invoices = new Pipeline(definition)
export const orders = new Pipeline({ ...definition, queueName: 'documented-orders' })
export const rows = [body, { ...body, invoiceId: 'I-2' }, {}, body]
export const readRows = async function* (/** @type {string} */ _file) {
  yield* rows
}

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
