'use strict'
// The processes of examples/next-app, each as it is in a deployment: the database, the server, the worker, bull-board. What they
// need is installed by scripts/example-app.mjs.
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

const folder = path.join(__dirname, '../examples/next-app')
const inModules = (...file) => path.join(folder, 'node_modules', ...file)
/** Of the folder that it is started in: a copy has modules of its own. */
const NEXT = 'node_modules/next/dist/bin/next'
const tsx = (name) => ['--import', 'tsx', `processes/${name}.ts`]

/** Whatever ends this process, its processes end with it. */
const living = new Set()
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** One process, which is ready once it has printed a line that matches. */
class Running {
  /**
   * @param {string[]} args of Node
   * @param {RegExp} ready `ready` resolves to the match
   * @param {{ cwd?: string, env?: object, detached?: boolean, onLine?: (line: string) => void }} [options] `detached` it does not
   *   hear the Ctrl-C that this process hears
   */
  constructor(args, ready, { cwd = folder, env, detached = false, onLine = () => {} } = {}) {
    this.output = ''
    this.child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    })
    living.add(this.child)
    this.ended = once(this.child, 'close').then(([code, signal]) => signal ?? code)
    this.ended.finally(() => living.delete(this.child)).catch(() => {})
    this.ready = new Promise((resolve, reject) => {
      const hear = (text) => {
        this.output += text
        for (const line of text.split('\n').filter(Boolean)) onLine(line)
        const match = ready.exec(this.output)
        if (match) resolve(match)
      }
      for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', hear)
      this.ended.then(
        (how) => reject(new Error(`${args.join(' ')} ended (${how}):\n${this.output}`)),
        (error) => reject(new Error(`${args.join(' ')} could not be started: ${error.message}`)),
      )
    })
    this.ready.catch(() => {})
  }

  async stop() {
    this.child.kill('SIGTERM')
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 5000)
    await this.ended.catch(() => {})
    clearTimeout(kill)
  }
}

const LISTENS = /http:\/\/(?:127\.0\.0\.1|localhost):[1-9]\d*/

const start = {
  /** PGlite, on a free port. */
  database: (options) =>
    new Running(tsx('database'), /DATABASE_URL=(\S+)/, {
      ...options,
      env: { PGLITE_PORT: '0', ...options.env, DATABASE_URL: '' },
    }),
  worker: (options) => new Running(tsx('worker'), /worker: ready/, options),
  board: (options) => new Running(tsx('board'), LISTENS, { ...options, env: { BOARD_PORT: '0', ...options.env } }),
  /** For work on it. */
  development: ({ port, ...options }) =>
    new Running([NEXT, 'dev', '--hostname', '127.0.0.1', '--port', `${port}`], LISTENS, options),
  /** What `next build` has made, from a copy of it in `cwd`. */
  standalone: ({ port, ...options }) =>
    new Running(['server.js'], LISTENS, {
      ...options,
      env: { PORT: `${port}`, HOSTNAME: '127.0.0.1', NODE_ENV: 'production', ...options.env },
    }),
}

/** Runs what ends by itself. */
async function finish(args, options) {
  const running = new Running(args, /$^/, options)
  const how = await running.ended
  if (how !== 0) throw new Error(`${args.join(' ')} ended (${how}):\n${running.output}`)
}

/** Builds the application. @param {string[]} [flags] of `next build` */
const build = (flags = [], options) => finish([NEXT, 'build', ...flags], options)

/** Makes the table in the database that DATABASE_URL names. */
const makeTable = () => finish(tsx('database'))

/** Puts what `next build` has made where nothing of the repository is around it, as in an image. */
function placeStandalone() {
  const place = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-standalone-'))
  cpSync(path.join(folder, '.next/standalone'), place, { recursive: true, verbatimSymlinks: true })
  cpSync(path.join(folder, '.next/static'), path.join(place, '.next/static'), { recursive: true })
  return { folder: place, remove: () => rmSync(place, { recursive: true, force: true }) }
}

/** The application in a folder of its own, to be edited. Of what is installed the files are the same ones, which costs no space. */
function copyExample() {
  const cache = path.join(__dirname, '../.cache')
  mkdirSync(cache, { recursive: true })
  const place = mkdtempSync(path.join(cache, 'example-'))
  for (const name of readdirSync(folder)) {
    if (name === 'node_modules' || name === '.next') continue
    cpSync(path.join(folder, name), path.join(place, name), { recursive: true })
  }
  linkAll(inModules(), path.join(place, 'node_modules'))
  return { folder: place, remove: () => rmSync(place, { recursive: true, force: true }) }
}

function linkAll(from, to) {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) linkAll(source, target)
    else if (entry.isSymbolicLink()) cpSync(source, target, { verbatimSymlinks: true })
    else linkSync(source, target)
  }
}

module.exports = { Running, build, copyExample, folder, makeTable, placeStandalone, start }
