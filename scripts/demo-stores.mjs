// The two stores of the demo, and its place in each: a queue and a table that did not exist before and are removed
// afterwards. What the user's own Redis or PostgreSQL already holds is never added to and never deleted.
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startRedis } from './redis.mjs'

/** What went wrong outside the demo, in a sentence for whoever runs it. */
export class DemoError extends Error {}

export const QUEUE = 'ticket-triage'

/** What may be printed of a URL: never its password. */
export const host = (url) => (URL.canParse(url) ? new URL(url).host : 'what is no URL')

/**
 * A Redis without the demo's queue. Pushes onto `undo` what takes it away again.
 * @returns {Promise<{ url: string, how: string }>}
 */
export async function openRedis(undo, announce) {
  const { url, how, stop } = await startRedis({ announce })
  undo.push(stop)
  if (await hasQueue(url)) {
    throw new DemoError(
      `The Redis of REDIS_URL already has a queue "${QUEUE}", and the demo touches none but its own: ` +
        'name an empty database in REDIS_URL (redis://host:6379/9) or unset it.',
    )
  }
  // A server of our own takes its data along when it stops.
  if (how === 'REDIS_URL') undo.push(() => removeQueue(url))
  return { url, how }
}

async function hasQueue(url) {
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
    return (await redis.exists(`bull:${QUEUE}:meta`, `bull:${QUEUE}:id`)) > 0
  } catch (error) {
    throw new DemoError(`No Redis answers at ${host(url)}: ${(reason ?? error).message}`)
  } finally {
    redis.disconnect()
  }
}

async function removeQueue(url) {
  const queue = new Queue(QUEUE, { connection: { url }, skipMetasUpdate: true })
  await queue.obliterate({ force: true })
  await queue.close()
}

/**
 * PostgreSQL that other processes reach too, with the table that `createTable` makes: DATABASE_URL, or PGlite.
 * @returns {Promise<{ url: string, how: string, database: pg.Pool }>}
 */
export async function openPostgres(undo, createTable) {
  const { url, how } = process.env.DATABASE_URL
    ? { url: process.env.DATABASE_URL, how: 'DATABASE_URL' }
    : { url: await startPGlite(undo), how: 'PGlite' }
  const database = new pg.Pool({ connectionString: url, max: 1 })
  database.on('error', (error) => console.error(`PostgreSQL: ${error.message}`))
  undo.push(() => database.end())
  try {
    await database.query(createTable)
  } catch (error) {
    throw new DemoError(
      error.code === '42P07'
        ? 'The database of DATABASE_URL already has the table "ticket_triage", and the demo touches none but its own.'
        : `No PostgreSQL answers at ${host(url)}: ${error.message || error.code}`,
    )
  }
  undo.push(() => database.query('DROP TABLE ticket_triage'))
  return { url, how, database }
}

async function startPGlite(undo) {
  const db = await PGlite.create()
  undo.push(() => db.close())
  // All connections share PGlite's one session, which is safe for statements that arrive in one piece, as ours do.
  const server = new PGLiteSocketServer({ db, port: 0, maxConnections: 16 })
  await server.start()
  undo.push(() => server.stop())
  return `postgres://postgres@${server.getServerConn()}/postgres`
}
