'use strict'
// An example that is a project of its own, in a folder of its own: what its package.json asks for is what is installed here.
const { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } = require('node:fs')
const { execFile } = require('node:child_process')
const { tmpdir } = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '../..')
const OURS = ['index.js', 'index.d.ts', 'testing.js', 'testing.d.ts', 'lib', 'types', 'package.json']

class Application {
  /** @param {string} example the name of its folder in `examples/` */
  constructor(example) {
    this.folder = realpathSync(mkdtempSync(path.join(tmpdir(), `enqueue-boundary-${example}-`)))
    cpSync(path.join(root, 'examples', example), this.folder, { recursive: true })
    const { dependencies, devDependencies } = JSON.parse(readFileSync(path.join(this.folder, 'package.json')))
    for (const name of ['@types/node', ...Object.keys({ ...dependencies, ...devDependencies })]) this.#install(name)
  }

  #install(name) {
    const to = path.join(this.folder, 'node_modules', name)
    mkdirSync(path.dirname(to), { recursive: true })
    if (name !== 'enqueue-boundary') return symlinkSync(path.join(root, 'node_modules', name), to, 'junction')
    // Not a link: test runners take what is linked for source of the project.
    for (const file of OURS) cpSync(path.join(root, file), path.join(to, file), { recursive: true })
    symlinkSync(
      path.join(root, 'node_modules/@enqueue-boundary'),
      path.join(this.folder, 'node_modules/@enqueue-boundary'),
    )
  }

  /** Runs a program of its dependencies, such as `jest/bin/jest.js`. */
  run(program, args = [], env = {}) {
    const command = [path.join(this.folder, 'node_modules', program), ...args]
    const { TEST_REDIS_PORT, REDIS_URL, JEST_WORKER_ID, NODE_OPTIONS, NODE_ENV, ...rest } = process.env
    const options = { cwd: this.folder, env: { ...rest, NO_COLOR: '1', ...env }, timeout: 240_000 }
    return new Promise((resolve) => {
      execFile(process.execPath, command, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code ?? error.signal), output: stdout + stderr })
      })
    })
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

module.exports = { Application }
