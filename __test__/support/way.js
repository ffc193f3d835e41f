'use strict'
// The way to Redis that a file of fault tests takes: TCP, or TLS where jest.config.js says so. Servers have a port for each;
// tests look at them over TCP whatever the way.
const { Authority } = require('../../tools/certificates.js')

const WAY = globalThis.WAY ?? 'TCP'
/** `redis.test` is what support/resolver.js gives an address. */
const NAMES = 'DNS:localhost,DNS:redis.test,IP:127.0.0.1'

class Way {
  #authority = WAY === 'TLS' ? new Authority() : undefined
  /** What a server is started with. */
  certificate = this.#authority?.issueFiles({ names: NAMES, always: true })
  /** Of a server or a proxy, by its port for TCP. */
  #ports = new Map()

  /** The port that has TLS where this one has none. */
  know(port, securePort) {
    if (securePort) this.#ports.set(port, securePort)
  }

  /** Where what is known by its port for TCP is to be reached. */
  port(port) {
    return this.#ports.get(port) ?? port
  }

  /** What a pipeline is given to go where `connection` goes over TCP. What it says of TLS itself stays. */
  connection(connection) {
    if (!this.#authority) return connection
    const tls = { ca: this.#authority.ca }
    if (typeof connection === 'string') return { tls, url: this.#url(connection) }
    const { cluster, sentinels, url, port } = connection
    if (sentinels) return { tls, ...connection }
    if (cluster) {
      return { tls, ...connection, cluster: cluster.map((node) => ({ ...node, port: this.port(node.port) })) }
    }
    if (url) return { tls, ...connection, url: this.#url(url) }
    return { tls, ...connection, port: this.port(port) }
  }

  /** The environment of a process that goes there. */
  environment({ url }) {
    if (!this.#authority) return { REDIS_URL: url }
    return { REDIS_URL: this.#url(url), NODE_EXTRA_CA_CERTS: this.certificate.ca }
  }

  /** For a TLS front of our own. */
  issue() {
    return this.#authority.issue({ names: NAMES, always: true })
  }

  #url(text) {
    const url = new URL(text)
    return text.replace('redis:', 'rediss:').replace(`:${url.port}`, `:${this.port(Number(url.port))}`)
  }

  remove() {
    this.#authority?.remove()
  }
}

module.exports = { WAY, Way }
