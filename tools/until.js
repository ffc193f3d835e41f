'use strict'
// For what a server does in its own time and tells nobody: asks until it is so.
const { setTimeout: sleep } = require('node:timers/promises')
const { Redis } = require('ioredis')

const PAUSE_MS = 20
/** Past the timeout of any test, so that a loop does not outlive the run. */
const PATIENCE_MS = 330_000

/** Resolves when `condition` holds; rejects when asking fails. */
async function until(condition) {
  const end = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${condition}`)
    await sleep(PAUSE_MS)
  }
}

/** Opens a client of one server for `use`, which may wait for it to come up. */
async function withClient({ url, port }, use, options) {
  const client = new Redis(url ?? `redis://127.0.0.1:${port}`, { retryStrategy: () => PAUSE_MS, ...options })
  // A server that is not up yet is no failure.
  client.on('error', () => {})
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

module.exports = { until, withClient }
