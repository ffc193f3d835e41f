// The Redis of the bench: a private one.
import { findServer } from '../tools/find-server.js'
import { OwnServer } from '../tools/server.js'

/** @param {string[]} [wrap] a program to start it through (taskset …) */
export async function startRedis(wrap) {
  const command = await findServer(console.error)
  if (!command) throw new Error('The bench starts a Redis of its own: put redis-server or valkey-server on PATH.')
  // An interrupted bench takes its server with it: exit runs the hook that kills it, a signal alone does not.
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
  return OwnServer.start([], { command, wrap })
}
