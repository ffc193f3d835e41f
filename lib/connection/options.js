'use strict'
// What each option of ioredis and BullMQ is to us: honoured, refused by name, or ignored. Written down once; a test
// holds the lists against the types of ioredis and BullMQ, so that a new option of theirs has to be decided about.

/** Who and where Redis is: read in index.js. `cluster` is ours: ioredis has a class for it. */
const HONOURED = /** @type {const} */ ([
  'url',
  'host',
  'port',
  'path',
  'username',
  'password',
  'db',
  'tls',
  'sentinels',
  'name',
  'role',
  'sentinelUsername',
  'sentinelPassword',
  'sentinelTLS',
  'enableTLSForSentinelMode',
  'cluster',
  'connectionName',
  'connectTimeout',
])

/** They change where jobs go, or under which keys, in a way that we do not follow. */
const REFUSED = /** @type {const} */ ({
  keyPrefix: 'would hide the queue from workers: use prefix',
  natMap: 'is not supported: the boundary goes to the addresses that sentinels and cluster nodes name',
  Connector: 'is not supported: the boundary opens its own connections',
  redisOptions: 'is not read: write its options beside cluster',
  useSRVRecords: 'is not supported: name some nodes with host and port',
  resolveSrv: 'is not supported: name some nodes with host and port',
})

/** They say how ioredis or BullMQ behave. `family` and `dnsLookup`: every address of a name is tried. */
const IGNORED = /** @type {const} */ ([
  'family',
  'dnsLookup',
  'preferredSlaves',
  'retryStrategy',
  'reconnectOnError',
  'clusterRetryStrategy',
  'clusterNodeRetryStrategy',
  'sentinelRetryStrategy',
  'sentinelReconnectStrategy',
  'sentinelMaxConnections',
  'sentinelCommandTimeout',
  'updateSentinels',
  'failoverDetector',
  'disconnectTimeout',
  'commandTimeout',
  'blockingTimeout',
  'blockingTimeoutGrace',
  'socketTimeout',
  'keepAlive',
  'noDelay',
  'disableClientInfo',
  'clientInfoTag',
  'autoResubscribe',
  'autoResendUnfulfilledCommands',
  'readOnly',
  'stringNumbers',
  'protocol',
  'replyMapping',
  'monitor',
  'maxRetriesPerRequest',
  'maxLoadingRetryTime',
  'enableAutoPipelining',
  'autoPipeliningIgnoredCommands',
  'offlineQueue',
  'commandQueue',
  'enableOfflineQueue',
  'enableReadyCheck',
  'lazyConnect',
  'scripts',
  'himportFieldsets',
  'showFriendlyErrorStack',
  'scaleReads',
  'maxRedirections',
  'retryDelayOnFailover',
  'retryDelayOnClusterDown',
  'retryDelayOnTryAgain',
  'retryDelayOnMoved',
  'slotsRefreshTimeout',
  'slotsRefreshInterval',
  'shardedSubscribers',
  'skipVersionCheck',
])

/** What others call an option of ours. Ignored, they would leave us at the default server. */
const MISNAMED = {
  hostname: 'host',
  address: 'host',
  socket: 'host and port, or path',
  unixSocket: 'path',
  user: 'username',
  pass: 'password',
  passwd: 'password',
  database: 'db',
  uri: 'url',
  connectionString: 'url',
  redisUrl: 'url',
  ssl: 'tls',
  masterName: 'name',
  sentinelName: 'name',
  sentinelTls: 'sentinelTLS',
  nodes: 'cluster',
  rootNodes: 'cluster',
  startupNodes: 'cluster',
  clusterNodes: 'cluster',
  ca: 'tls.ca',
  cert: 'tls.cert',
  key: 'tls.key',
  servername: 'tls.servername',
  rejectUnauthorized: 'tls.rejectUnauthorized',
}

const misnamed = new Map(Object.entries(MISNAMED).map(([name, ours]) => [name.toLowerCase(), ours]))
for (const name of HONOURED) misnamed.set(name.toLowerCase(), name)
const known = new Set([...HONOURED, ...IGNORED, ...Object.keys(REFUSED)])

/** What an option should have been called, where its name gives that away. */
function rightName(name) {
  return known.has(name) ? undefined : misnamed.get(name.replaceAll(/[-_]/g, '').toLowerCase())
}

module.exports = { HONOURED, IGNORED, REFUSED, known, rightName }
