'use strict'
// Redis behind Sentinel: the primary is found, and followed when the sentinels elect another.
const { Authority } = require('../../tools/certificates.js')
const { useFaults } = require('../support/faults.js')
const { NAME, Sentinel, SentinelSetup, portOf } = require('../support/sentinel.js')
const { TlsFront } = require('../support/tls-front.js')
const { jobKey, newTicket, recorder } = require('../support/tickets.js')
const { until, withClient } = require('../../tools/until.js')

/** Longer than an election takes on a busy machine. */
const PATIENT = { timeoutMs: 30_000 }

const on = useFaults()
const has = (server, ticket) => withClient(server, (client) => client.exists(jobKey(ticket)))

test('the primary that the sentinels name is opened as the connection says: with TLS, login and database', async () => {
  const authority = on.keep(new Authority(), (it) => it.remove())
  const server = await on.server()
  const front = on.keep(await TlsFront.start(server.port, authority.issue()), (it) => it.stop())
  const sentinel = on.keep(await Sentinel.start(front, { quorum: 1 }), (it) => it.stop())
  const admin = on.client(server.url, { db: 3 })
  await admin.config('SET', 'requirepass', 'open-sesame')
  await admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all')
  for (const login of [{ password: 'open-sesame' }, { username: 'web', password: 'secret' }]) {
    const connection = { sentinels: [sentinel.address], name: NAME, tls: { ca: authority.ca }, db: 3, ...login }
    const pipeline = on.pipeline({ connection })
    const ticket = newTicket()
    await expect(pipeline.enqueue(ticket, recorder())).resolves.toMatchObject({ status: 'queued' })
    expect(await admin.exists(jobKey(ticket))).toBe(1)
    await pipeline.close()
  }
})

describe('the primary fails', () => {
  let setup
  beforeEach(async () => {
    setup = await SentinelSetup.start({ certificate: on.certificate })
  })
  afterEach(() => setup.stop())

  test('calls made after it was killed wait for its successor and are queued there', async () => {
    const pipeline = on.pipeline({ connection: setup.connection })
    const fault = on.fault({
      row: 5,
      fault: 'Sentinel elects another primary',
      done: '`kill -9` of the primary',
      pipeline,
    })
    const former = await setup.primary()
    await fault.burst(200)
    await setup.replicated(former, 2)
    await former.kill()
    const calls = fault.burst(200, PATIENT)
    const successor = await setup.successorOf(former)
    await fault.recovers()
    for (const { outcome } of await calls) expect(outcome).toBe('queued')
    await fault.ends(on.client(successor.url))
  })

  test('a call on its way to a primary that froze is sent again to its successor', async () => {
    const pipeline = on.pipeline({ connection: setup.connection })
    const fault = on.fault({
      row: 5,
      fault: 'primary frozen, another elected',
      done: 'SIGSTOP of the primary',
      pipeline,
    })
    const former = await setup.primary()
    await fault.call()
    await setup.replicated(former, 2)
    former.freeze()
    const calls = fault.burst(20, PATIENT)
    const successor = await setup.successorOf(former)
    for (const { outcome } of await calls) expect(outcome).toBe('queued')
    await fault.recovers()
    former.thaw()
    await fault.ends(on.client(successor.url))
  })

  test('the successor is followed although the former primary still takes writes', async () => {
    const pipeline = on.pipeline({ connection: setup.connection })
    const done = '`SENTINEL FAILOVER`, which demotes the primary some seconds after the election'
    const fault = on.fault({ row: 5, fault: 'primary replaced while it is well', done, pipeline })
    const former = await setup.primary()
    await fault.burst(50)
    await setup.replicated(former, 2)
    const successor = await setup.failover()
    let astray = -1
    let ticket
    do {
      astray += 1
      ticket = newTicket()
      await pipeline.enqueue(ticket, recorder())
      // What the former primary still takes is lost when it is demoted, so nobody may wait for that.
      expect((await withClient(former, (client) => client.role()))[0]).toBe('master')
    } while (!(await has(successor, ticket)))
    fault.remark(`${astray} calls answered by the former primary between the election and the switch`)
    await fault.recovers()
    await fault.ends(on.client(successor.url))
  })
})

describe('sentinels fail', () => {
  let setup
  beforeAll(async () => {
    setup = await SentinelSetup.start({ replicas: 1, certificate: on.certificate })
  })
  afterAll(() => setup.stop())

  test('one that still believes in a server that is a replica now is passed over', async () => {
    const primary = await setup.primary()
    const replica = setup.servers.find((server) => server !== primary)
    const stale = on.keep(await Sentinel.start(replica, { quorum: 1 }), (it) => it.stop())
    expect(await stale.primaryPort()).toBe(portOf(replica))
    const sentinels = [stale.address, ...setup.connection.sentinels]
    const pipeline = on.pipeline({ connection: { sentinels, name: NAME } })
    const fault = on.fault({ row: 5, fault: 'stale sentinel', done: 'the first sentinel names a replica', pipeline })
    await fault.burst(20)
    await fault.recovers()
    expect(await withClient(replica, (client) => client.role())).toContain('connected')
    await fault.ends(on.client(primary.url))
  })

  test('one that is stale does not make us leave the primary again and again', async () => {
    const primary = await setup.primary()
    const replica = setup.servers.find((server) => server !== primary)
    const stale = on.keep(await Sentinel.start(replica, { quorum: 1 }), (it) => it.stop())
    // The one that knows better is always the last to answer.
    const proxy = await on.proxy(setup.sentinels[0].port)
    proxy.treat('down', { delayMs: 50 })
    const sentinels = [stale.address, { port: proxy.port }]
    const pipeline = on.pipeline({ connection: { sentinels, name: NAME } })
    await pipeline.enqueue(newTicket(), recorder())
    const { connects } = pipeline.stats()
    let asked = 0
    proxy.on('up', () => {
      asked += 1
    })
    // It is asked again and again whether the primary is still the one.
    while (asked < 3) await pipeline.enqueue(newTicket(), recorder())
    expect(pipeline.stats()).toMatchObject({ connected: true, connects })
  })

  test('only stale sentinels: the call is not sent to the replica they name', async () => {
    const primary = await setup.primary()
    const replica = setup.servers.find((server) => server !== primary)
    const stale = on.keep(await Sentinel.start(replica, { quorum: 1 }), (it) => it.stop())
    const pipeline = on.pipeline({ connection: { sentinels: [stale.address], name: NAME } })
    const fault = on.fault({ row: 5, fault: 'only stale sentinels', done: 'they name a replica', pipeline })
    const { code, outcome, error } = await fault.call(newTicket(), { timeoutMs: 300 })
    expect([code, outcome]).toEqual(['QUEUE_UNAVAILABLE', 'not-sent'])
    expect(error.cause.message).toMatch(/no primary/)
    await fault.ends(on.client(primary.url))
  })

  test('one that asks for a password is given sentinelPassword, which is not that of the primary', async () => {
    const primary = await setup.primary()
    const guarded = await Sentinel.start(primary, { quorum: 1, password: 'open-sesame' })
    on.keep(guarded, (it) => it.stop())
    const connection = { sentinels: [guarded.address], name: NAME }
    const unarmed = on.pipeline({ connection })
    const fault = on.fault({ row: 5, fault: 'sentinel with a password', done: 'none given', pipeline: unarmed })
    const { code, error } = await fault.call(newTicket(), { timeoutMs: 300 })
    expect(code).toBe('QUEUE_UNAVAILABLE')
    expect(error.cause.message).toMatch(/NOAUTH/)
    const armed = on.pipeline({ connection: { ...connection, sentinelPassword: 'open-sesame' } })
    await expect(armed.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
    await fault.ends(on.client(primary.url))
  })

  test('one that asks for no password may be given one, as with ioredis', async () => {
    const primary = await setup.primary()
    const pipeline = on.pipeline({ connection: { ...setup.connection, sentinelPassword: 'idle', password: 'idle' } })
    await expect(pipeline.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
    expect(await withClient(primary, (client) => client.client('LIST'))).toMatch(/name=enqueue-boundary .*user=default/)
  })

  test('a name that the sentinels do not know is said to be unknown', async () => {
    const pipeline = on.pipeline({ connection: { ...setup.connection, name: 'others' } })
    const fault = on.fault({ row: 5, fault: 'unknown name', done: 'the sentinels know no such primary', pipeline })
    const { code, error } = await fault.call(newTicket(), { timeoutMs: 300 })
    expect(code).toBe('QUEUE_UNAVAILABLE')
    expect(error.cause.message).toContain('"others"')
    await fault.ends(on.client((await setup.primary()).url))
  })

  test('with two of three dead, and the first to be asked frozen, the last one is found', async () => {
    const [frozen, dead, living] = setup.sentinels
    frozen.freeze()
    await dead.kill()
    const pipeline = on.pipeline({ connection: setup.connection })
    const done = 'one sentinel frozen, one killed, one well'
    const fault = on.fault({ row: 5, fault: 'sentinels partly down', done, pipeline })
    await fault.burst(20)
    await living.kill()
    // The connection stands, so nobody needs to be asked.
    const { code } = await fault.call()
    expect(code).toBe('queued')
    const primary = setup.servers[0]
    await withClient(primary, (client) => client.client('KILL', 'TYPE', 'normal'))
    await until(() => !pipeline.stats().connected)
    const lost = await fault.call(newTicket(), { timeoutMs: 300 })
    expect([lost.code, lost.outcome]).toEqual(['QUEUE_UNAVAILABLE', 'not-sent'])
    living.up()
    await living.primaryPort()
    await fault.recovers()
    await fault.ends(on.client(primary.url))
  })
})
