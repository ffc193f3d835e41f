'use strict'
// A program that runs beside the tests until they are done with it, and says on stdout what it has to say.
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { until } = require('../../tools/until.js')

class Program {
  /** @type {string[]} */
  lines = []
  log = ''

  /**
   * @param {string} file
   * @param {NodeJS.ProcessEnv} [env] all of its environment
   */
  constructor(file, env = process.env) {
    this.child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface(this.child.stdout).on('line', (line) => this.lines.push(line))
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.log += text
    })
    this.closed = once(this.child, 'close')
  }

  /** The line with this number, once it is there. */
  async line(number) {
    await until(() => {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}:\n${this.log}`)
      return this.lines.length > number
    })
    return this.lines[number]
  }

  async stop() {
    this.child.kill('SIGKILL')
    await this.closed
  }
}

module.exports = { Program }
