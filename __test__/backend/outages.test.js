'use strict'
// queue.add while Redis is paused, stopped, killed, absent or failing over: each call ends, by its deadline, in what is true of its
// job; nothing that was said to be added is lost; and the same Queue goes on when all is well.
const { useFaults } = require('../support/faults.js')
const { Adds } = require('../support/adds.js')
const { RedisCluster } = require('../support/cluster.js')
const { useQueues } = require('../support/queues.js')
const { SentinelSetup } = require('../support/sentinel.js')
const { until, withClient } = require('../../tools/until.js')

// Queues are closed before their servers go.
const queues = useQueues({})
const on = useFaults()

const SHORT = 300
const PATIENT = 120_000
/** All that was answered for is on the disk. */
const SAFE = ['--appendonly', 'yes', '--appendfsync', 'always']
const IN_TIME = ['OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE']

function addsOf(connection, timeoutMs, options) {
  const { queue } = queues.queue(queues.name(), { connection, ...options, backend: queues.factory({ timeoutMs }) })
  return new Adds(queue)
}
const addsTo = (server, timeoutMs) => addsOf({ port: server.port }, timeoutMs)

/** Nothing was made anew: the same Queue adds, and its own connection of BullMQ answers. */
async function goesOn(adds) {
  // On a machine that does much else, some may still be late.
  await until(async () => (await adds.burst(20)).every((code) => code === 'added'))
  await adds.audit()
}

/** All that have an id are added; of the others some may be in doubt, where their link was given up as it said nothing. */
function expectNamed(outcomes) {
  for (const { code, isNamed, unknown } of outcomes) {
    expect(isNamed && !unknown ? ['added'] : ['added', 'OUTCOME_UNKNOWN']).toContain(code)
  }
}

async function expectAdded(adds, adding) {
  const before = adds.outcomes.length
  await adding
  expectNamed(adds.outcomes.slice(before))
}

/** By name: how it is begun and ended. One that pauses all clients hears none of them either, and ends by itself. */
const PAUSES = {
  'CLIENT PAUSE': {
    begin: (server) => withClient(server, (client) => client.client('PAUSE', '2000', 'ALL')),
    end: (server) => withClient(server, (client) => client.ping()),
    endings: [...IN_TIME, 'added'],
  },
  'CLIENT PAUSE WRITE': {
    begin: (server) => withClient(server, (client) => client.client('PAUSE', '600000', 'WRITE')),
    end: (server) => withClient(server, (client) => client.client('UNPAUSE')),
  },
  SIGSTOP: { begin: async (server) => server.freeze(), end: async (server) => server.thaw() },
}

describe.each(Object.keys(PAUSES))('a Redis that is paused: %s', (name) => {
  const { begin, end, endings = IN_TIME } = PAUSES[name]

  test('past the deadline, adds end in time, and what was sent may be there', async () => {
    const server = await on.server()
    const adds = addsTo(server, SHORT)
    await adds.burst(10)
    do {
      await begin(server)
      for (let round = 0; round < 3; round++) for (const code of await adds.burst(20)) expect(endings).toContain(code)
    } while (!adds.codes.includes('OUTCOME_UNKNOWN'))
    await end(server)
    await goesOn(adds)
  })

  test('for less than that, they are added', async () => {
    const server = await on.server()
    const adds = addsTo(server, PATIENT)
    await adds.burst(10)
    await begin(server)
    const adding = expectAdded(adds, adds.burst(50))
    await end(server)
    await adding
    await goesOn(adds)
  })
})

describe('a Redis that is down', () => {
  test('at the start, adds that have the time for it are made when it comes', async () => {
    const server = await on.absentServer()
    const adds = addsTo(server, PATIENT)
    const adding = adds.burst(50)
    await server.up()
    expect(new Set(await adding)).toEqual(new Set(['added']))
    await goesOn(adds)
  })

  test('at the start, others are told so in time, over and over', async () => {
    const server = await on.absentServer()
    const adds = addsTo(server, SHORT)
    for (let round = 0; round < 3; round++) {
      expect(new Set(await adds.burst(50))).toEqual(new Set(['QUEUE_UNAVAILABLE']))
    }
    await server.up()
    await goesOn(adds)
  })

  test('killed amid adds that wait for it, it has all that have an id, and the others are in doubt or there', async () => {
    const server = await on.server(SAFE)
    const adds = addsTo(server, PATIENT)
    await adds.burst(10)
    for (let round = 0; round < 3; round++) {
      const stop = adds.load(20)
      const before = adds.outcomes.length
      await until(() => adds.outcomes.length > before + 100)
      await server.kill()
      await server.up()
      await stop()
    }
    expectNamed(adds.outcomes)
    await goesOn(adds)
  })

  test('killed amid adds that do not wait, each is told what is so', async () => {
    const server = await on.server(SAFE)
    const adds = addsTo(server, SHORT)
    const stop = adds.load(20)
    await until(() => adds.codes.includes('added'))
    await server.kill()
    await until(() => adds.codes.includes('QUEUE_UNAVAILABLE'))
    await server.up()
    await stop()
    await goesOn(adds)
  })
})

describe('a primary that fails over', () => {
  test('with Sentinel, adds that wait are made at its successor, and nothing is lost', async () => {
    const setup = on.keep(await SentinelSetup.start({ replicas: 1 }), (it) => it.stop())
    const adds = addsOf(setup.connection, PATIENT)
    const hasty = addsOf(setup.connection, SHORT)
    await Promise.all([adds.burst(20), hasty.burst(20)])
    const former = await setup.primary()
    await setup.replicated(former, 1)
    await former.kill()
    const adding = expectAdded(adds, adds.burst(50))
    for (const code of await hasty.burst(20)) expect(IN_TIME).toContain(code)
    await setup.successorOf(former)
    await adding
    await goesOn(adds)
    await goesOn(hasty)
  })

  test('in a cluster, likewise', async () => {
    const prefix = '{bull}'
    const cluster = on.keep(await RedisCluster.start(), (it) => it.stop())
    const owner = await cluster.ownerOf(prefix)
    const replica = await cluster.addReplica(owner)
    const client = () =>
      on.keep(
        cluster.client().on('error', () => {}),
        (it) => it.disconnect(),
      )
    const adds = addsOf(client(), PATIENT, { prefix })
    const hasty = addsOf(client(), SHORT, { prefix })
    await Promise.all([adds.burst(20), hasty.burst(20)])
    await withClient(owner, (it) => until(async () => (await it.wait(1, 100)) === 1))
    await owner.kill()
    const adding = expectAdded(adds, adds.burst(50))
    for (const code of await hasty.burst(20)) expect(IN_TIME).toContain(code)
    const other = cluster.nodes.find((node) => node !== owner)
    await until(async () => (await cluster.ownerOf(prefix, other)) === replica)
    await adding
    await goesOn(adds)
    await goesOn(hasty)
  })
})

test('a queue that is closed meanwhile waits for no longer than its adds do', async () => {
  const server = await on.server()
  const adds = addsTo(server, SHORT)
  await adds.one()
  server.freeze()
  const adding = adds.burst(20)
  await adds.queue.close()
  for (const code of await adding) expect(IN_TIME).toContain(code)
  server.thaw()
})
