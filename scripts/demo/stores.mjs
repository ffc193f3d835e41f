// The two stores of the demo, and its place in each: queues and tables that did not exist before and are removed
// afterwards. What the user's own Redis or PostgreSQL already holds is never added to and never deleted.
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startRedis } from '../redis.mjs'

/** What went wrong outside the demo, in a sentence for whoever runs it. */
export class DemoError extends Error {}

const QUEUES = ['ticket-triage', 'invoice-export']
const TABLES = ['ticket_triage', 'invoice_export', 'exchange_rate']

/** What may be printed of a URL: never its password. */
export const host = (url) => (URL.canParse(url) ? new URL(url).host : 'what is no URL')

/**
 * A Redis without the demo's queues. Pushes onto `undo` what takes it away again.
 * @returns {Promise<{ url: string, how: string }>}
 */
export async function openRedis(undo, announce) {
  const { url, how, stop } = await startRedis({ announce })
  undo.push(stop)
  const taken = await firstQueue(url)
  if (taken) {
    throw new DemoError(
      `The Redis of REDIS_URL already has a queue "${taken}", and the demo touches none but its own: ` +
        'name an empty database in REDIS_URL (redis://host:6379/9) or unset it.',
    )
  }
  // A server of our own takes its data along when it stops.
  if (how === 'REDIS_URL') undo.push(() => Promise.all(QUEUES.map((name) => removeQueue(url, name))))
  return { url, how }
}

/** Which of the demo's queues is there. */
async function firstQueue(url) {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: 5000,
  })
  let reason
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    // Every add of BullMQ, and of ours, leaves both of these.
    for (const name of QUEUES) if (await redis.exists(`bull:${name}:meta`, `bull:${name}:id`)) return name
  } catch (error) {
    throw new DemoError(`No Redis answers at ${host(url)}: ${(reason ?? error).message}`)
  } finally {
    redis.disconnect()
  }
}

async function removeQueue(url, name) {
  const queue = new Queue(name, { connection: { url }, skipMetasUpdate: true })
  await queue.obliterate({ force: true })
  await queue.close()
  // BullMQ knows nothing of quotas. What is counted for them would run out by itself.
  const redis = new Redis(url)
  const counted = await redis.keys(`bull:${name}:quota:*`)
  if (counted.length > 0) await redis.unlink(counted)
  redis.disconnect()
}

/**
 * PostgreSQL that other processes reach too, with the tables that `createTables` makes: DATABASE_URL, or PGlite.
 * @returns {Promise<{ url: string, how: string, database: pg.Pool }>}
 */
export async function openPostgres(undo, createTables) {
  const { url, how } = process.env.DATABASE_URL
    ? { url: process.env.DATABASE_URL, how: 'DATABASE_URL' }
    : { url: await startPGlite(undo), how: 'PGlite' }
  const database = new pg.Pool({ connectionString: url, max: 1 })
  database.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  undo.push(() => database.end())
  try {
    await database.query(createTables)
  } catch (error) {
    const [taken] = error.code === '42P07' ? TABLES.filter((name) => error.message.includes(`"${name}"`)) : []
    throw new DemoError(
      taken
        ? `The database of DATABASE_URL already has the table "${taken}", and the demo touches none but its own.`
        : `No PostgreSQL answers at ${host(url)}: ${error.message || error.code}`,
    )
  }
  undo.push(() => database.query(`DROP TABLE ${TABLES.join(', ')}`))
  return { url, how, database }
}

async function startPGlite(undo) {
  const db = await PGlite.create()
  undo.push(() => db.close())
  // All connections share PGlite's one session, which is safe for statements that arrive in one piece, as ours do.
  const server = new PGLiteSocketServer({ db, port: 0, maxConnections: 64 })
  await server.start()
  undo.push(() => server.stop())
  return `postgres://postgres@${server.getServerConn()}/postgres`
}
