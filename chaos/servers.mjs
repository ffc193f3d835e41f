// Two real servers, a primary and its replica, which change places when one fails. Every write is on disk before it is
// acknowledged, so that a killed server comes back with all that it said it had.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { OwnServer } from '../tools/server.js'
import { until } from '../tools/until.js'

const ARGS = [
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
  ...['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'],
  // A script that runs for longer than this has other clients told BUSY, which is one of the faults.
  ...['--busy-reply-threshold', '50'],
]

/** What a server that comes back after it was killed is asked for. */
const WITNESS = 'chaos:witness'

class Server extends OwnServer {
  async up() {
    await super.up()
    this.admin ??= new Redis({ port: this.port, retryStrategy: () => 20, maxRetriesPerRequest: null })
    // It is killed on purpose; what was asked of it is asked again when it is back.
    this.admin.on('error', () => {})
  }

  /** It is killed, and comes back after `ms` with all that it had acknowledged. */
  async fall(ms) {
    const witness = `${Date.now()}`
    await this.admin.set(WITNESS, witness)
    await this.kill()
    await sleep(ms)
    await this.up()
    // A server that goes back in time proves nothing of the boundary.
    const seen = await this.admin.get(WITNESS)
    if (seen !== witness) throw new Error('the primary came back without what it had acknowledged')
  }

  async follow(primary) {
    await this.admin.replicaof('127.0.0.1', primary.port)
    this.args = [...ARGS, '--replicaof', '127.0.0.1', `${primary.port}`]
  }

  /** What INFO says of replication. */
  async replication() {
    const info = await this.admin.info('replication')
    return Object.fromEntries(info.split('\r\n').map((line) => line.split(':')))
  }

  async stop() {
    this.admin?.disconnect()
    await super.stop()
  }
}

export class Pair {
  /** @param {{ command: string, certificate?: object }} how as OwnServer is started */
  static async start(how) {
    const [primary, replica] = await Promise.all([Server.start(ARGS, how), Server.start(ARGS, how)])
    const pair = new Pair(primary, replica)
    await replica.follow(primary)
    await pair.inSync()
    return pair
  }

  constructor(primary, replica) {
    this.primary = primary
    this.replica = replica
  }

  /**
   * Resolves once the replica has all that the primary had a moment ago. What is asked first is asked anew each time: a
   * replica that loads a long queue is many seconds behind when it has what the primary had at the start.
   */
  async inSync() {
    await until(async () => {
      const { master_repl_offset: goal } = await this.primary.replication()
      const { master_link_status: link, slave_repl_offset: offset } = await this.replica.replication()
      return link === 'up' && Number(offset) >= Number(goal)
    })
  }

  /** The primary and the replica change places, in order: no acknowledged write is lost. */
  async failOver() {
    await this.inSync()
    await this.primary.admin.call('FAILOVER', 'TO', '127.0.0.1', `${this.replica.port}`)
    await until(async () => (await this.replica.replication()).role === 'master')
    this.#swap()
    this.primary.args = ARGS
    this.replica.args = [...ARGS, '--replicaof', '127.0.0.1', `${this.primary.port}`]
  }

  /**
   * The primary dies and the replica takes its place: what the primary alone had is lost.
   * @returns {Promise<number>} when it died
   */
  async crash() {
    await this.inSync()
    const at = Date.now()
    await this.primary.kill()
    await this.replica.admin.replicaof('NO', 'ONE')
    this.#swap()
    this.primary.args = ARGS
    return at
  }

  /** The server that crashed comes back, as a replica of the one that took its place. */
  async rejoin() {
    this.replica.args = [...ARGS, '--replicaof', '127.0.0.1', `${this.primary.port}`]
    await this.replica.up()
  }

  #swap() {
    ;[this.primary, this.replica] = [this.replica, this.primary]
  }

  async stop() {
    await Promise.all([this.primary.stop(), this.replica.stop()])
  }
}
