'use strict'
// A real Sentinel set-up: one primary, its replicas, and sentinels that elect another primary when it fails.
const { spawn } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { OwnServer, freePort } = require('./redis.js')
const { until, withClient } = require('../../tools/until.js')

const NAME = 'tickets'
/** Without it a primary waits five seconds for more replicas before it sends its data. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0']

/** Where others go: servers of a set-up with TLS know each other by the ports for it. */
const portOf = (server) => server.securePort ?? server.port
/** How a sentinel speaks to servers and to its like. Clients may come to its port for TCP. */
const overTls = async ({ cert, key, ca }) => [
  `tls-port ${await freePort()}`,
  'tls-auth-clients no',
  'tls-replication yes',
  `tls-cert-file ${cert}`,
  `tls-key-file ${key}`,
  `tls-ca-cert-file ${ca}`,
]

/** One sentinel process. */
class Sentinel {
  /**
   * @param {OwnServer} primary what it takes for it, to begin with
   * @param {{ quorum?: number, password?: string }} [options] `password` is what it asks of its clients
   */
  static async start(primary, { quorum = 2, password } = {}) {
    const sentinel = new Sentinel(await freePort(), password)
    const config = [
      `port ${sentinel.port}`,
      'bind 127.0.0.1',
      `dir ${sentinel.dir}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${portOf(primary)} ${quorum}`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 3000`,
      password ? `requirepass ${password}` : '',
      ...(primary.certificate ? await overTls(primary.certificate) : []),
    ]
    writeFileSync(sentinel.config, config.join('\n'))
    sentinel.up()
    await sentinel.ask((client) => client.ping())
    return sentinel
  }

  constructor(port, password) {
    this.port = port
    this.password = password
    this.dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-sentinel-'))
    this.config = path.join(this.dir, 'sentinel.conf')
  }

  get address() {
    return { host: '127.0.0.1', port: this.port }
  }

  /** Starts the process; one that was killed comes back with what it knew. */
  up() {
    this.child = spawn(process.env.TEST_REDIS_COMMAND, [this.config, '--sentinel'], { stdio: 'ignore' })
    this.ended = new Promise((resolve) => this.child.once('exit', resolve))
  }

  ask(use) {
    return withClient(this, use, { password: this.password })
  }

  /** Whom it takes for the primary. */
  primaryPort() {
    return this.ask(async (client) => Number((await client.sentinel('GET-MASTER-ADDR-BY-NAME', NAME))[1]))
  }

  /** Resolves when it knows of this many replicas and other sentinels. */
  knows(replicas, others) {
    return this.ask((client) =>
      until(async () => {
        const flat = await client.sentinel('MASTER', NAME)
        const fact = (name) => Number(flat[flat.indexOf(name) + 1])
        return fact('num-slaves') === replicas && fact('num-other-sentinels') === others
      }),
    )
  }

  freeze() {
    this.child.kill('SIGSTOP')
  }

  async kill() {
    this.child.kill('SIGKILL')
    await this.ended
  }

  async stop() {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

class SentinelSetup {
  /** @param {{ replicas?: number, sentinels?: number, certificate?: object }} [options] with a certificate, over TLS */
  static async start({ replicas = 2, sentinels = 3, certificate } = {}) {
    const setup = new SentinelSetup()
    const args = [...AT_ONCE, ...(certificate ? ['--tls-replication', 'yes'] : [])]
    try {
      setup.servers.push(await OwnServer.start(args, { certificate }))
      const primary = setup.servers[0]
      for (let i = 0; i < replicas; i++) {
        setup.servers.push(
          await OwnServer.start([...args, '--replicaof', '127.0.0.1', `${portOf(primary)}`], { certificate }),
        )
      }
      for (let i = 0; i < sentinels; i++) setup.sentinels.push(await Sentinel.start(primary))
      await Promise.all(setup.sentinels.map((sentinel) => sentinel.knows(replicas, sentinels - 1)))
      await setup.replicated(primary, replicas)
    } catch (error) {
      await setup.stop()
      throw error
    }
    return setup
  }

  servers = []
  sentinels = []

  /** What a pipeline is given. */
  get connection() {
    return { sentinels: this.sentinels.map((sentinel) => sentinel.address), name: NAME }
  }

  /** The server that says of itself that it is the primary, and that a sentinel which lives says so of. */
  async primary() {
    const living = this.sentinels.find((sentinel) => sentinel.child.exitCode === null && !sentinel.child.killed)
    const port = await living.primaryPort()
    return this.servers.find((server) => portOf(server) === port)
  }

  /** Resolves when this many replicas have all that the primary has. */
  async replicated(primary, replicas) {
    await withClient(primary, async (client) => {
      // WAIT is about the writes of the connection that asks.
      const all = async () =>
        (await client.publish('nobody', '')) === 0 && (await client.wait(replicas, 100)) >= replicas
      const connected = async () => Number(/connected_slaves:(\d+)/.exec(await client.info('replication'))[1])
      await until(async () => (await connected()) >= replicas && (await all()))
    })
  }

  /** Makes the sentinels elect another primary though this one is well. Resolves when it serves. */
  async failover() {
    const before = await this.primary()
    await this.sentinels[0].ask((client) => client.sentinel('FAILOVER', NAME))
    return this.successorOf(before)
  }

  /** Resolves to the server that took the place of `former`, when all sentinels agree on it. */
  async successorOf(former) {
    const agreed = async () => {
      const ports = await Promise.all(this.sentinels.map((sentinel) => sentinel.primaryPort()))
      return ports.every((port) => port === ports[0] && port !== portOf(former))
    }
    await until(agreed)
    const successor = await this.primary()
    await withClient(successor, (client) => until(async () => (await client.role())[0] === 'master'))
    return successor
  }

  async stop() {
    await Promise.all([...this.sentinels, ...this.servers].map((it) => it.stop()))
  }
}

module.exports = { NAME, Sentinel, SentinelSetup, portOf }
