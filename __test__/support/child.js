'use strict'
// Runs a piece of a program in a process of its own, with a deadline, for what only a process's end can show.
const { spawn } = require('node:child_process')
const path = require('node:path')

const root = path.join(__dirname, '../..')
const preamble = `
const { enqueueTicketTriage } = require(${JSON.stringify(root)})
const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 'The scanner is on fire' })
const storage = { createPending: async () => {} };
`

/**
 * @param {string} program JavaScript with `enqueueTicketTriage`, `ticket` and `storage` in scope, unless it is `bare`
 * @param {{ bare?: boolean, flags?: string[], env?: object, onLine?: (line: string, child: import('node:child_process').ChildProcess) => void }} [options]
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string }>}
 */
function runChild(program, { bare = false, flags = [], env, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, '-e', bare ? program : preamble + program], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
      for (const line of text.split('\n').filter(Boolean)) onLine?.(line, child)
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const deadline = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the child did not end within 4 minutes; it wrote:\n${stdout}\n${stderr}`))
    }, 240_000)
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

module.exports = { runChild }
