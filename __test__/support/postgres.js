'use strict'
// PostgreSQL for tests: PGlite, which is there always, behind a socket that other processes reach too; and a server of its own
// where this machine has one.
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const pg = require('pg')
const { until } = require('../../tools/until.js')
const { Program } = require('./program.js')
const { freePort } = require('./redis.js')

const schema = path.join(__dirname, '../../examples/storage/schema.sql')

/** Where the programs of a server are, if they are anywhere. */
function findPrograms() {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => b - a) : []
  const folders = ['', ...versions.map((version) => path.join(debian, version, 'bin'))]
  return folders.find((folder) =>
    ['initdb', 'postgres'].every((name) => spawnSync(path.join(folder, name), ['--version']).status === 0),
  )
}

/** It does not run as root: then as nobody, whom all systems that it runs on have. */
function someUser() {
  if (process.getuid?.() !== 0) return {}
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  return { uid: Number(uid), gid: Number(gid) }
}

async function startServer(programs) {
  const folder = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-postgres-'))
  const user = someUser()
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = path.join(folder, 'data')
  const options = { ...user, cwd: folder, encoding: 'utf8' }
  const args = ['-D', data, '-U', 'postgres', '--auth', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C']
  const made = spawnSync(path.join(programs, 'initdb'), args, options)
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr ?? made.error?.message}`)
  const port = await freePort()
  const quick = ['-F', '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`]
  const child = spawn(path.join(programs, 'postgres'), ['-D', data, '-p', `${port}`, ...quick], {
    ...options,
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const kill = () => child.kill('SIGINT')
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop, ended: () => child.exitCode !== null }
}

async function startPGlite() {
  const program = new Program(path.join(__dirname, 'pglite.mjs'))
  return { url: await program.line(0), stop: () => program.stop(), ended: () => program.child.exitCode !== null }
}

const programs = findPrograms()

/** Those that this machine has, the strictest first. */
const POSTGRES = {
  ...(programs !== undefined && { server: () => startServer(programs) }),
  PGlite: startPGlite,
}

async function answers(url) {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * PostgreSQL with the table of examples/storage/, empty for each test.
 * @param {keyof POSTGRES} [kind] the strictest unless it is given
 */
function usePostgres(kind = Object.keys(POSTGRES)[0]) {
  const database = { url: '', pool: undefined }
  let server
  beforeAll(async () => {
    server = await POSTGRES[kind]()
    await until(async () => {
      if (server.ended()) throw new Error('PostgreSQL ended before it was up')
      return answers(server.url)
    })
    database.url = server.url
    database.pool = new pg.Pool({ connectionString: server.url, max: 4 })
    database.pool.on('error', () => {})
    await database.pool.query(readFileSync(schema, 'utf8'))
  })
  beforeEach(() => database.pool.query('TRUNCATE pending_job'))
  afterAll(async () => {
    await database.pool?.end()
    await server?.stop()
  })
  return database
}

module.exports = { POSTGRES, usePostgres }
