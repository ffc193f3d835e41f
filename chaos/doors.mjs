// The ways by which producers reach the primary: a proxy for each, for plain TCP or for TLS, which is between the producer
// and the server; the proxy sees what a network sees. What is done to one is done to all.
import { FaultyProxy } from '../tools/proxy.js'

const PORTS = { TCP: 'port', TLS: 'securePort' }

export class Doors {
  /** @param {('TCP' | 'TLS')[]} ways one for each producer */
  static async start(ways, primary) {
    const doors = new Doors()
    for (const way of ways) {
      const proxy = await FaultyProxy.start(primary[PORTS[way]])
      doors.#all.push({ way, proxy })
    }
    return doors
  }

  /** @type {{ way: 'TCP' | 'TLS', proxy: FaultyProxy }[]} */
  #all = []

  /** Where each producer goes. */
  get ports() {
    return this.#all.map(({ proxy }) => proxy.port)
  }

  /** The address leads to this server from now on. Links that stand stay. */
  lead(server) {
    for (const { way, proxy } of this.#all) proxy.targetPort = server[PORTS[way]]
  }

  /** Does something to each proxy. */
  each(act) {
    return Promise.all(this.#all.map(({ proxy }) => act(proxy)))
  }

  /** Does something to one proxy after the other. */
  async inTurn(act) {
    for (const [number, { proxy }] of this.#all.entries()) await act(proxy, number)
  }
}
