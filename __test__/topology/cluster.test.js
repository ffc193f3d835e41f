'use strict'
// A real Redis Cluster of three masters: the node that has the queue is found, and followed wherever its slot goes.
const { Worker } = require('bullmq')
const { RedisCluster } = require('../support/cluster.js')
const { useFaults } = require('../support/faults.js')
const { jobId, newTicket, recorder } = require('../support/tickets.js')
const { until, withClient } = require('../../tools/until.js')

const PREFIX = '{bull}'
const PATIENT = { timeoutMs: 30_000 }

const on = useFaults()

let cluster
async function start() {
  const it = await RedisCluster.start({ certificate: on.certificate })
  it.nodes.forEach(on.know)
  return it
}
const pipelineOf = (options) => on.pipeline({ connection: cluster.connection, prefix: PREFIX, ...options })
const ends = (fault) =>
  fault.ends(
    on.keep(cluster.client(), (it) => it.disconnect()),
    { prefix: PREFIX },
  )
const another = (node) => cluster.nodes.find((it) => it !== node)

describe('the cluster is well', () => {
  beforeAll(async () => {
    cluster = await start()
  })
  afterAll(() => cluster.stop())

  test('any node leads to the one that has the queue, and a dead one to the next', async () => {
    const owner = await cluster.ownerOf(PREFIX)
    for (const node of cluster.nodes) {
      const fault = on.fault({
        row: 18,
        fault: 'MOVED',
        done: node === owner ? 'asked the node that has the queue' : 'asked a node that has not',
        pipeline: pipelineOf({ connection: { cluster: [{ port: 1 }, { port: node.port }] } }),
      })
      await fault.burst(20)
      await fault.recovers()
      await ends(fault)
    }
  })

  test('a BullMQ worker of the cluster consumes what was enqueued', async () => {
    const prefix = '{workers}'
    const pipeline = pipelineOf({ prefix })
    const ticket = newTicket()
    const connection = on.keep(cluster.client(), (it) => it.disconnect())
    const done = new Promise((resolve) => {
      const worker = new Worker('ticket-triage', async (job) => resolve(job.data), { connection, prefix })
      on.keep(worker, (it) => it.close())
    })
    await pipeline.enqueue(ticket, recorder())
    expect(await done).toEqual(ticket)
  })

  test('a slot that is moved under load is followed, and no call fails', async () => {
    const pipeline = pipelineOf()
    const done = 'moved to another master with MIGRATE amid calls'
    const fault = on.fault({ row: 18, fault: 'slot migrated under load: TRYAGAIN, ASK, MOVED', done, pipeline })
    const source = await cluster.ownerOf(PREFIX)
    const outcomes = await fault.burst(2000)
    let moved = false
    const load = (async () => {
      while (!moved) outcomes.push(...(await fault.burst(100, PATIENT)))
    })()
    await cluster.moveSlot(PREFIX, another(source), () =>
      // The slot does not leave before a call has met it on its way.
      withClient(source, (client) =>
        until(async () => /errorstat_(TRYAGAIN|ASK)/.test(await client.info('errorstats'))),
      ),
    )
    moved = true
    await load
    await fault.recovers()
    expect(await cluster.ownerOf(PREFIX)).not.toBe(source)
    expect(outcomes.filter(({ outcome }) => outcome !== 'queued')).toEqual([])
    await ends(fault)
  })

  test('two queues of different nodes do not tear one link from another, however the cluster is given', async () => {
    // Prefixes until two of them are of different nodes.
    const owners = new Map()
    for (let n = 0; owners.size < 2; n++) owners.set(await cluster.ownerOf(`{q${n}}`), `{q${n}}`)
    const [{ port }] = cluster.nodes
    for (const connection of [{ port }, { cluster: [{ port }] }]) {
      const pipelines = [...owners.values()].map((prefix) => pipelineOf({ connection, prefix }))
      const ticket = () => pipelines.map((pipeline) => pipeline.enqueue(newTicket(), recorder(), PATIENT))
      for (let round = 0; round < 50; round++) await Promise.all(ticket())
      // To the node that was given, and to the one that it names.
      for (const pipeline of pipelines) expect(pipeline.stats().connects).toBeLessThanOrEqual(2)
      await Promise.all(pipelines.map((pipeline) => pipeline.close()))
    }
  })

  test('a late MOVED does not lead a pipeline astray that was reconnected meanwhile, and no job is lost by it', async () => {
    const owner = await cluster.ownerOf(PREFIX)
    const proxy = await on.readingProxy(another(owner).port)
    const elsewhere = await on.absentServer()
    const pipeline = pipelineOf({ connection: proxy.url })
    let record
    const recorded = new Promise((resolve) => {
      record = resolve
    })
    const tickets = Array.from({ length: 50 }, () => newTicket())
    const calls = tickets.map((ticket) => pipeline.enqueue(ticket, { createPending: () => recorded }, PATIENT))
    await until(() => pipeline.stats().connected)
    proxy.hold()
    record()
    const heard = (direction, word) =>
      new Promise((resolve) => proxy.on(direction, (bytes) => bytes.includes(word) && resolve()))
    await heard('up', 'EVALSHA')
    pipeline.reconnect(on.connection(elsewhere.url))
    const moved = heard('down', 'MOVED')
    proxy.heal()
    await moved
    // Only now can the new link be made.
    await elsewhere.up()
    for (const { status } of await Promise.all(calls)) expect(status).toBe('queued')
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, connects: 2 })
    const keys = tickets.map((ticket) => `${PREFIX}:ticket-triage:${jobId(ticket)}`)
    expect(await on.client(elsewhere.url).exists(...keys)).toBe(50)
    expect(await on.client(owner.url).exists(...keys)).toBe(0)
  })

  test('without braces is refused at the call where the server turns out to be of a cluster', async () => {
    const pipeline = on.pipeline({ connection: cluster.nodes[0].url })
    const fault = on.fault({ row: 18, fault: 'CROSSSLOT', done: 'a node taken for a lone server, no braces', pipeline })
    const { code, outcome, error } = await fault.call()
    expect([code, outcome]).toEqual(['MISCONFIGURED', 'refused'])
    expect(error.cause.message).toContain('"{bull}"')
    expect(error.cause.message).toContain('CROSSSLOT')
    await fault.ends(on.keep(cluster.client(), (it) => it.disconnect()))
  })
})

describe('a node is lost', () => {
  beforeEach(async () => {
    cluster = await start()
  })
  afterEach(() => cluster.stop())

  test('while the node of the queue is down, calls end unsent or refused, and go on when it is back', async () => {
    const pipeline = pipelineOf()
    const done = '`kill -9` of the node that has the queue, no replica; started again'
    const fault = on.fault({ row: 18, fault: 'CLUSTERDOWN', done, pipeline })
    const owner = await cluster.ownerOf(PREFIX)
    await fault.burst(20)
    await owner.kill()
    await Promise.all(
      cluster.nodes
        .filter((node) => node !== owner)
        .map((node) =>
          withClient(node, (client) =>
            until(async () => (await client.cluster('INFO')).includes('cluster_state:fail')),
          ),
        ),
    )
    const lost = await fault.call(newTicket(), { timeoutMs: 1000 })
    expect(lost.code).toBe('QUEUE_UNAVAILABLE')
    expect(['not-sent', 'refused']).toContain(lost.outcome)
    const waiting = fault.burst(20, PATIENT)
    await owner.up()
    await cluster.settles()
    await fault.recovers()
    for (const { outcome } of await waiting) expect(outcome).toBe('queued')
    await ends(fault)
  })

  test('when a replica takes the place of a dead master, calls go there', async () => {
    const owner = await cluster.ownerOf(PREFIX)
    const replica = await cluster.addReplica(owner)
    const pipeline = pipelineOf()
    const done = '`kill -9` of the node that has the queue; its replica takes over'
    const fault = on.fault({ row: 18, fault: 'failover within the cluster', done, pipeline })
    await fault.burst(20)
    await withClient(owner, (client) => until(async () => (await client.wait(1, 100)) === 1))
    await owner.kill()
    const calls = fault.burst(20, PATIENT)
    await until(async () => (await cluster.ownerOf(PREFIX, another(owner))) === replica)
    for (const { outcome } of await calls) expect(outcome).toBe('queued')
    await fault.recovers()
    await ends(fault)
  })

  test('a node that was taken out of the cluster while nothing was sent is left', async () => {
    const pipeline = pipelineOf()
    const done = 'its slot moved away, forgotten by the others, reset'
    const fault = on.fault({ row: 18, fault: 'node removed', done, pipeline })
    const home = await cluster.ownerOf(PREFIX)
    const guest = await cluster.addMaster()
    await cluster.moveSlot(PREFIX, guest)
    await fault.burst(20)
    await cluster.moveSlot(PREFIX, home)
    await cluster.removeNode(guest)
    await fault.recovers()
    await ends(fault)
  })
})
