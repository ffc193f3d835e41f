'use strict'
// Forms of `connection` that people write, for the tests that hold ours against ioredis and BullMQ. Each is made for a
// place: `at` has a server without a password (and a user `web`), one that wants a password, and TLS in front of the
// first. What a form says of a place that no test starts is only compared, not gone to.

/** Has every character that means something in a URL. */
const PASSWORD = 'pa:ss/w@r?d#%'
const ENCODED = encodeURIComponent(PASSWORD)

/** Where both sides go: title, then the form. Strings go to BullMQ as `{ url }`, which is how it takes one. */
const LIVE = [
  ['host and port', (at) => ({ host: at.host, port: at.port })],
  ['host and a port in digits', (at) => ({ host: at.host, port: `${at.port}` })],
  ['a port alone', (at) => ({ port: at.port })],
  ['a name that is resolved', (at) => ({ host: 'localhost', port: at.port })],
  ['the address that means every one', (at) => ({ host: '0.0.0.0', port: at.port })],
  ['a database', (at) => ({ port: at.port, db: 3 })],
  ['a database in digits', (at) => ({ port: at.port, db: '3' })],
  ['a database that is null', (at) => ({ port: at.port, db: null })],
  ['a user', (at) => ({ port: at.port, username: 'web', password: 'secret' })],
  ['a user without a password', (at) => ({ port: at.port, username: 'open' })],
  ['the default user by name', (at) => ({ port: at.locked, username: 'default', password: PASSWORD })],
  ['a password', (at) => ({ port: at.locked, password: PASSWORD })],
  ['a password that nobody asked for', (at) => ({ port: at.port, password: 'idle' })],
  ['a user and a password that are empty', (at) => ({ port: at.port, username: '', password: '' })],
  ['a user and a password that are null', (at) => ({ port: at.port, username: null, password: null })],
  ['a user and a password that are undefined', (at) => ({ port: at.port, username: undefined, password: undefined })],
  ['a Unix socket', (at) => ({ path: at.socket })],
  ['a Unix socket beside host and port', (at) => ({ path: at.socket, host: 'nowhere.invalid', port: 1 })],
  ['a Unix socket and a database', (at) => ({ path: at.socket, db: 2 })],
  [
    'options that say how ioredis behaves',
    (at) => ({ port: at.port, maxRetriesPerRequest: null, family: 4, noDelay: true }),
  ],
  ['sentinels, and more, that are null', (at) => ({ port: at.port, sentinels: null, name: null, natMap: null })],
  ['a URL', (at) => `redis://${at.host}:${at.port}`],
  ['a URL with a slash at its end', (at) => `redis://${at.host}:${at.port}/`],
  ['a URL with a database', (at) => `redis://${at.host}:${at.port}/3`],
  ['a URL with a database in its query', (at) => `redis://${at.host}:${at.port}?db=3`],
  ['a URL with two databases', (at) => `redis://${at.host}:${at.port}/2?db=3`],
  ['a URL with a password', (at) => `redis://:${ENCODED}@${at.host}:${at.locked}`],
  ['a URL with a password in its query', (at) => `redis://${at.host}:${at.locked}?password=${ENCODED}`],
  ['a URL with a user', (at) => `redis://web:secret@${at.host}:${at.port}`],
  ['a URL with a user in its query', (at) => `redis://${at.host}:${at.port}?username=web&password=secret`],
  ['a URL with two users', (at) => `redis://web:secret@${at.host}:${at.port}?username=other&password=x`],
  ['a URL with a user and no password', (at) => `redis://open@${at.host}:${at.port}`],
  ['a URL with a user and password that are empty', (at) => `redis://:@${at.host}:${at.port}`],
  ['a URL with an @ that is not escaped', (at) => `redis://at:a@b@${at.host}:${at.port}`],
  ['a URL with the family in its query', (at) => `redis://${at.host}:${at.port}?family=4`],
  ['a URL with a port in its query', (at) => `redis://${at.host}?port=${at.port}`],
  ['a URL with a Unix socket in its query', (at) => `redis://nowhere.invalid?path=${at.socket}`],
  ['a URL with a line end after it', (at) => `redis://${at.host}:${at.port}\n`],
  ['host and port in a text', (at) => `${at.host}:${at.port}`],
  ['host and port in a text with a query', (at) => `${at.host}:${at.port}?db=4`],
  ['user, password, host and port in a text', (at) => `web:secret@${at.host}:${at.port}`],
  ['the digits of a port in a text', (at) => `${at.port}`],
  ['a URL without a scheme', (at) => `//${at.host}:${at.port}/3`],
  ['the path of a Unix socket in a text', (at) => at.socket],
  ['the path of a Unix socket with a query', (at) => `${at.socket}?db=5`],
  ['a URL beside a password', (at) => ({ url: `redis://${at.host}:${at.locked}`, password: PASSWORD })],
  [
    'a URL with a password beside another',
    (at) => ({ url: `redis://:${ENCODED}@${at.host}:${at.locked}`, password: 'x' }),
  ],
  ['a URL with a password beside a user', (at) => ({ url: `redis://:idle@${at.host}:${at.port}`, username: 'web' })],
  ['a URL with a database beside another', (at) => ({ url: `redis://${at.host}:${at.port}/5`, db: 3 })],
  ['a URL beside a database', (at) => ({ url: `redis://${at.host}:${at.port}`, db: 3 })],
  [
    'a URL beside another host and port',
    (at) => ({ url: `redis://${at.host}:${at.port}`, host: 'nowhere.invalid', port: 1 }),
  ],
  ['a URL without a port beside one', (at) => ({ url: `redis://${at.host}`, port: at.port })],
  ['a URL beside a Unix socket', (at) => ({ url: 'redis://nowhere.invalid', path: at.socket })],
  ['a URL beside undefined', (at) => ({ url: `redis://${at.host}:${at.port}`, host: undefined, db: undefined })],
  ['a host beside a URL that is undefined', (at) => ({ url: undefined, host: at.host, port: at.port })],
  ['a host beside a URL that is empty', (at) => ({ url: '', host: at.host, port: at.port })],
  ['TLS', (at) => ({ port: at.secure, tls: { ca: at.ca } })],
  ['TLS beside a URL of TLS', (at) => ({ url: `rediss://localhost:${at.secure}`, tls: { ca: at.ca } })],
  ['TLS beside a URL without', (at) => ({ url: `redis://localhost:${at.secure}`, tls: { ca: at.ca } })],
  ['no TLS, said with null', (at) => ({ port: at.port, tls: null })],
  ['no TLS, said with false', (at) => ({ port: at.port, tls: false })],
]

/** Where both sides would go, or why there is no telling. */
const STATIC = [
  ['nothing but an empty object', {}],
  ['nothing but what ioredis does', { maxRetriesPerRequest: null }],
  ['a database of the default server', { db: 3 }],
  ['a host', { host: 'cache.example' }],
  ['a host and a port that is undefined', { host: 'cache.example', port: undefined }],
  ['an address of version 6', { host: '::1', port: 7000 }],
  ['a URL with an address of version 6', 'redis://[::1]:7000'],
  ['a URL with a host alone', 'redis://cache.example'],
  ['a URL with a port that is empty', 'redis://cache.example:'],
  ['a URL with zeros before its port', 'redis://cache.example:06380'],
  ['a URL of TLS', 'rediss://:pw@cache.example:7000/2'],
  ['a URL with TLS in its query', 'redis://:pw@cache.example?tls=true'],
  ['a URL with upper case in its host', 'redis://Cache.Example'],
  ['a URL with a database of many zeros', 'redis://cache.example/003'],
  ['a host alone in a text', 'cache.example'],
  ['a URL with a host in its query', 'redis://cache.example?host=other.example'],
  ['sentinels', { sentinels: [{ host: 's1' }, { host: 's2', port: 26380 }], name: 'm' }],
  ['sentinels beside host, port and path', { sentinels: [{ port: 1 }], name: 'm', host: 'h', port: 2, path: '/p' }],
  [
    'sentinels with passwords',
    { sentinels: [{}], name: 'm', password: 'p', sentinelPassword: 's', sentinelUsername: 'u' },
  ],
  ['sentinels beside a URL', { sentinels: [{}], name: 'm', url: 'redis://:pw@h/3' }],
  ['sentinels with TLS to the primary', { sentinels: [{}], name: 'm', tls: {}, enableTLSForSentinelMode: true }],
]

module.exports = { LIVE, PASSWORD, STATIC }
