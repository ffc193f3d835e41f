'use strict'
// Real servers for the tests: a database of the shared server for each test file, or a server of one's own.
const { Redis } = require('ioredis')
const { OwnServer, freePort } = require('../../tools/server.js')

/**
 * Takes an empty database of the shared server for the test file that calls it, names it in REDIS_URL (which the
 * boundary reads at its first call) and closes what it opened when the file is done.
 * @returns {{ url: string, connection: { host: string, port: number, db: number }, redis: import('ioredis').Redis }}
 */
function useDatabase() {
  const port = Number(process.env.TEST_REDIS_PORT)
  const connection = { host: '127.0.0.1', port, db: 0 }
  const lobby = new Redis({ ...connection, lazyConnect: true })
  const database = { connection, url: '', redis: undefined }
  beforeAll(async () => {
    // Database 0 hands out the numbers, so that files running side by side never share one.
    const ticket = await lobby.incr('databases-taken')
    connection.db = 1 + ((ticket - 1) % 63)
    database.url = `redis://127.0.0.1:${port}/${connection.db}`
    database.redis = new Redis(connection)
    await database.redis.flushdb()
    process.env.REDIS_URL = database.url
  })
  afterAll(async () => {
    await database.redis.flushdb()
    await database.redis.quit()
    await lobby.quit()
  })
  return database
}

module.exports = { OwnServer, freePort, useDatabase }
