'use strict'
// A TCP proxy on loopback that does to the bytes between the boundary and a server what networks do.
const { EventEmitter } = require('node:events')
const net = require('node:net')
const { setImmediate: nextTurn, setTimeout: sleep } = require('node:timers/promises')

/** Bytes of one direction that are held back before the sender feels it. */
const HIGH_WATER = 16 * 1024

/** A direction that is as good as none. */
const CLEAR = { delayMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, split: false, garble: undefined }

/**
 * Passes bytes both ways, `up` to the server and `down` from it, and treats each as it is told. It emits 'link' when a
 * link is made, 'cut' when one is cut, and 'up' and 'down' with the bytes that arrived, so that tests need not sleep.
 */
class FaultyProxy extends EventEmitter {
  /** @param {{ host?: string, port?: number }} [at] any loopback address; a free port of it */
  static async start(targetPort, { host = '127.0.0.1', port = 0 } = {}) {
    const proxy = new FaultyProxy()
    Object.assign(proxy, { targetPort, host, port })
    await proxy.accept()
    return proxy
  }

  #server
  #links = new Set()
  #held
  #release
  #cut
  up = CLEAR
  down = CLEAR

  get url() {
    return `redis://${this.host}:${this.port}`
  }

  /** How many links stand. */
  get links() {
    return this.#links.size
  }

  /**
   * What happens to the bytes of one direction from now on, on links that stand and on new ones.
   * @param {'up' | 'down'} direction
   * @param {{ delayMs?: number, jitterMs?: number, bytesPerSecond?: number, split?: boolean, garble?: (bytes: Buffer) => Buffer }} how
   *   `split` sends every byte by itself
   */
  treat(direction, how) {
    this[direction] = { ...CLEAR, ...how }
  }

  /** Holds everything on all links, also on new ones, until `heal`: as TCP does while no packet gets through. */
  hold() {
    this.#held = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** Drops what is sent on the links that stand from now on, without a word: as a router does that forgot them. */
  forget(...directions) {
    for (const link of this.#links) for (const direction of directions) link.forgotten.add(direction)
  }

  /** Lets `bytes` more of what the server sends through on each link; the first to reach them ends, with a reset or not. */
  cutReply(bytes, how) {
    this.#cut = { direction: 'down', bytes, how, passed: new Map() }
  }

  /** As `cutReply`, of what is sent to the server. */
  cutRequest(bytes, how) {
    this.#cut = { direction: 'up', bytes, how, passed: new Map() }
  }

  /** Resets all links that stand. */
  reset() {
    for (const link of this.#links) link.reset()
  }

  /** Refuses new links. */
  async refuse() {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.reset()
    await closed
  }

  /** Accepts links, always on the same port. */
  async accept() {
    this.#server = net.createServer((client) => this.#join(client))
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(this.port, this.host, resolve)
    })
    this.port = this.#server.address().port
  }

  /** Passes bytes as they are, but not on links that are forgotten. */
  heal() {
    this.up = CLEAR
    this.down = CLEAR
    this.#cut = undefined
    this.#release?.()
    this.#held = undefined
  }

  async stop() {
    this.heal()
    if (this.#server.listening) await this.refuse()
  }

  #join(client) {
    const link = new Link(client, net.connect(this.targetPort, '127.0.0.1'))
    this.#links.add(link)
    link.once('close', () => this.#links.delete(link))
    for (const direction of ['up', 'down']) {
      link.pass(direction, {
        treatment: () => this[direction],
        held: () => this.#held,
        arrived: (bytes) => this.emit(direction, bytes),
        cut: (bytes) => (this.#cut?.direction === direction ? this.#cutOff(link, bytes) : undefined),
      })
    }
    this.emit('link')
  }

  /** Where in `bytes` the link is to be cut, if anywhere. */
  #cutOff(link, bytes) {
    const { bytes: all, how, passed } = this.#cut
    const at = all - (passed.get(link) ?? 0)
    if (bytes.length < at) {
      passed.set(link, all - at + bytes.length)
      return undefined
    }
    this.#cut = undefined
    this.emit('cut')
    return { at, how }
  }
}

/** The two sockets of one connection. */
class Link extends EventEmitter {
  constructor(client, server) {
    super()
    this.ends = { up: [client, server], down: [server, client] }
    this.forgotten = new Set()
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      // A broken socket breaks the link, and 'close' follows each error.
      socket.on('error', () => {})
      socket.once('close', () => this.end())
    }
  }

  end() {
    for (const socket of this.ends.up) socket.destroy()
    this.emit('close')
  }

  reset() {
    for (const socket of this.ends.up) {
      // One that is being shut down cannot be reset: Node would leave it half closed, and go round for it at the end without an end.
      if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
    this.emit('close')
  }

  pass(direction, { treatment, held, arrived, cut }) {
    const [from, to] = this.ends[direction]
    const queue = []
    let queued = 0
    let free = 0
    let sending = false

    const send = async () => {
      sending = true
      while (queue.length > 0 && !to.destroyed) {
        const { bytes, due, split, ending } = queue[0]
        const wait = due - performance.now()
        if (wait > 0) await sleep(wait, undefined, { ref: false })
        await held()
        if (!this.forgotten.has(direction)) {
          for (const piece of split ? Array.from(bytes, (byte) => Buffer.of(byte)) : [bytes]) {
            await new Promise((resolve) => to.write(piece, resolve))
            if (split) await nextTurn()
          }
          if (ending) this[ending]()
        }
        queue.shift()
        queued -= bytes.length
        if (queued < HIGH_WATER) from.resume()
      }
      sending = false
    }

    from.on('data', (chunk) => {
      arrived(chunk)
      if (this.forgotten.has(direction)) return
      const { delayMs, jitterMs, bytesPerSecond, split, garble } = treatment()
      const bytes = garble ? garble(chunk) : chunk
      const end = cut(bytes)
      // Bytes never overtake each other, and each takes its time on the wire.
      const arrives = performance.now() + delayMs + Math.random() * jitterMs
      free = Math.max(arrives, free + (bytes.length / bytesPerSecond) * 1000)
      queue.push({ bytes: end ? bytes.subarray(0, end.at) : bytes, due: free, split, ending: end?.how })
      queued += bytes.length
      if (queued >= HIGH_WATER) from.pause()
      if (!sending) send()
    })
  }
}

module.exports = { FaultyProxy }
