// PGlite as a process of its own, which says where it is: it is busy for long at a time, and jest cannot load it.
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const db = await PGlite.create()
const server = new PGLiteSocketServer({ db, port: 0, maxConnections: 64 })
await server.start()
console.log(`postgres://postgres@${server.getServerConn()}/postgres`)
