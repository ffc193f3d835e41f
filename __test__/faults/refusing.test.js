'use strict'
// A server that is there and says no: a replica, one without replicas, a full one, one that cannot save, one that loads.
const { mkdirSync, rmdirSync } = require('node:fs')
const path = require('node:path')
const { DEBUGGABLE, expectAll, useFaults } = require('../support/faults.js')
const { dump } = require('../support/keyspace.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()

/** Calls that all go out at once, in four batches: none of them waits for company. */
const BURST = 64

/** All calls got what is due while the server says `reason`. */
function expectRefusals(outcomes, reason) {
  // One that the deadline finds on its way to the server cannot know what the server will say this time.
  const onTheWay = ({ outcome, error }) =>
    outcome === 'unknown' && /: no answer came in time$/.test(error.cause.message)
  const refused = outcomes.filter((outcome) => !onTheWay(outcome))
  expectAll(refused, {
    code: 'QUEUE_UNAVAILABLE',
    outcome: 'refused',
    error: {
      status: 503,
      retryable: true,
      retryAfterMs: 1000,
      expose: false,
      message: expect.not.stringContaining(reason),
      cause: { message: expect.stringContaining(reason) },
    },
  })
}

describe('a primary that became a replica', () => {
  test('is left for the server that its name leads to next, and the calls go there', async () => {
    const AT_ONCE = ['--repl-diskless-sync-delay', '0']
    const [old, next] = [await on.server(AT_ONCE), await on.server()]
    const client = on.client(next.url)
    const proxy = await on.proxy(old.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({
      row: 4,
      fault: 'demoted, and another promoted',
      done: '`REPLICAOF` both ways amid the load, the name moved',
      pipeline,
    })
    await client.replicaof('127.0.0.1', old.port)
    await until(async () => /master_link_status:up/.test(await client.info('replication')))
    const load = fault.load(200)
    await until(() => load.outcomes.length >= 400)
    // An orderly failover, as FAILOVER does it: no write is taken that the new primary does not have.
    const demoted = on.client(old.url)
    await demoted.client('PAUSE', 10_000, 'WRITE')
    const offset = async (it) => /(?:master|slave)_repl_offset:(\d+)/.exec(await it.info('replication'))[1]
    await until(async () => (await offset(client)) === (await offset(demoted)))
    await client.replicaof('NO', 'ONE')
    await demoted.replicaof('127.0.0.1', next.port)
    await demoted.client('UNPAUSE')
    proxy.targetPort = on.port(next)
    await until(() => load.outcomes.length >= 1000)
    expectAll(await load.stop(), { code: 'queued' })
    await fault.recovers()
    await fault.ends(client)
  })

  test('with none to take its place refuses calls at their deadline, until it is a primary again', async () => {
    const server = await on.server()
    const client = on.client(server.url)
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({ row: 4, fault: 'demoted, none promoted', done: '`REPLICAOF` a dead port', pipeline })
    await fault.call()
    await client.replicaof('127.0.0.1', 1)
    expectRefusals(await fault.burst(BURST, { timeoutMs: 300 }), 'READONLY')
    await client.replicaof('NO', 'ONE')
    await fault.recovers()
    await fault.ends(client)
  })
})

test('a primary without the replicas it needs refuses calls at their deadline', async () => {
  const server = await on.server(['--min-replicas-to-write', '1'])
  const client = on.client(server.url)
  const pipeline = on.pipeline({ connection: server.url })
  const fault = on.fault({ row: 6, fault: 'NOREPLICAS', done: '`min-replicas-to-write 1` with none', pipeline })
  expectRefusals(await fault.burst(BURST, { timeoutMs: 3000 }), 'NOREPLICAS')
  await client.config('SET', 'min-replicas-to-write', 0)
  await fault.recovers()
  await fault.ends(client)
})

test('a full server refuses calls at once, and not a byte of any of them is left', async () => {
  const server = await on.server(['--maxmemory-policy', 'noeviction'])
  const client = on.client(server.url)
  const pipeline = on.pipeline({ connection: server.url })
  const fault = on.fault({ row: 7, fault: 'OOM', done: '`maxmemory 1`, `noeviction`', pipeline })
  await fault.burst(10)
  const before = await dump(client)
  await client.config('SET', 'maxmemory', 1)
  expectRefusals(await fault.burst(200, { timeoutMs: 60_000 }), 'OOM')
  await client.config('SET', 'maxmemory', 0)
  expect(await dump(client)).toEqual(before)
  await fault.recovers()
  await fault.ends(client)
})

test('a server that cannot save refuses calls at once, until it can', async () => {
  const server = await on.server()
  const client = on.client(server.url)
  await client.config('SET', 'save', '3600 1000000')
  const pipeline = on.pipeline({ connection: server.url })
  const fault = on.fault({ row: 8, fault: 'MISCONF', done: 'a directory in the way of `dump.rdb`', pipeline })
  const saved = async (status) => {
    await client.bgsave()
    await until(async () => new RegExp(`rdb_last_bgsave_status:${status}`).test(await client.info('persistence')))
  }
  await fault.call()
  // Takes from it what a full disk would, and root is not stopped by permissions.
  mkdirSync(path.join(server.dir, 'dump.rdb'))
  await saved('err')
  expectRefusals(await fault.burst(BURST, { timeoutMs: 60_000 }), 'MISCONF')
  rmdirSync(path.join(server.dir, 'dump.rdb'))
  await saved('ok')
  await fault.recovers()
  await fault.ends(client)
})

describe('a server that loads its data', () => {
  const row = 9
  /** Two seconds of loading 40 MB; while it goes on the server looks at its clients after every 2 MB. */
  const SLOW = ['--key-load-delay', '1000', '--rdbcompression', 'no']
  const fill = (client) =>
    Promise.all(Array.from({ length: 2000 }, (_, n) => client.set(`filler:${n}`, 'x'.repeat(20_000))))
  /** Resolves when the server says so. */
  const isLoading = (client) =>
    until(() =>
      client.ping().then(
        () => false,
        ({ message }) => message.startsWith('LOADING'),
      ),
    )

  test('after a restart is waited for, and a call whose time runs out is not sent', async () => {
    const server = await on.server(SLOW)
    const client = on.client(server.url, { enableReadyCheck: false })
    const pipeline = on.pipeline({ connection: server.url })
    const done = '40 MB, loaded in 2 s (`key-load-delay`)'
    const fault = on.fault({ row, fault: 'LOADING after a restart', done, pipeline })
    await fault.call()
    await fill(client)
    await client.save()
    await server.kill()
    const up = server.up()
    await isLoading(client)
    const patient = fault.burst(50, { timeoutMs: 30_000 })
    const late = await fault.burst(50, { timeoutMs: 500 })
    expectAll(late, { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    for (const { error } of late) expect(error.cause.message).toContain('LOADING')
    await up
    await fault.recovers()
    expectAll(await patient, { code: 'queued' })
    await fault.ends(client)
  })

  test('anew while the link stands refuses calls at their deadline', async () => {
    const server = await on.server([...SLOW, ...DEBUGGABLE])
    const client = on.client(server.url)
    const other = on.client(server.url, { enableReadyCheck: false })
    const pipeline = on.pipeline({ connection: server.url })
    const done = '40 MB, loaded in 2 s (`DEBUG RELOAD`)'
    const fault = on.fault({ row, fault: 'LOADING on a link that stands', done, pipeline })
    await fault.call()
    await other.ping()
    await fill(client)
    // Servers before Redis 7 do not let one say how often they look at their clients.
    await client.config('SET', 'loading-process-events-interval-bytes', 2048).catch(() => {})
    const reloaded = client.debug('RELOAD')
    await isLoading(other)
    const patient = fault.burst(50, { timeoutMs: 30_000 })
    // Deadlines apart, since those that find the calls on their way again say nothing of the server.
    const late = Array.from({ length: 64 }, (_, n) => fault.call(newTicket(), { timeoutMs: 200 + 10 * n }))
    expectRefusals(await Promise.all(late), 'LOADING')
    await reloaded
    await fault.recovers()
    expectAll(await patient, { code: 'queued' })
    await fault.ends(client)
  })
})
