'use strict'
// `npx enqueue-boundary doctor`: what is asked for, and what is printed.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { parseArgs } = require('node:util')
const { failure } = require('./verdict.js')

const USAGE = `Usage: enqueue-boundary doctor [url] [options]

Says whether jobs would get to the Redis at this URL, or at REDIS_URL, and what to do where
something is amiss.

  --queue <name>            looks at this queue, and else at those that are there
  --prefix <prefix>         what the keys of queues begin with (bull)
  --durability <which>      primary, or replica where a replica confirms each job (primary)
  --connection <file>       options as a Pipeline takes them, for TLS, sentinels or a cluster: JSON,
                            or a module whose default export, or export connection, they are
  --timeout <ms>            how long connecting may take, and then each answer (5000)
  --json                    prints one object
  --help                    prints this

Ends with 0 where all is well or there are only warnings, 1 where there is a failure, 2 where it
was called wrongly.
`
const OPTIONS = {
  queue: { type: 'string' },
  prefix: { type: 'string', default: 'bull' },
  durability: { type: 'string', default: 'primary' },
  connection: { type: 'string' },
  timeout: { type: 'string', default: '5000' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
}
const MOST_MS = 600_000

/** It was called wrongly; `message` says how. */
class Usage extends Error {}

/**
 * @param {string[]} args those behind the name of the program
 * @param {{ stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream }} [streams]
 * @returns {Promise<number>} the exit status
 */
async function main(args, { stdout, stderr } = process) {
  try {
    const options = readArguments(args)
    if (options.help) {
      stdout.write(USAGE)
      return 0
    }
    const report = await diagnose(options)
    stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : print(report, stdout))
    return report.status === 'failure' ? 1 : 0
  } catch (error) {
    if (!(error instanceof Usage)) throw error
    stderr.write(`enqueue-boundary: ${error.message}\n\n${USAGE}`)
    return 2
  }
}

/** Nothing that was given is repeated but names of options: anything else may be a URL, with its password. */
function readArguments(args) {
  const { values, positionals } = parsed(args)
  const [command, url, ...rest] = positionals
  if (values.help) return values
  if (command !== 'doctor') throw new Usage(command === undefined ? 'say what to do' : 'there is no such command')
  if (rest.length > 0) throw new Usage('give one URL')
  if (url !== undefined && values.connection !== undefined) throw new Usage('give a URL or --connection, not both')
  for (const name of ['queue', 'prefix']) if (values[name] === '') throw new Usage(`--${name} must not be empty`)
  if (!['primary', 'replica'].includes(values.durability)) throw new Usage('--durability must be primary or replica')
  const timeoutMs = /^\d{1,6}$/.test(values.timeout) ? Number(values.timeout) : 0
  if (timeoutMs < 1 || timeoutMs > MOST_MS) throw new Usage(`--timeout must be from 1 to ${MOST_MS} milliseconds`)
  return { ...values, url, timeoutMs }
}

function parsed(args) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const known = Object.keys(OPTIONS).find((name) => error.message.includes(`'--${name}`))
    if (error.code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' && known) {
      throw new Usage(`--${known} ${OPTIONS[known].type === 'string' ? 'needs a value' : 'takes no value'}`)
    }
    throw new Usage('there is no such option')
  }
}

async function diagnose({ url, connection: file, prefix, queue, durability, timeoutMs }) {
  const report = (name, verdict) => ({ status: verdict.status, prefix, checks: [{ name, ...verdict }] })
  let examine
  let connection
  try {
    // Where there is no binary for this platform this says what to do about it.
    ;({ examine } = require('./examine.js'))
    require('../native.js')
  } catch (error) {
    if (error?.code !== 'ERR_ENQUEUE_BOUNDARY_BINARY') throw error
    const [what, mend] = error.message.split(/\s*To mend it: /)
    return report('binary', failure(what, mend))
  }
  const { isEnqueueError } = require('../error.js')
  try {
    connection = await readPlace(url, file)
  } catch (error) {
    if (!isEnqueueError(error)) throw error
    const message = error.cause?.message ?? error.message
    if (url !== undefined) throw new Usage(message)
    return report('connection', failure(message, 'correct what it names'))
  }
  return examine({ connection, prefix, queue, durability, timeoutMs })
}

async function readPlace(url, file) {
  const { readConnection, readEnvironment } = require('../connection/index.js')
  const replicated = false
  if (url !== undefined) return { ...readConnection(url), replicated }
  if (file === undefined) return { ...readEnvironment(), replicated }
  return { ...readConnection(await readOptions(path.resolve(file))), replicated }
}

/** What a file says is not repeated, not even where it cannot be read. */
async function readOptions(file) {
  try {
    if (file.endsWith('.json')) return JSON.parse(readFileSync(file, 'utf8'))
    const exported = await import(pathToFileURL(file).href)
    return exported.connection ?? exported.default?.connection ?? exported.default
  } catch (error) {
    throw new Usage(`--connection cannot be read (${error?.code ?? error?.name ?? 'it threw'})`)
  }
}

function print(report, stdout) {
  const { NO_COLOR, TERM } = process.env
  const { format } = require('./report.js')
  return format(report, stdout.isTTY === true && !NO_COLOR && TERM !== 'dumb')
}

module.exports = { main }
