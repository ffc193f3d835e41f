// The database. With DATABASE_URL it makes the table there and ends. Without, it is one: PGlite, PostgreSQL inside of Node.js,
// behind a socket so that the server and the worker share it as they would share any other. It keeps nothing.
//
//   npm run database        # on port 54320, or the one that PGLITE_PORT says
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { pool, SCHEMA } from '../lib/database'

if (process.env.DATABASE_URL) {
  await pool.query(SCHEMA)
  await pool.end()
} else {
  const db = await PGlite.create()
  await db.exec(SCHEMA)
  // All connections share its one session: safe for statements that arrive in one piece, as the application's do.
  const server = new PGLiteSocketServer({ db, port: Number(process.env.PGLITE_PORT ?? 54320), maxConnections: 64 })
  await server.start()
  console.log(`DATABASE_URL=postgres://postgres@${server.getServerConn()}/postgres`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => server.stop().then(() => process.exit()))
}
