'use strict'
// A link to the server, the one that jobs would take, and what the server says over it.

/** The link broke, or an answer did not come: nothing more can be asked. */
class Lost extends Error {}

/** The options do not go together; `message` says how. */
class Wrong extends Error {}

const isRefusal = (reply) => typeof reply === 'object' && reply !== null && !Array.isArray(reply)

class Server {
  /**
   * @param {object} connection what `lib/connection/` makes of what was given
   * @param {string} key one of the queue, since in a cluster it says which node to ask
   * @param {number} timeoutMs how long connecting may take, and then each answer
   */
  static async open(connection, key, timeoutMs) {
    const { Probe } = require('../native.js')
    const probe = new Probe(connection)
    const { failure, wrong, server, certificatesEnd } = JSON.parse(await probe.open(key, timeoutMs))
    if (wrong) throw new Wrong([wrong.message, wrong.detail].filter(Boolean).join(': '))
    if (failure) throw lost(failure)
    return new Server(probe, server, certificatesEnd, timeoutMs)
  }

  #probe
  #timeoutMs
  #info

  constructor(probe, address, certificatesEnd, timeoutMs) {
    this.#probe = probe
    this.#timeoutMs = timeoutMs
    this.address = address
    /** In seconds since 1970; undefined without TLS. */
    this.certificatesEnd = certificatesEnd ?? undefined
  }

  /** @returns {Promise<{ reply: unknown, at: number, took: number }>} when it was sent, and how long the answer took, in ms */
  async ask(...words) {
    return this.#answer(await this.#probe.ask(words, this.#timeoutMs))
  }

  /** What a command says, or undefined where it is refused, as to a user who may not run it. */
  async value(...words) {
    const { reply } = await this.ask(...words)
    return isRefusal(reply) ? undefined : reply
  }

  /** Runs a script of ours that finds nothing. */
  async look(prefix, queue, whole) {
    return this.#answer(await this.#probe.look(prefix, queue, whole, this.#timeoutMs))
  }

  async rights(keys, commands) {
    return this.#answer(await this.#probe.rights(keys, commands, this.#timeoutMs))
  }

  /** What INFO says, by name; nothing where it is refused. */
  async info() {
    this.#info ??= readInfo(await this.value('INFO'))
    return this.#info
  }

  /** One setting of the server, where it may be seen. */
  async setting(name) {
    const found = await this.value('CONFIG', 'GET', name)
    return Array.isArray(found) ? found[1] : undefined
  }

  close() {
    this.#probe.close()
  }

  #answer(json) {
    const answer = JSON.parse(json)
    if (answer.failure) throw lost(answer.failure)
    return answer
  }
}

function lost({ text, code }) {
  return Object.assign(new Lost(text), { code: code ?? undefined })
}

function readInfo(text) {
  const info = new Map()
  for (const line of typeof text === 'string' ? text.split('\r\n') : []) {
    const at = line.indexOf(':')
    if (at > 0 && !line.startsWith('#')) info.set(line.slice(0, at), line.slice(at + 1))
  }
  return info
}

module.exports = { Server, Lost, Wrong, isRefusal, readInfo }
