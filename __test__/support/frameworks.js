'use strict'
// The servers of examples/servers/, each in a process of its own, and a client that keeps its connection.
const { spawnSync } = require('node:child_process')
const { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const pg = require('pg')
const { until } = require('../../tools/until.js')
const { root } = require('./markdown.js')
const { POSTGRES } = require('./postgres.js')
const { Program } = require('./program.js')
const { freePort } = require('./redis.js')

/** The file of each. */
const SERVERS = {
  Express: 'express.mjs',
  Fastify: 'fastify.mjs',
  Hono: 'hono.mjs',
  Koa: 'koa.mjs',
  NestJS: 'nest.mts',
  'node:http': 'node.mjs',
}
const NAMES = Object.keys(SERVERS)

/** The examples as somebody copies them, and with what the compiler makes of those in TypeScript. */
function copyExamples() {
  mkdirSync(path.join(root, 'target'), { recursive: true })
  const folder = mkdtempSync(path.join(root, 'target', 'examples-'))
  cpSync(path.join(root, 'examples'), folder, { recursive: true })
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const options = { encoding: 'utf8' }
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', path.join(folder, 'servers')], options)
  if (status !== 0) throw new Error(stdout)
  return folder
}

async function startDatabase() {
  const postgres = await POSTGRES.PGlite()
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
  await pool.query(readFileSync(path.join(root, 'examples/schema.sql'), 'utf8'))
  const stop = async () => {
    await pool.end()
    await postgres.stop()
  }
  return { url: postgres.url, pool, stop }
}

/** Whether something takes connections there. */
const listens = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket.destroy() && true))
    socket.once('error', () => resolve(false))
  })

class RunningServer {
  /** @param {NodeJS.ProcessEnv} env where its stores are */
  static async start(file, env) {
    const port = await freePort()
    const server = new RunningServer(port, new Program(file, { ...process.env, ...env, PORT: `${port}` }))
    await until(() => server.listens())
    return server
  }

  constructor(port, program) {
    Object.assign(this, { port, program })
  }

  /** Rejects when it has ended instead. */
  async listens() {
    const { child, log } = this.program
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${log}`)
    return listens(this.port)
  }

  /** Asks it to stop, as whoever runs it in production does. */
  async beginToStop() {
    this.program.child.kill('SIGTERM')
    await until(async () => !(await listens(this.port)))
  }

  /** How its process ended, once it did. */
  async end() {
    await this.program.closed
    return this.program.child.signalCode ?? this.program.child.exitCode
  }
}

/**
 * Starts all of them for the test file that calls it.
 * @param {(name: string, number: number) => string | Promise<string>} redisUrl of each
 */
function useServers(redisUrl) {
  const servers = {}
  const shared = { servers, pool: undefined }
  let folder
  let database
  beforeAll(async () => {
    folder = copyExamples()
    database = await startDatabase()
    shared.pool = database.pool
    const start = async (name, at) => {
      const file = path.join(folder, 'servers', SERVERS[name].replace(/\.mts$/, '.mjs'))
      const REDIS_URL = await redisUrl(name, at)
      servers[name] = await RunningServer.start(file, { REDIS_URL, DATABASE_URL: database.url })
    }
    await Promise.all(NAMES.map(start))
  })
  afterAll(async () => {
    await Promise.all(Object.values(servers).map(({ program }) => program.stop()))
    await database?.stop()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })
  return shared
}

const TOKENS = { ann: 'Bearer token-of-ann', eve: 'Bearer token-of-eve' }

/** One who keeps the connection, unless the server ends it. */
class Client {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

  constructor({ port }) {
    this.port = port
  }

  /** A request that has not been sent, and its answer. `from` is the port that it came from: the same for the same connection. */
  open({ by = 'ann', headers = {}, ...options } = {}) {
    const request = http.request({
      ...{ host: '127.0.0.1', port: this.port, path: '/api/invoices', method: 'POST', agent: this.#agent },
      headers: { 'content-type': 'application/json', ...(by && { authorization: TOKENS[by] }), ...headers },
      ...options,
    })
    const answer = new Promise((resolve, reject) => {
      request.once('error', reject)
      request.once('response', async (response) => {
        const from = request.socket.localPort
        let text = ''
        for await (const part of response.setEncoding('utf8')) text += part
        resolve({ status: response.statusCode, headers: response.headers, text, from })
      })
    })
    // Whoever is interested says so.
    answer.catch(() => {})
    return { request, answer }
  }

  /** @param {string | Buffer | object | undefined} body what is no text is sent as JSON */
  post(body, options) {
    const { request, answer } = this.open(options)
    const sent = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    request.end(sent)
    return answer
  }

  close() {
    this.#agent.destroy()
  }
}

let last = 0

/** A valid invoice that no other test has. */
function newInvoice(fields) {
  last += 1
  return { orgId: 'acme', invoiceId: `I-${process.pid}-${last}`, lines: [{ sku: 'ink', amount: 80 }], ...fields }
}

const jobIdOf = ({ orgId, invoiceId }) => `invoice-export:${orgId}:${invoiceId}`

module.exports = { Client, NAMES, RunningServer, SERVERS, copyExamples, jobIdOf, newInvoice, useServers }
