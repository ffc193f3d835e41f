'use strict'
// A wall clock that is wrong, and that jumps, for processes that are started with it. See clock.c.
const { execFileSync } = require('node:child_process')
const { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

class Clock {
  #dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-clock-'))
  #offset = path.join(this.#dir, 'offset')

  constructor() {
    const library = path.join(this.#dir, 'clock.so')
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, path.join(__dirname, 'clock.c')])
    writeFileSync(this.#offset, Buffer.alloc(8))
    /** What a process is started with to have this clock. */
    this.env = { LD_PRELOAD: library, CLOCK_FILE: this.#offset }
  }

  /** Moves the clock, also in processes that run: this far ahead of the machine's, or behind it. */
  set(milliseconds) {
    // In place, since the processes have the file mapped.
    const file = openSync(this.#offset, 'r+')
    writeSync(file, new BigInt64Array([BigInt(milliseconds)]))
    closeSync(file)
  }

  /** A program that is `command` with this clock. */
  wrap(command) {
    const wrapper = path.join(this.#dir, path.basename(command))
    const variables = Object.entries(this.env).map(([name, value]) => `${name}='${value}'`)
    writeFileSync(wrapper, `#!/bin/sh\n${variables.join(' ')} exec '${command}' "$@"\n`, { mode: 0o755 })
    return wrapper
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

module.exports = { Clock }
