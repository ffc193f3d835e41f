'use strict'
// The demo as a newcomer runs it.
const { spawn } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '../..')

/** The demo in a process of its own. `line(pattern)` waits for a line of its output, `end` for its end. */
function startDemo(args, env) {
  const child = spawn(process.execPath, ['scripts/demo.mjs', ...args], {
    cwd: root,
    env: { ...process.env, REDIS_URL: '', DATABASE_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const demo = { output: '', kill: (signal) => child.kill(signal) }
  const waiting = new Set()
  const hear = (text) => {
    demo.output += text
    for (const look of waiting) look()
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  demo.end = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  demo.line = (pattern) => {
    const heard = new Promise((resolve) => {
      const look = () => {
        const match = demo.output.match(pattern)
        if (match) waiting.delete(look) && resolve(match)
      }
      waiting.add(look)
      look()
    })
    const ended = demo.end.then((code) => {
      throw new Error(`ended with ${code} before ${pattern}:\n${demo.output}`)
    })
    return Promise.race([heard, ended])
  }
  return demo
}

async function runDemo(args, env) {
  const demo = startDemo(args, env)
  const code = await demo.end
  return { code, output: demo.output }
}

/** Everything of BullMQ's that is in a database: of the demo's, and of others. */
const keysOf = (redis) => redis.keys('bull:*')

module.exports = { startDemo, runDemo, keysOf }
