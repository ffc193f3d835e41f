'use strict'
// What a connection means: the same as to ioredis 6, given as BullMQ gives it. What we take and they do not, or the
// other way round, stands in the tables at the end, each with what to write instead.
const { Redis } = require('ioredis')
const { readConnection } = require('../../lib/connection/index.js')
const { LIVE, STATIC } = require('../support/connection-forms.js')

const AT = { host: '127.0.0.1', port: 7001, locked: 7002, secure: 7003, socket: '/run/redis.sock', ca: [] }
const given = ([title, form]) => [title, typeof form === 'function' ? form(AT) : form]

/** As RedisConnection of BullMQ 5 and 6 makes a client of it, but without connecting. */
function theirs(connection) {
  const { url, ...rest } = typeof connection === 'string' ? { url: connection } : connection
  const options = { port: 6379, host: '127.0.0.1', ...rest, lazyConnect: true }
  const client = url ? new Redis(url, options) : new Redis(options)
  client.on('error', () => {})
  client.disconnect()
  return where(client.options)
}

const ours = (connection) => where({ ...readConnection(connection), isOurs: true })

/** Who is called where, as who, in the words of ioredis' options. */
function where({ sentinels, name, path, host, port, username, password, db, tls, sentinelUsername, sentinelPassword }) {
  const login = username || password ? { username: username || 'default', password: password || '' } : undefined
  const common = { login, db: db || 0, tls: Boolean(tls) }
  if (sentinels) {
    const nodes = sentinels.map((node) => `${node.host ?? '127.0.0.1'}:${node.port ?? 26_379}`)
    return { ...common, sentinels: nodes, name, sentinelUsername, sentinelPassword }
  }
  if (path) return { ...common, path }
  return { ...common, host: host === 'localhost' ? '127.0.0.1' : (host ?? '127.0.0.1'), port: port ?? 6379 }
}

test.each([...LIVE, ...STATIC].map(given))('%s', (_, connection) => {
  expect(ours(connection)).toEqual(theirs(connection))
})

test('the tables have what was asked for', () => {
  expect(LIVE.length).toBeGreaterThan(40)
  expect(LIVE.length + STATIC.length).toBeGreaterThan(60)
})

describe('can only mean one thing, which ioredis does not see in it', () => {
  const AT_HOST = { db: 0, tls: false, host: 'cache.example', port: 7000 }
  test.each([
    ['a scheme in upper case', 'REDIS://cache.example:7000', AT_HOST],
    [
      'the scheme of TLS in upper case, which ioredis takes for plain text',
      'REDISS://cache.example:7000',
      { ...AT_HOST, tls: true },
    ],
    ['the scheme of Valkey', 'valkey://cache.example:7000', AT_HOST],
    ['the scheme of Valkey with TLS', 'valkeys://cache.example:7000', { ...AT_HOST, tls: true }],
    ['blanks around it', '  redis://cache.example:7000\t', AT_HOST],
    ['quotes around it', '"redis://cache.example:7000"', AT_HOST],
    ['single quotes and blanks around it', " 'redis://cache.example:7000/' ", AT_HOST],
    ['a slash after the database', 'redis://cache.example:7000/3/', { ...AT_HOST, db: 3 }],
    ['the bare word tls', 'redis://cache.example:7000?tls', { ...AT_HOST, tls: true }],
    ['a socket with a scheme', 'unix:///run/redis.sock', { db: 0, tls: false, path: '/run/redis.sock' }],
    [
      'a socket with the scheme of redis-py',
      'redis+unix:///run/redis.sock?db=2&pass=p%40',
      { db: 2, tls: false, path: '/run/redis.sock', login: { username: 'default', password: 'p@' } },
    ],
    ['blanks around a host', { host: ' cache.example\n', port: 7000 }, AT_HOST],
    ['brackets around an address', { host: '[::1]', port: 7000 }, { ...AT_HOST, host: '::1' }],
    [
      'TLS beside a URL of TLS, said with null',
      { url: 'rediss://cache.example:7000', tls: null },
      { ...AT_HOST, tls: true },
    ],
    [
      'TLS for a primary behind sentinels, which ioredis calls in plain text',
      { sentinels: [{}], name: 'm', tls: {} },
      { db: 0, tls: true, sentinels: ['127.0.0.1:26379'], name: 'm' },
    ],
    ['a database that is empty', { host: 'cache.example', port: 7000, db: '' }, AT_HOST],
    ['a URL object', new URL('redis://cache.example:7000'), AT_HOST],
  ])('%s', (_, connection, place) => {
    expect(ours(connection)).toEqual(place)
  })
})

const ENCODE = 'in a user or password write % as %25, / as %2F, ? as %3F, # as %23 and @ as %40'
const NO_ADDRESS = 'it has a blank in it, so that it is no address or more than one'

describe('is refused in a sentence that says what to write', () => {
  test.each([
    [
      'http://cache.example:6379',
      'it is an HTTP address, as of a REST interface: take the one that begins with redis:// or rediss://',
    ],
    [
      'https://eu1-x.example',
      'it is an HTTP address, as of a REST interface: take the one that begins with redis:// or rediss://',
    ],
    ['tcp://cache.example:6379', 'its scheme is not that of Redis'],
    ['amqp://cache.example', 'its scheme is not that of Redis'],
    ['redis+tls://cache.example', 'write rediss:// for TLS'],
    ['redis-ssl://cache.example', 'write rediss:// for TLS'],
    ['redis+sentinel://s1:26379/m', 'give sentinels as options: { sentinels: [{ host, port }], name }'],
    ['redis-sentinel://s1:26379/m', 'give sentinels as options: { sentinels: [{ host, port }], name }'],
    ['redis+cluster://n1:7000', 'give the nodes of a cluster as an option: { cluster: [{ host, port }] }'],
    ['redis-cli --tls -u redis://default:hunter2@cache.example:6379', NO_ADDRESS],
    ['redis://a:1 redis://b:2', NO_ADDRESS],
    ['REDIS_URL=redis://:hunter2@cache.example', 'it begins with the name of a variable'],
    ['redis://a:7000,b:7001', 'it names several servers, which go in cluster or sentinels'],
    ['a:7000,b:7001', 'it names several servers, which go in cluster or sentinels'],
    ['redis://cache.example:port', `what follows its scheme is not host:port; ${ENCODE}`],
    ['redis://cache.example:66000', `what follows its scheme is not host:port; ${ENCODE}`],
    ['redis://:hun/ter2@cache.example', `what follows its scheme is not host:port; ${ENCODE}`],
    ['redis://:hun#ter2@cache.example', `what follows its scheme is not host:port; ${ENCODE}`],
    ['redis://:hun?ter2@cache.example', `what follows its scheme is not host:port; ${ENCODE}`],
    ['redis://web:12/hunter2@cache.example', `it goes on with # or @ after its host; ${ENCODE}`],
    ['redis://web:12#hunter2@cache.example', `it goes on with # or @ after its host; ${ENCODE}`],
    ['redis://web:12?hunter2@cache.example', `something after its ? is not understood; ${ENCODE}`],
    ['redis://web:12?hunter2=x@cache.example', `something after its ? is not understood; ${ENCODE}`],
    ['redis://:hunter2%@cache.example', `it has a % that begins no escape; ${ENCODE}`],
    ['redis://cache%2Eexample', 'its host is no name of a server'],
    ['redis://%2Frun%2Fredis.sock', 'its host is no name of a server'],
    ['redis://cache.example/tickets', `what stands after its host is not the number of a database; ${ENCODE}`],
    ['redis://cache.example/3x', `what stands after its host is not the number of a database; ${ENCODE}`],
    ['redis://cache.example/1/2', `what stands after its host is not the number of a database; ${ENCODE}`],
    ['rediss://cache.example#insecure', `it goes on with # or @ after its host; ${ENCODE}`],
    ['cache.example:6379/3', 'it has a path and no scheme'],
    ['redis://cache.example?ssl=true', 'ssl after its ? is not understood: did you mean tls?'],
    ['redis://cache.example?ssl_cert_reqs=none', 'ssl_cert_reqs after its ? is not understood'],
    ['redis://cache.example?database=3', 'database after its ? is not understood: did you mean db?'],
    ['redis://cache.example?TLS=1', 'TLS after its ? is not understood: did you mean tls?'],
    ['redis://cache.example?sentinels=a', 'sentinels cannot stand in a URL: give it as an option'],
    ['unix://run/redis.sock', 'the path of a socket begins with /'],
    ['unix:///run/a%20b.sock', 'it has a % in the path of a socket, which can be given as path'],
    ['redis://cache.example:0', 'there is no port 0'],
    ['redis://cache.example?port=x', 'port after its ? must be a number'],
    ['redis://cache.example?db=1.5', 'db after its ? must be a number'],
    [
      'redis://cache.example?tls=false',
      'tls after its ? must be true or left out, since ioredis takes any other text for yes',
    ],
    [
      'redis://cache.example?tls=0',
      'tls after its ? must be true or left out, since ioredis takes any other text for yes',
    ],
    ['redis://cache.example?keyPrefix=app:', 'keyPrefix after its ? would hide the queue from workers: use prefix'],
    ['redis://cache.example?role=slave', 'role after its ? must be master: jobs are written to the primary'],
  ])('%s', (url, why) => {
    for (const [connection, source] of [
      [url, 'connection'],
      [{ url }, 'connection.url'],
    ]) {
      expect(() => readConnection(connection)).toThrow(
        expect.objectContaining({
          code: 'MISCONFIGURED',
          cause: expect.objectContaining({ message: `${source} cannot be used: ${why}; set it to redis://host:port` }),
        }),
      )
    }
  })

  test.each([
    [{ keyPrefix: 'app:' }, 'connection.keyPrefix would hide the queue from workers: use prefix'],
    [{ sentinels: [{}], name: 'm', role: 'slave' }, 'connection.role must be master: jobs are written to the primary'],
    [{ sentinels: [{}], name: 'm', natMap: { 'a:1': { host: 'b', port: 2 } } }, /^connection\.natMap is not supported/],
    [
      { cluster: [{}], redisOptions: { password: 'p' } },
      'connection.redisOptions is not read: write its options beside cluster',
    ],
    [{ cluster: [{}], useSRVRecords: true }, /^connection\.useSRVRecords is not supported/],
    [{ Connector: class {} }, /^connection\.Connector is not supported/],
    [
      { sentinels: [{}], name: 'm', enableTLSForSentinelMode: true },
      'connection.enableTLSForSentinelMode needs tls: give tls: {}',
    ],
    [
      { sentinels: [{}], name: 'm', enableTLSForSentinelMode: false, tls: {} },
      /^connection\.enableTLSForSentinelMode is false and tls is given/,
    ],
    [{ url: 'rediss://h', tls: false }, /^connection\.url asks for TLS and connection\.tls is false/],
    [{ hostname: 'h' }, 'connection.hostname is not an option: did you mean host?'],
    [{ Host: 'h' }, 'connection.Host is not an option: did you mean host?'],
    [{ user: 'u', host: 'h' }, 'connection.user is not an option: did you mean username?'],
    [{ pass: 'p', host: 'h' }, 'connection.pass is not an option: did you mean password?'],
    [{ database: 3, host: 'h' }, 'connection.database is not an option: did you mean db?'],
    [{ socket: { host: 'h' } }, 'connection.socket is not an option: did you mean host and port, or path?'],
    [{ connection_string: 'redis://h' }, 'connection.connection_string is not an option: did you mean url?'],
    [
      { host: 'h', rejectUnauthorized: true },
      'connection.rejectUnauthorized is not an option: did you mean tls.rejectUnauthorized?',
    ],
  ])('%p', (connection, message) => {
    expect(() => readConnection(connection)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        cause: expect.objectContaining({ message: expect.stringMatching(message) }),
      }),
    )
  })

  test.each([
    ['redis://h', 'connection.host is a URL, not a host: give it as connection.url'],
    ['h:6379', 'connection.host is a host with a port, not a host: give the port as port'],
    ['[::1]:6379', 'connection.host is a host with a port, not a host: give the port as port'],
    ['/run/redis.sock', 'connection.host is a path, not a host: give it as connection.path'],
    ['a,b', 'connection.host is something else, not a host: give one name or address'],
  ])('the host %s', (host, message) => {
    expect(() => readConnection({ host })).toThrow(
      expect.objectContaining({ code: 'MISCONFIGURED', cause: expect.objectContaining({ message }) }),
    )
  })
})

test('what an object has from its prototype, polluted or not, changes nothing', () => {
  const inherited = Object.assign(Object.create({ host: 'elsewhere', tls: {}, db: 9 }), { port: 7000 })
  expect(ours(inherited)).toEqual(ours({ port: 7000 }))
})

test.each([
  ['the nodes of a cluster', { cluster: [{ host: 'a' }, { port: 7000 }] }],
  ['sentinels', { sentinels: [{ host: 'a' }, { port: 7000 }], name: 'm' }],
  ['options', { port: 7000 }],
])('what Object.prototype has changes nothing of %s', (_, connection) => {
  const clean = readConnection(connection)
  const polluted = { host: 'elsewhere', port: 1, href: 'redis://elsewhere', searchParams: {} }
  try {
    Object.assign(Object.prototype, polluted)
    expect({ ...readConnection(connection) }).toEqual(clean)
  } finally {
    for (const key of Object.keys(polluted)) delete Object.prototype[key]
  }
})
