'use strict'
// A certificate authority of the test's own, made with openssl when the test runs, and a TLS front for a plain server.
const { execFileSync } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const path = require('node:path')
const tls = require('node:tls')

const NAMES = 'DNS:localhost,IP:127.0.0.1'
/** For `openssl ca`, which unlike `openssl x509` can say when a certificate expired. */
const CONFIG = `[ca]
default_ca = test
[test]
database = index.txt
rand_serial = yes
unique_subject = no
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
[any]
commonName = supplied
`

class Authority {
  #dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-ca-'))
  #issued = 0

  constructor(name = 'Test authority') {
    this.#openssl('req', '-x509', ...this.#newKey('ca'), '-days', '2', '-subj', `/CN=${name}`, '-out', 'ca.pem')
    this.#write('ca.cnf', CONFIG)
    this.#write('index.txt', '')
    /** What a client trusts. */
    this.ca = this.#read('ca.pem')
  }

  /**
   * Issues a certificate with its key.
   * @param {{ names?: string, expired?: boolean }} [options] `names` are what openssl calls subjectAltName
   */
  issue({ names = NAMES, expired = false } = {}) {
    this.#issued += 1
    const name = `leaf${this.#issued}`
    const valid = expired ? ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'] : ['-days', '2']
    this.#write(`${name}.ext`, `subjectAltName=${names}`)
    this.#openssl('req', '-new', ...this.#newKey(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`)
    const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-notext', '-out', `${name}.pem`]
    this.#openssl('ca', '-batch', '-config', 'ca.cnf', ...valid, ...files)
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) }
  }

  remove() {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #newKey(name) {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  }

  #openssl(...args) {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' })
  }

  #write(file, text) {
    writeFileSync(path.join(this.#dir, file), text)
  }

  #read(file) {
    return readFileSync(path.join(this.#dir, file), 'utf8')
  }
}

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

module.exports = { Authority, TlsFront }
