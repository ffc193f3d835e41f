// HTTP load from autocannon, which finds out how much the server can take.
//
// It doesn't make the open loop. At a given `overallRate` it sends each connection's share in one go at the start of every
// second, its correction for coordinated omission fills in a request a millisecond whatever the rate is, and its histogram
// knows whole milliseconds only. And told when to send, as here, it still takes two or three times the CPU of plain.mjs,
// from Redis where they share a core, and its garbage stops it for milliseconds, which it then measures.
import autocannon from 'autocannon'

/** Connections that send when told to; requests that find none free wait for one in turn. */
class Connections {
  #idle = []
  #waiting = []
  #sent = new Map()
  #instance

  constructor(options, expectedStatus) {
    this.#instance = autocannon({
      ...options,
      // It ends when it is stopped, and then within one sample.
      duration: 86_400,
      timeout: 86_400,
      sampleInt: 100,
      setupClient: (client) => this.#adopt(client),
    })
    this.#instance.on('response', (client, status) => {
      const { resolve, reject } = this.#sent.get(client)
      this.#sent.delete(client)
      if (status === expectedStatus) resolve()
      else reject(new Error(`the server answered ${status}`))
    })
    this.#instance.on('reqError', (error) => {
      throw error
    })
  }

  /** The method by which a connection sends its next request on its own is the one place to take that over. */
  #adopt(client) {
    const send = client._doRequest
    if (typeof send !== 'function') throw new Error('this autocannon sends its requests in another way')
    client._doRequest = () => {
      this.#idle.push({ client, send })
      this.#dispatch()
    }
  }

  request(body) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject })
      this.#dispatch()
    })
  }

  #dispatch() {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const { client, send } = this.#idle.shift()
      const request = this.#waiting.shift()
      this.#sent.set(client, request)
      client.setBody(request.body)
      send.call(client)
    }
  }

  async close() {
    this.#instance.stop()
    await this.#instance
  }
}

export async function open(url, { connections }) {
  const headers = { 'content-type': 'application/json' }
  const pool = new Connections({ url: `${url}/tickets`, method: 'POST', headers, connections }, 202)
  return {
    enqueue: (ticket) => pool.request(JSON.stringify(ticket)),
    close: () => pool.close(),
  }
}
