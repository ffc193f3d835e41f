'use strict'
// Servers that have each a trouble, and what the doctor says of it.
const { rmSync } = require('node:fs')
const { judge } = require('../../lib/doctor/version.js')
const { Clock } = require('../support/clock.js')
const { diagnose } = require('../support/doctor.js')
const { OwnServer } = require('../support/redis.js')
const { FaultyProxy } = require('../../tools/proxy.js')
const { until, withClient } = require('../../tools/until.js')

const kept = []
afterEach(async () => {
  for (const it of kept.splice(0).reverse()) await it.stop()
})
async function start(args, how) {
  const server = await OwnServer.start(args, how)
  kept.push(server)
  return server
}
/** On the command line, servers of some versions take no value with a blank. */
async function startWith(settings) {
  const server = await start()
  await withClient(server, async (client) => {
    for (const [name, value] of Object.entries(settings)) await client.config('SET', name, value)
  })
  return server
}
const doctor = (server, ...args) => diagnose([`127.0.0.1:${server.port}`, ...args])
const verdict = (status, text) => expect.objectContaining({ status, text: expect.stringMatching(text) })

test('a server that is well gives no warning but what its version deserves', async () => {
  const { checks, status } = await doctor(await start(['--appendonly', 'yes']))
  const amiss = checks.filter((check) => check.status !== 'ok').map(({ name }) => name)
  expect(amiss.filter((name) => name !== 'version')).toEqual([])
  expect(['ok', 'warning']).toContain(status)
})

describe('its version', () => {
  test.each([
    ['Redis', '8.6.2', 'warning', /lacks security fixes/, /CVE-2026-23631.*8\.6\.5/],
    ['Redis', '8.6.4', 'warning', /lacks security fixes/, /^update to 8\.6\.5/],
    ['Redis', '8.6.5', 'ok', /./, undefined],
    ['Redis', '8.10.0', 'ok', /./, undefined],
    ['Redis', '9.0.0', 'ok', /./, undefined],
    ['Redis', '8.2.1', 'warning', /lacks/, /CVE-2026-23631.*8\.2\.8/],
    ['Redis', '7.0.15', 'warning', /no security fixes any more/, /newer branch/],
    ['Redis', '6.2.14', 'warning', /lacks/, /6\.2\.23/],
    ['Redis', '6.0.16', 'warning', /older/, /6\.2/],
    ['Redis', '5.0.14', 'failure', /too old/, /6\.2/],
    ['Valkey', '9.1.2', 'ok', /./, undefined],
    ['Valkey', '8.1.6', 'warning', /lacks/, /8\.1\.9/],
    ['Dragonfly', 'df-v1.34.0', 'warning', /Dragonfly/, /hash tag/],
    ['Garnet', '1.0.0', 'warning', /Garnet/, /not tested/],
  ])('%s %s', (kind, version, status, text, advice) => {
    const found = judge(kind, version)
    expect(found).toEqual(verdict(status, text))
    expect(found.text).toContain(version)
    if (advice) expect(found.advice).toMatch(advice)
    else expect(found.advice).toBeUndefined()
  })

  test('is read from the server itself', async () => {
    const server = await start()
    const info = await withClient(server, (client) => client.info('server'))
    const [, valkey] = /^valkey_version:(\S+)/m.exec(info) ?? []
    const [, redis] = /^redis_version:(\S+)/m.exec(info)
    const { of } = await doctor(server)
    expect(of('version').text).toContain(valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`)
  })
})

describe('its memory', () => {
  test.each([
    ['noeviction', '0', 'ok', /^noeviction$/],
    ['allkeys-lru', '100mb', 'failure', /^allkeys-lru: jobs may be deleted/],
    ['allkeys-lru', '0', 'warning', /maxmemory is not set yet/],
    ['volatile-ttl', '100mb', 'warning', /^volatile-ttl$/],
  ])('%s with a maxmemory of %s', async (policy, most, status, text) => {
    const { of } = await doctor(await start(['--maxmemory-policy', policy, '--maxmemory', most]))
    expect(of('eviction')).toEqual(verdict(status, text))
    if (status !== 'ok') expect(of('eviction').advice).toContain('noeviction')
  })

  test('keys that were evicted are told of, also where no more will be', async () => {
    const server = await start(['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '4mb'])
    await withClient(server, async (client) => {
      for (let i = 0; !/evicted_keys:[1-9]/.test(await client.info('stats')); i++) {
        await client.set(`filler${i}`, 'x'.repeat(100_000))
      }
    })
    expect((await doctor(server)).of('eviction')).toEqual(verdict('failure', /keys? evicted/))
    await withClient(server, (client) => client.config('SET', 'maxmemory-policy', 'noeviction'))
    expect((await doctor(server)).of('eviction')).toEqual(verdict('warning', /^noeviction now; \d+ keys? evicted/))
  })

  test('one that is nearly full refuses jobs soon', async () => {
    const server = await start()
    await withClient(server, async (client) => {
      const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1])
      await client.config('SET', 'maxmemory', `${Math.round(used * 1.02)}`)
    })
    const { of } = await doctor(server)
    expect(of('memory')).toEqual(verdict('warning', /\d+ MiB of \d+ MiB used/))
    expect(of('memory').advice).toContain('OOM')
  })
})

describe('what is kept', () => {
  test.each([
    ['the append-only file', { appendonly: 'yes' }, 'ok', /append-only/],
    ['nothing', {}, 'warning', /none: a restart loses/],
    ['snapshots', { save: '3600 1' }, 'warning', /snapshots only/],
  ])('%s', async (_, settings, status, text) => {
    expect((await doctor(await startWith(settings))).of('persistence')).toEqual(verdict(status, text))
  })

  test.each([
    ['has everything refused', 'yes', 'connection', /MISCONF/],
    ['is told of where writes go on', 'no', 'persistence', /snapshot failed/],
  ])('a snapshot that fails %s', async (_, stop, name, text) => {
    const server = await startWith({ save: '3600 1', 'stop-writes-on-bgsave-error': stop })
    rmSync(server.dir, { recursive: true })
    await withClient(server, async (client) => {
      await client.bgsave()
      await until(async () => /rdb_last_bgsave_status:err/.test(await client.info('persistence')))
    })
    const { of, code } = await doctor(server)
    expect(of(name)).toEqual(verdict('failure', text))
    expect(of(name).advice).toContain('disk')
    expect(code).toBe(1)
  })
})

describe('its replicas', () => {
  const replicaOf = (primary) =>
    start(['--replicaof', '127.0.0.1', `${primary.port}`, '--repl-diskless-sync-delay', '0'])
  const synced = (primary, count = 1) =>
    withClient(primary, (client) =>
      until(async () => (await client.info('replication')).match(/state=online/g)?.length === count),
    )

  test('none is fine unless one is to confirm each job', async () => {
    const primary = await start()
    expect((await doctor(primary)).of('replicas')).toEqual(verdict('ok', /^none/))
    const { of } = await doctor(primary, '--durability', 'replica')
    expect(of('replicas')).toEqual(verdict('failure', /durability 'replica' needs one/))
  })

  test('one that is there confirms, one that is frozen does not', async () => {
    const primary = await start()
    const replica = await replicaOf(primary)
    await synced(primary)
    expect((await doctor(primary, '--durability', 'replica')).of('replicas')).toEqual(
      verdict('ok', /1 replica, 1 in step/),
    )
    // So that there is something to be behind with.
    replica.freeze()
    await withClient(primary, (client) => client.set('x', 'y'))
    expect((await doctor(primary, '--durability', 'replica')).of('replicas').status).toBe('failure')
    replica.thaw()
  })

  test('too few for min-replicas-to-write have jobs refused', async () => {
    const { of } = await doctor(await start(['--min-replicas-to-write', '1']))
    expect(of('replicas')).toEqual(verdict('failure', /0 of the 1 replica that min-replicas-to-write/))
  })

  test('a replica itself takes no jobs', async () => {
    const primary = await start()
    const replica = await replicaOf(primary)
    await synced(primary)
    expect((await doctor(replica)).of('replicas')).toEqual(verdict('failure', /this is a replica/))
  })
})

describe('its distance', () => {
  test('a way that takes long is warned of', async () => {
    const server = await start()
    const proxy = await FaultyProxy.start(server.port)
    kept.push(proxy)
    proxy.treat('down', { delayMs: 80 })
    expect((await doctor(proxy)).of('round-trip')).toEqual(verdict('warning', /ms \(median of 9\)/))
  })

  test.each([
    ['ahead', 3_600_000, /ahead of ours/],
    ['behind', -3_600_000, /behind ours/],
  ])('a clock that is an hour %s is warned of', async (_, offset, text) => {
    const clock = new Clock()
    clock.set(offset)
    const server = await start([], { command: clock.wrap(process.env.TEST_REDIS_COMMAND) })
    expect((await doctor(server)).of('clock')).toEqual(verdict('warning', text))
    clock.remove()
  })
})
