'use strict'
// A real server of one's own, on a free port of the loopback, without persistence unless it is asked for.
const { spawn } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')

const PAUSE_MS = 20

/** Whatever ends this process, its servers end with it. */
const living = new Set()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** A TCP port of 127.0.0.1 that was free a moment ago. */
async function freePort() {
  const probe = net.createServer()
  await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Whether the server answers, and does not merely say that it loads its data. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (data) => resolve(socket.destroy() && /^(\+PONG|-NOAUTH)/.test(String(data))))
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

/** Resolves once the server answers; rejects when `ended` says that its process did. */
async function untilReady(port, ended = new Promise(() => {})) {
  let how
  ended.then((it) => {
    how = it
  })
  while (!(await answers(port))) {
    if (how !== undefined) throw new Error(`the Redis server ended before it was up (${how})`)
    await sleep(PAUSE_MS)
  }
}

function tlsOptions(port, { cert, key, ca }) {
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca]
  return ['--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no']
}

/** It may be killed, stopped for a while and started again on the same port. Call `stop()` when done with it. */
class OwnServer {
  /**
   * @param {string[]} [args] options of the server program
   * @param {{ command?: string, wrap?: string[], detached?: boolean, certificate?: { cert: string, key: string, ca: string } }} [how]
   *   `command` is the program (TEST_REDIS_COMMAND unless it is given), `wrap` one to start it through (taskset …); `detached` it
   *   does not hear the Ctrl-C that this process hears; with a `certificate`, in files, it has a second port, `securePort`, for TLS
   */
  static async start(args = [], how = {}) {
    const attempt = async () => {
      // biome-ignore lint/complexity/noThisInStatic: a class that extends this one starts servers of its own kind.
      const server = await this.absent(args, how)
      try {
        await server.up()
      } catch (error) {
        await server.stop()
        throw error
      }
      return server
    }
    // A port that was free may be taken by the time the server wants it.
    return attempt().catch(attempt)
  }

  /** One that is not up yet. */
  static async absent(args = [], how = {}) {
    return new this(await freePort(), args, { ...how, securePort: how.certificate && (await freePort()) })
  }

  constructor(
    port,
    args,
    { command = process.env.TEST_REDIS_COMMAND, wrap = [], detached, certificate, securePort } = {},
  ) {
    this.port = port
    this.securePort = securePort
    this.certificate = certificate
    this.secure = certificate ? tlsOptions(securePort, certificate) : []
    this.args = args
    this.program = [...wrap, command]
    this.detached = detached
    this.url = `redis://127.0.0.1:${port}`
    this.dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-redis-'))
  }

  async up() {
    const [program, ...before] = this.program
    const usual = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--dir', this.dir]
    const child = spawn(program, [...before, ...usual, ...this.secure, ...this.args], {
      stdio: 'ignore',
      detached: this.detached,
    })
    // A server that nobody stops must not hold the process.
    child.unref()
    living.add(child)
    this.child = child
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? code)).once('error', ({ message }) => resolve(message))
    }).finally(() => living.delete(child))
    await untilReady(this.port, this.ended)
  }

  /** kill -9: nothing is answered, nothing is saved. */
  async kill() {
    // Nothing else may hold the process until the server has ended.
    this.child?.ref()
    this.child?.kill('SIGKILL')
    await this.ended
  }

  freeze() {
    this.child.kill('SIGSTOP')
  }

  thaw() {
    this.child.kill('SIGCONT')
  }

  async stop() {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

module.exports = { OwnServer, freePort, untilReady }
