'use strict'
// A pipeline in a process of its own, for faults that only a process can have: its resolver, its death.
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { EnqueueError } = require('../..')

/** To the test it is a Pipeline whose storage is there already. */
class RemotePipeline {
  #child
  #waiting = new Map()
  #last = 0

  /** @param {object} options those of the Pipeline; @param {object} env what the process has in its environment besides */
  static async start(options, env) {
    const child = fork(__filename, { env: { ...process.env, NODE_OPTIONS: '', ...env } })
    child.send({ definition: options })
    await once(child, 'message')
    return new RemotePipeline(child)
  }

  constructor(child) {
    this.#child = child
    child.on('message', ({ number, result, failure }) => {
      const { resolve, reject } = this.#waiting.get(number)
      this.#waiting.delete(number)
      if (failure) reject(new EnqueueError(failure))
      else resolve(result)
    })
  }

  enqueue(ticket, _, options) {
    this.#last += 1
    this.#child.send({ number: this.#last, ticket, options })
    return new Promise((resolve, reject) => this.#waiting.set(this.#last, { resolve, reject }))
  }

  /** Resolves when the process has ended by itself. */
  async close() {
    if (this.#child.exitCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.disconnect()
    await ended
  }
}

/** The other end. */
function serve() {
  const { Pipeline, ticketTriageDefinition } = require('../..')
  const storage = { createPending() {} }
  let pipeline
  process.on('message', async ({ definition, number, ticket, options }) => {
    if (definition) {
      pipeline = new Pipeline({ ...ticketTriageDefinition, ...definition })
      process.send('ready')
      return
    }
    try {
      process.send({ number, result: await pipeline.enqueue(ticket, storage, options) })
    } catch (error) {
      const { title, message, cause } = error
      process.send({ number, failure: { ...error, title, message, detail: cause?.message } })
    }
  })
}

if (require.main === module) serve()

module.exports = { RemotePipeline }
