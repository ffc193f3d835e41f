'use strict'
// A resolver that answers for the name redis.test as a test wishes, for processes that are started with it. See
// resolver.c.
const { execFileSync } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

class Resolver {
  #dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-resolver-'))
  #addresses = path.join(this.#dir, 'addresses')

  constructor() {
    const library = path.join(this.#dir, 'resolver.so')
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, path.join(__dirname, 'resolver.c'), '-ldl'])
    this.set()
    /** What a process is started with to have this resolver. */
    this.env = { LD_PRELOAD: library, RESOLVER_FILE: this.#addresses }
  }

  /** Changes what the name leads to, also in processes that run: nothing makes it a name that does not exist. */
  set(...addresses) {
    writeFileSync(this.#addresses, addresses.join('\n'))
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

module.exports = { Resolver }
