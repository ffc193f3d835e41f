'use strict'
// Clusters, sentinels and TLS, with each what may be wrong with them.
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { Authority } = require('../../tools/certificates.js')
const { RedisCluster } = require('../support/cluster.js')
const { diagnose } = require('../support/doctor.js')
const { OwnServer } = require('../support/redis.js')
const { SentinelSetup } = require('../support/sentinel.js')
const { TlsFront } = require('../support/tls-front.js')

let folder
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-doctor-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function at(connection, ...args) {
  const file = path.join(folder, `${++files}.json`)
  writeFileSync(file, JSON.stringify(connection))
  return diagnose(['--connection', file, ...args])
}
const verdict = (status, text) => expect.objectContaining({ status, text: expect.stringMatching(text) })

describe('a cluster', () => {
  let cluster
  beforeAll(async () => {
    cluster = await RedisCluster.start()
  })
  afterAll(() => cluster.stop())
  const queue = ['--queue', 'orders']

  test('is well with a hash tag, and the node that has the queue is the one that is asked', async () => {
    const owner = await cluster.ownerOf('{bull}:orders:wait')
    const report = await at(cluster.connection, '--prefix', '{bull}', ...queue)
    expect(report.server).toBe(`127.0.0.1:${owner.port}`)
    expect(report.of('cluster').status).toBe('ok')
    for (const name of ['scripts', 'rights']) expect(report.of(name).status).toBe('ok')
    expect(report.of('work', 'orders').status).toBe('ok')
  })

  test('is looked at also where the first of its nodes is gone', async () => {
    const gone = { cluster: [{ host: '127.0.0.1', port: 1 }, ...cluster.connection.cluster] }
    expect((await at(gone, '--prefix', '{bull}')).of('connection').status).toBe('ok')
  })

  test('needs one, whether it is named as a cluster or as a server', async () => {
    const { of } = await at(cluster.connection, ...queue)
    expect(of('connection')).toEqual(verdict('failure', /\{bull\}/))
    const alone = await diagnose([`127.0.0.1:${cluster.nodes[0].port}`, ...queue])
    expect(alone.of('cluster')).toEqual(verdict('failure', /no hash tag/))
    expect(alone.of('cluster').advice).toContain("'{bull}'")
  })

  test('that is named by one node is followed, and warned of', async () => {
    for (const node of cluster.nodes) {
      const { of } = await diagnose([`127.0.0.1:${node.port}`, '--prefix', '{bull}', ...queue])
      expect(of('cluster')).toEqual(verdict('warning', /one node/))
      expect(of('scripts').status).toBe('ok')
    }
  })

  test('takes the braces of the name of a queue for a hash tag', async () => {
    const { of } = await diagnose([`127.0.0.1:${cluster.nodes[0].port}`, '--queue', '{orders}'])
    expect(of('cluster').status).toBe('warning')
    expect(of('scripts').status).toBe('ok')
  })
})

describe('sentinels', () => {
  let setup
  beforeAll(async () => {
    setup = await SentinelSetup.start({ replicas: 1 })
  })
  afterAll(() => setup.stop())

  test('lead to the primary, and a replica of its confirms', async () => {
    const primary = await setup.primary()
    const report = await at(setup.connection, '--durability', 'replica')
    expect(report.server).toBe(`127.0.0.1:${primary.port}`)
    expect(report.of('replicas')).toEqual(verdict('ok', /^1 replica/))
  })

  test('that know no such name are a failure that says so', async () => {
    const { of } = await at({ ...setup.connection, name: 'nobody' })
    expect(of('connection')).toEqual(verdict('failure', /sentinel .*nobody/))
  })
})

describe('TLS', () => {
  let authority
  let server
  const fronts = []
  beforeAll(async () => {
    authority = new Authority()
    server = await OwnServer.start()
  })
  afterAll(async () => {
    for (const front of fronts) await front.stop()
    await server.stop()
    authority.remove()
  })

  async function front(options) {
    const it = await TlsFront.start(server.port, authority.issue(options))
    fronts.push(it)
    return it
  }
  const over = ({ port }, tls) => ({ host: '127.0.0.1', port, tls: { ca: authority.ca, ...tls } })

  test('a certificate that is good for long is fine', async () => {
    expect((await at(over(await front({ always: true })))).of('tls')).toEqual(
      verdict('ok', /^trusted, until 2099-02-01$/),
    )
  })

  test('one that ends soon is warned of, with the day', async () => {
    const { of, checks } = await at(over(await front()))
    expect(of('tls')).toEqual(verdict('warning', /^trusted, until \d{4}-\d\d-\d\d, which is in [12] days?$/))
    expect(of('tls').advice).toContain('renew it')
    expect(JSON.stringify(checks)).not.toContain('BEGIN')
  })

  test.each([
    ['one that has ended', { expired: true }, {}, /expired/],
    ['one of another host', { names: 'DNS:elsewhere.example' }, {}, /./],
    ['one of an authority that is not trusted', {}, { ca: undefined }, /./],
  ])('%s is a failure', async (_, options, tls, text) => {
    const { of, code } = await at(over(await front(options), tls))
    expect(of('connection')).toEqual(verdict('failure', text))
    expect(of('connection').advice).toContain('NODE_EXTRA_CA_CERTS')
    expect(code).toBe(1)
  })

  test('one that is not looked at is warned of', async () => {
    const { of } = await at(over(await front({ expired: true }), { rejectUnauthorized: false }))
    expect(of('tls')).toEqual(verdict('warning', /any certificate/))
  })

  test('an authority of the environment is trusted', async () => {
    const { port } = await front({ always: true })
    const env = { NODE_EXTRA_CA_CERTS: authority.file('extra.pem', authority.ca) }
    expect((await diagnose([`rediss://127.0.0.1:${port}`], env)).of('tls').status).toBe('ok')
  })

  test('plain text where TLS is spoken, and TLS where it is not, are told apart from a server that is away', async () => {
    const { port } = await front({ always: true })
    for (const url of [`redis://127.0.0.1:${port}`, `rediss://127.0.0.1:${server.port}`]) {
      const { of } = await diagnose([url, '--timeout', '2000'])
      expect(of('connection').status).toBe('failure')
      expect(of('connection').advice).toContain('rediss://')
    }
  })
})

describe('plain text', () => {
  const { check } = require('../../lib/doctor/certificate.js')[0]

  test.each([
    ['localhost', 'ok'],
    ['127.0.0.1', 'ok'],
    ['redis', 'ok'],
    ['10.1.2.3', 'ok'],
    ['172.20.0.4', 'ok'],
    ['fd00:ec2::1', 'ok'],
    ['172.40.0.4', 'warning'],
    ['203.0.113.7', 'warning'],
    ['cache.example.com', 'warning'],
  ])('to %s: %s', (host, status) => {
    expect(check({ connection: { host, port: 6379 }, server: {} }).status).toBe(status)
    expect(check({ connection: { cluster: [{ host: 'localhost' }, { host }] }, server: {} }).status).toBe(status)
  })

  test('over a socket goes nowhere', () => {
    expect(check({ connection: { path: '/run/redis.sock' }, server: {} }).status).toBe('ok')
  })
})
