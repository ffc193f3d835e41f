// A real Redis or Valkey for the demo, or for you: REDIS_URL, a program that this machine has or can fetch, Docker.
// Run directly (`node scripts/redis.mjs`) it keeps a server up, prints its URL, and stops with Ctrl-C.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findServer } from '../tools/find-server.js'
import { freePort, OwnServer, untilReady } from '../tools/server.js'

const run = promisify(execFile)

const HELP = [
  'No Redis server was found, and none could be fetched. Any one of these will do:',
  '  any system   set REDIS_URL to a running Redis or Valkey',
  '  macOS        brew install valkey',
  '  Debian       apt-get install redis-server',
  '  Windows      a server in WSL, or Memurai, or Docker Desktop running',
].join('\n')

async function startDocker(announce) {
  const port = await freePort()
  try {
    announce('starting valkey/valkey with Docker')
    const { stdout } = await run('docker', ['run', '--rm', '-d', '-p', `127.0.0.1:${port}:6379`, 'valkey/valkey'])
    await untilReady(port)
    const id = stdout.trim()
    return { url: `redis://127.0.0.1:${port}`, port, stop: async () => void (await run('docker', ['kill', id])) }
  } catch {
    return undefined
  }
}

/**
 * A Redis to use: the one REDIS_URL names, or one of our own; `detached`, it does not hear the Ctrl-C that this process hears.
 * @returns {Promise<{ url: string, how: string, stop(): Promise<void> }>}
 */
export async function startRedis({ announce = () => {}, detached = false } = {}) {
  if (process.env.REDIS_URL) {
    return { url: process.env.REDIS_URL, how: 'REDIS_URL', stop: async () => {} }
  }
  const command = await findServer(announce)
  if (command) {
    const server = await OwnServer.start([], { command, detached })
    return { url: server.url, how: path.basename(command), stop: () => server.stop() }
  }
  const docker = await startDocker(announce)
  if (docker) return { ...docker, how: 'docker' }
  throw new Error(HELP)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const redis = await startRedis({ announce: console.error })
    console.log(redis.url)
    const hold = setInterval(() => {}, 1 << 30)
    const end = () => redis.stop().then(() => clearInterval(hold))
    process.once('SIGINT', end).once('SIGTERM', end)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
