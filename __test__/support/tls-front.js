'use strict'
// A TLS front for a plain server.
const { EventEmitter, once } = require('node:events')
const net = require('node:net')
const tls = require('node:tls')

/**
 * Real TLS in front of a plain server, since not every server program has TLS built in. Emits 'secured' with each socket
 * that shook hands, and 'failed' with why one did not.
 */
class TlsFront extends EventEmitter {
  /** @param {tls.TlsOptions} options as `tls.createServer` takes them */
  static async start(targetPort, options) {
    const front = new TlsFront()
    front.#server = tls.createServer(options, (client) => front.#join(client, targetPort))
    front.#server.on('tlsClientError', (error) => front.emit('failed', error))
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    front.port = front.#server.address().port
    return front
  }

  #server
  #sockets = new Set()

  /** Shows another certificate from the next connection on. */
  present(options) {
    this.#server.setSecureContext(options)
  }

  /** Ends the connections that stand. */
  cut() {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop() {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #join(client, targetPort) {
    const server = net.connect(targetPort, '127.0.0.1')
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      // A broken end ends the other; both are expected here.
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    client.pipe(server).pipe(client)
    this.emit('secured', client)
  }
}

module.exports = { TlsFront }
