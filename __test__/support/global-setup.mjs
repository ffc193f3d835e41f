// One real server for the whole run, on a free port. Test files take a database of their own on it (support/redis.js);
// those that stop or break a server start one of theirs.
import { findServer } from '../../tools/find-server.js'
import { OwnServer } from '../../tools/server.js'

export default async function setup() {
  const command = process.env.TEST_REDIS_COMMAND ?? (await findServer(console.error))
  if (!command) {
    throw new Error('The tests need a Redis or Valkey program that they can start: put redis-server on PATH.')
  }
  const server = await OwnServer.start(['--databases', '64'], { command })
  globalThis.testServer = server
  process.env.TEST_REDIS_COMMAND = command
  process.env.TEST_REDIS_PORT = String(server.port)
}
