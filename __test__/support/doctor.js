'use strict'
// Runs the doctor as people do, and gives what it found.
const { execFile } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '../..')
const program = path.join(root, require('../../package.json').bin['enqueue-boundary'])

/** @returns {Promise<{ code: number, stdout: string, stderr: string }>} */
function run(args, env = {}) {
  // What REDIS_URL is to the tests is not what the doctor is asked about.
  const { REDIS_URL, NO_COLOR, FORCE_COLOR, ...usual } = process.env
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...usual, NODE_OPTIONS: '', ...env }, timeout: 240_000 }
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr })
    })
  })
}

/**
 * What the doctor finds, as one object.
 * @returns {Promise<{ code: number, status: string, server?: string, checks: object[], of: (name: string, queue?: string) => object }>}
 *   `of` gives the one check of that name
 */
async function diagnose(args, env) {
  const { code, stdout, stderr } = await run(['doctor', ...args, '--json'], env)
  expect(stderr).toBe('')
  const report = JSON.parse(stdout)
  expect(code).toBe(report.status === 'failure' ? 1 : 0)
  const of = (name, queue) => {
    const found = report.checks.filter((check) => check.name === name && check.queue === queue)
    expect([name, found.length]).toEqual([name, 1])
    return found[0]
  }
  return { ...report, code, of }
}

module.exports = { run, diagnose }
