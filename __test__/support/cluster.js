'use strict'
// A real Redis Cluster: three masters that share the slots, and replicas of theirs where a test wants some.
const { Cluster } = require('ioredis')
const { OwnServer, freePort } = require('./redis.js')
const { until, withClient } = require('../../tools/until.js')

const SLOTS = 16_384
/** A node's second port, for its peers, is this much higher, and ports end at 65,535. */
const BUS_OFFSET = 10_000
const ARGS = [
  '--cluster-enabled',
  'yes',
  '--cluster-node-timeout',
  '1000',
  '--appendonly',
  'yes',
  '--appendfsync',
  'always',
]
const MIGRATE_TIMEOUT_MS = 5000

/** Where the others go: nodes of a cluster with TLS know each other by the ports for it. */
const portOf = (node) => node.securePort ?? node.port

async function nodePort() {
  for (;;) {
    const port = await freePort()
    if (port + BUS_OFFSET <= 65_535) return port
  }
}

class RedisCluster {
  /** @param {{ masters?: number, certificate?: object }} [options] with a certificate, over TLS */
  static async start({ masters = 3, certificate } = {}) {
    const cluster = new RedisCluster()
    cluster.#certificate = certificate
    try {
      for (let i = 0; i < masters; i++) await cluster.#addNode()
      const share = Math.ceil(SLOTS / masters)
      await Promise.all(
        cluster.nodes.map((node, i) => {
          const count = Math.min(share, SLOTS - i * share)
          return withClient(node, (client) =>
            client.cluster('ADDSLOTS', ...Array.from({ length: count }, (_, at) => i * share + at)),
          )
        }),
      )
      await cluster.settles()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  nodes = []
  #certificate

  /** What a pipeline is given. */
  get connection() {
    return { cluster: this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })) }
  }

  /** For BullMQ, and to look at what is there. Close it. */
  client() {
    const nodes = this.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
    return new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: null } })
  }

  async #addNode() {
    const secure = this.#certificate && { certificate: this.#certificate, securePort: await nodePort() }
    const args = secure ? [...ARGS, '--tls-cluster', 'yes', '--tls-replication', 'yes'] : ARGS
    const node = new OwnServer(await nodePort(), args, secure)
    this.nodes.push(node)
    await node.up()
    node.id = await withClient(node, (client) => client.cluster('MYID'))
    const [first] = this.nodes
    if (node !== first) {
      await withClient(first, (client) => client.cluster('MEET', '127.0.0.1', `${portOf(node)}`))
    }
    return node
  }

  /** Adds a node that has no slots yet. */
  async addMaster() {
    const node = await this.#addNode()
    await this.settles()
    return node
  }

  /** Adds a node that copies `master` and can take its place. */
  async addReplica(master) {
    const node = await this.#addNode()
    await withClient(node, async (client) => {
      await until(async () => (await client.cluster('NODES')).includes(master.id))
      await client.cluster('REPLICATE', master.id)
      await until(async () => (await client.info('replication')).includes('master_link_status:up'))
    })
    await this.settles()
    return node
  }

  /** Resolves when every node that lives knows all of them, and says that all slots are served. */
  settles(nodes = this.nodes) {
    return Promise.all(
      nodes.map((node) =>
        withClient(node, (client) =>
          until(async () => {
            const info = await client.cluster('INFO')
            return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${this.nodes.length}\r\n`)
          }),
        ),
      ),
    )
  }

  /** The node that has the slot of `key`, as `asked` knows it. */
  async ownerOf(key, asked = this.nodes[0]) {
    return withClient(asked, async (client) => {
      const slot = await client.cluster('KEYSLOT', key)
      const range = (await client.cluster('SLOTS')).find(([first, last]) => first <= slot && slot <= last)
      return this.nodes.find((node) => node.port === range[2][1])
    })
  }

  /** Moves the slot of `key` to `target` as redis-cli does. `moving` is awaited while the slot is on its way. */
  async moveSlot(key, target, moving = async () => {}) {
    const source = await this.ownerOf(key)
    await withClient(source, (from) =>
      withClient(target, async (to) => {
        const slot = await from.cluster('KEYSLOT', key)
        await to.cluster('SETSLOT', slot, 'IMPORTING', source.id)
        await from.cluster('SETSLOT', slot, 'MIGRATING', target.id)
        await moving()
        for (;;) {
          const keys = await from.cluster('GETKEYSINSLOT', slot, 100)
          if (keys.length === 0) break
          await from.call(
            'MIGRATE',
            '127.0.0.1',
            `${portOf(target)}`,
            '',
            '0',
            `${MIGRATE_TIMEOUT_MS}`,
            'KEYS',
            ...keys,
          )
        }
        await to.cluster('SETSLOT', slot, 'NODE', target.id)
        // One that heard of it already and has no slot left is a replica now, and takes no orders.
        await from.cluster('SETSLOT', slot, 'NODE', target.id).catch(() => {})
      }),
    )
    await until(async () => {
      const owners = await Promise.all(this.nodes.map((node) => this.ownerOf(key, node)))
      return owners.every((owner) => owner === target)
    })
  }

  /** Takes a node out that has no slots any more, as redis-cli does: the others forget it, and it forgets them. */
  async removeNode(node) {
    this.nodes = this.nodes.filter((other) => other !== node)
    this.removed.push(node)
    for (const other of this.nodes) await withClient(other, (client) => client.cluster('FORGET', node.id))
    await withClient(node, (client) => client.cluster('RESET', 'SOFT'))
  }

  removed = []

  async stop() {
    await Promise.all([...this.nodes, ...this.removed].map((node) => node.child && node.stop()))
  }
}

module.exports = { RedisCluster }
