// HTTP load, for both routes of the server, from a client so plain that its own work hardly shows.
import { once } from 'node:events'
import net from 'node:net'

const BUFFER_BYTES = 16_384

/** A connection that has one request at a time. */
class Connection {
  #socket
  #received = ''
  #request

  constructor(port) {
    const buffer = Buffer.alloc(BUFFER_BYTES)
    const callback = (length) => {
      this.#receive(buffer.latin1Slice(0, length))
      return true
    }
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback } })
    this.#socket.once('close', () => this.#request?.reject(new Error('the server closed the connection')))
  }

  async open() {
    await once(this.#socket, 'connect')
    return this
  }

  request(text, status) {
    this.#socket.write(text, 'latin1')
    return new Promise((resolve, reject) => {
      this.#request = { status: `HTTP/1.1 ${status} `, resolve, reject }
    })
  }

  #receive(text) {
    this.#received += text
    const head = this.#received.indexOf('\r\n\r\n')
    if (head < 0) return
    const [, length] = /^content-length: (\d+)/im.exec(this.#received)
    if (this.#received.length < head + 4 + Number(length)) return
    const { status, resolve, reject } = this.#request
    if (this.#received.startsWith(status)) resolve()
    else reject(new Error(`the server answered ${this.#received}`))
    this.#received = ''
    this.#request = undefined
  }

  close() {
    this.#socket.destroy()
  }
}

/** Requests that find no connection free wait for one in turn. */
class Connections {
  #all
  #idle
  #waiting = []

  constructor(all) {
    this.#all = all
    this.#idle = [...all]
  }

  static async open(port, length) {
    const all = Array.from({ length }, () => new Connection(port).open())
    return new Connections(await Promise.all(all))
  }

  async request(text, status) {
    const connection = this.#idle.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)))
    await connection.request(text, status)
    const next = this.#waiting.shift()
    if (next) next(connection)
    else this.#idle.push(connection)
  }

  close() {
    for (const connection of this.#all) connection.close()
  }
}

export async function open(url, { connections: size }) {
  const { port, host } = new URL(url)
  const connections = await Connections.open(Number(port), size)
  return {
    enqueue: (ticket) => {
      // The bench's tickets are ASCII, one byte a character.
      const body = JSON.stringify(ticket)
      const head = `POST /tickets HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
      return connections.request(`${head}\r\n\r\n${body}`, 202)
    },
    probe: () => connections.request(`GET /health HTTP/1.1\r\nhost: ${host}\r\n\r\n`, 200),
    close: () => connections.close(),
  }
}
