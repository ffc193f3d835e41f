'use strict'
// BullMQ's option `connection` in each of its forms. Of a client its options are read: the boundary has a link of its own.

const { readConnection } = require('../connection/index.js')
const { invalidArgument } = require('../error.js')
const { isUsable } = require('../options.js')

/** What a client of node-redis has in `socket` that says nothing of TLS. */
const OF_SOCKETS = [
  ...['host', 'port', 'path', 'tls', 'family', 'lookup', 'hints', 'localAddress', 'localPort', 'timeout', 'noDelay'],
  ...['keepAlive', 'keepAliveInitialDelay', 'connectTimeout', 'socketTimeout', 'reconnectStrategy', 'pingInterval'],
]

const hasMethod = (value, name) => typeof value[name] === 'function'

/** @returns {object} what the native side takes */
function readConnectionOf(connection) {
  if (!isUsable(connection) || !isClient(connection)) return readConnection(optionsOf(connection))
  // BullMQ's own adapters have the client that they are of.
  const client = isUsable(connection.raw) ? connection.raw : connection
  if (hasMethod(client, 'defineCommand') && isUsable(client.options)) {
    return readConnection(client.isCluster ? optionsOfCluster(client) : withoutUnset(client.options))
  }
  if (hasMethod(client, 'sendCommand') && 'isOpen' in client && isUsable(client.options)) {
    return readConnection(optionsOfNodeRedis(client.options))
  }
  throw unreadable('connection is a client whose options cannot be read')
}

function isClient(connection) {
  return ['connect', 'sendCommand', 'customCommand', 'duplicate'].some((name) => hasMethod(connection, name))
}

function unreadable(why) {
  return invalidArgument(
    `${why}: give BullMQ options, a client or Cluster of ioredis, or a single client of node-redis`,
  )
}

/** What BullMQ takes no notice of, so that all but the jobs would go to the default server, is none. */
function optionsOf(connection) {
  if (typeof connection === 'string' || connection instanceof URL) {
    throw invalidArgument('connection is a URL, which BullMQ takes as { url }')
  }
  if (isUsable(connection) && connection.cluster) {
    throw invalidArgument('connection.cluster is no option of BullMQ: give it a Cluster of ioredis')
  }
  return withoutUnset(connection)
}

/** As BullMQ and ioredis have it, what is not said is as if it were not there. */
function withoutUnset(options) {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object' || Array.isArray(options)) return options
  const own = { __proto__: null }
  for (const key of Object.keys(options)) {
    if (options[key] !== undefined && options[key] !== null) own[key] = options[key]
  }
  return own
}

/** Of ioredis: nodes to begin with, and the options of the connections to all of them. */
function optionsOfCluster({ startupNodes, options }) {
  if (!Array.isArray(startupNodes)) throw unreadable('connection is a Cluster whose nodes cannot be read')
  const { redisOptions, ...others } = options
  return {
    ...withoutUnset(others),
    ...withoutUnset(redisOptions),
    ...withoutSrv(others),
    cluster: startupNodes.map(nodeOf),
  }
}

/** Each cluster has a resolver, whether it is used or not. */
function withoutSrv({ useSRVRecords }) {
  return { resolveSrv: undefined, useSRVRecords }
}

function nodeOf(node) {
  if (typeof node === 'object' && node !== null) return { host: node.host, port: node.port }
  const { host, port } = readConnection(typeof node === 'number' ? { port: node } : node)
  return { host, port }
}

function optionsOfNodeRedis({ url, socket = {}, username, password, database, credentialsProvider }) {
  // A URL has one made of what it says.
  if (credentialsProvider && username === undefined && password === undefined) {
    throw unreadable('connection is a client that has its credentials from elsewhere')
  }
  const { host, port, path } = socket
  const tls = Object.fromEntries(Object.entries(socket).filter(([key]) => !OF_SOCKETS.includes(key)))
  const place = path === undefined ? { host: host ?? urlOf(url).host, port: port ?? urlOf(url).port } : { path }
  return withoutUnset({ ...place, username, password, db: database, tls: socket.tls ? tls : undefined })
}

/** Where it is not in `socket` already, which a client puts it into. */
function urlOf(url) {
  return url === undefined ? {} : readConnection(url)
}

module.exports = { readConnectionOf }
