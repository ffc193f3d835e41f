'use strict'
// The connection options that BullMQ and ioredis take, checked and put in the form that the native side takes.

const { readTls } = require('./connection/tls.js')
const { invalidArgument } = require('./error.js')

/**
 * @param {unknown} connection a URL, or an object of ioredis' options. Those that say how ioredis behaves, and not where
 *   Redis is, are ignored: the object can be the one that the workers are given.
 */
function readConnection(connection = {}) {
  if (typeof connection === 'string') return { url: connection }
  if (connection instanceof URL) return { url: connection.href }
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    throw invalidArgument('connection must be a URL or an object with a host')
  }
  if (typeof connection.connect === 'function') {
    throw invalidArgument('connection must be options and not a client: the boundary has a connection of its own')
  }
  if (connection.keyPrefix) throw invalidArgument('connection.keyPrefix would hide the queue from workers: use prefix')
  const { sentinels, cluster } = connection
  const url = readText(connection, 'url')
  const name = readText(connection, 'name')
  if ([url, sentinels, cluster].filter(Boolean).length > 1) {
    throw invalidArgument('connection must have only one of url, sentinels and cluster')
  }
  if (sentinels !== undefined && name === undefined) {
    throw invalidArgument('connection.name must be the name that the sentinels know the primary by')
  }
  return {
    url,
    host: readText(connection, 'host'),
    port: readNumber(connection, 'port', 1, 65_535),
    path: readText(connection, 'path'),
    username: readText(connection, 'username'),
    password: readText(connection, 'password'),
    db: readNumber(connection, 'db', 0, 2 ** 31),
    tls: readTls(connection.tls, 'tls'),
    sentinels: sentinels && readNodes(sentinels, 'sentinels', 26_379),
    name,
    sentinelUsername: readText(connection, 'sentinelUsername'),
    sentinelPassword: readText(connection, 'sentinelPassword'),
    sentinelTls: readTls(connection.sentinelTLS, 'sentinelTLS'),
    cluster: cluster && readNodes(cluster, 'cluster', 6379),
  }
}

/** Undefined, null and the empty text all mean that there is none. */
function readText(options, key, name = key) {
  const value = options[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalidArgument(`connection.${name} must be a string`)
  return value
}

/** Numbers come from environment variables, so that digits do as well. */
function readNumber(options, key, least, most) {
  const value = options[key]
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' ? Number(value) : value
  if (!Number.isInteger(number) || number < least || number > most) {
    throw invalidArgument(`connection.${key} must be an integer from ${least} to ${most}`)
  }
  return number
}

function readNodes(nodes, key, defaultPort) {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw invalidArgument(`connection.${key} must be an array of { host, port }`)
  }
  return nodes.map((node) => {
    if (typeof node !== 'object' || node === null) {
      throw invalidArgument(`connection.${key} must be an array of { host, port }`)
    }
    return {
      host: readText(node, 'host') ?? '127.0.0.1',
      port: readNumber(node, 'port', 1, 65_535) ?? defaultPort,
    }
  })
}

module.exports = { readConnection }
