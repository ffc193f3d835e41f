'use strict'
// Real servers for the tests: a database of the shared server for each test file, or a server of one's own.
const { spawn } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { Redis } = require('ioredis')

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

async function freePort() {
  const probe = net.createServer()
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/**
 * A server of the test's own, which it may kill, pause and start again on the same port.
 * Call `stop()` when done with it.
 */
class OwnServer {
  static async start(args = []) {
    const attempt = async () => {
      const server = new OwnServer(await freePort(), args)
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

  constructor(port, args) {
    this.port = port
    this.args = args
    this.url = `redis://127.0.0.1:${port}`
    this.dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-test-'))
  }

  async up() {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--dir', this.dir, ...this.args]
    this.child = spawn(process.env.TEST_REDIS_COMMAND, args, { stdio: 'ignore' })
    this.ended = new Promise((resolve) => this.child.once('exit', resolve))
    // ioredis retries until the server listens, and its ready check waits until it has loaded.
    const client = new Redis({ port: this.port, retryStrategy: () => 20, maxRetriesPerRequest: null })
    client.on('error', () => {})
    const failed = this.ended.then((code) => {
      throw new Error(`the server ended with ${code} before it was up`)
    })
    try {
      await Promise.race([client.ping(), failed])
    } finally {
      client.disconnect()
      failed.catch(() => {})
    }
  }

  /** kill -9: nothing is answered, nothing is saved. */
  async kill() {
    this.child.kill('SIGKILL')
    await this.ended
  }

  freeze() {
    this.child.kill('SIGSTOP')
  }

  thaw() {
    this.child.kill('SIGCONT')
  }

  async stop() {
    this.child?.kill('SIGKILL')
    await this.ended
    rmSync(this.dir, { recursive: true, force: true })
  }
}

module.exports = { OwnServer, freePort, useDatabase }
