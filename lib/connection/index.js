'use strict'
// The connection options that BullMQ and ioredis take, put in the form that the native side takes: jobs go where a
// worker with the same options looks for them, or nowhere.

const { invalidArgument, misconfigured, unset } = require('../error.js')
const { has } = require('../options.js')
const { REFUSED, HONOURED, rightName } = require('./options.js')
const { readTls } = require('./tls.js')
const { readUrl, unquoted } = require('./url.js')

const MUST_BE_PLACE = 'connection must be a URL or an object with a host'
const DEFAULT_NAME = 'enqueue-boundary'
/** What names a server. Where one of them is there and empty, a server was meant to be named. */
const PLACES = ['url', 'host', 'path', 'sentinels', 'cluster']
/** Methods of clients, those of ioredis, node-redis, Bun and GLIDE among them. */
const OF_CLIENTS = ['connect', 'sendCommand', 'customCommand', 'duplicate']

/**
 * The server that `REDIS_URL` names, or the default one. Read anew each time, since it is asked for at the first call.
 * @returns {object} what the native side takes
 */
function readEnvironment() {
  const REDIS_URL = Object.hasOwn(process.env, 'REDIS_URL') ? process.env.REDIS_URL : ''
  return toNative(unquoted(REDIS_URL) === '' ? {} : readUrl(REDIS_URL, 'REDIS_URL'))
}

/**
 * @param {unknown} connection a URL, or an object of ioredis' options, such as the one that the workers are given
 * @returns {object} what the native side takes
 * @throws {EnqueueError} `isUnset` tells whether it is only that nothing is set yet
 */
function readConnection(connection) {
  if (connection === undefined || connection === null) throw unset('connection')
  if (typeof connection === 'string') return toNative(readUrl(connection, 'connection'))
  if (typeof connection !== 'object' || Array.isArray(connection)) throw invalidArgument(MUST_BE_PLACE)
  // Not by its class: that of another realm is another one. But what Object.prototype has makes nothing a URL.
  if (has(connection, 'href') && has(connection, 'searchParams') && typeof connection.href === 'string') {
    return toNative(readUrl(connection.href, 'connection'))
  }
  if (OF_CLIENTS.some((method) => typeof connection[method] === 'function')) {
    throw invalidArgument('connection must be options and not a client: the boundary has a connection of its own')
  }
  return toNative(readOptions(connection))
}

/** Own properties and no others, as BullMQ takes them; each is read once. */
function readOptions(connection) {
  const options = { __proto__: null }
  for (const key of Object.keys(connection)) {
    const value = connection[key]
    if (HONOURED.includes(key)) options[key] = value
    else refuse(key, value)
  }
  checkNamed(options)
  const { url, ...others } = options
  const beside = { __proto__: null, ...others }
  if (!isGiven(url)) return beside
  // As ioredis does it: what the URL says goes before what stands beside it. TLS is only ever added.
  const { tls, ...fromUrl } = { __proto__: null, ...readUrl(readText(options, 'url'), 'connection.url') }
  if (tls !== undefined && beside.tls === false) {
    throw invalidArgument('connection.url asks for TLS and connection.tls is false: leave one of them out')
  }
  return { __proto__: null, ...beside, ...fromUrl, tls: isGiven(beside.tls) ? beside.tls : tls }
}

/** Where a key is there that was meant to name the server, and is empty, jobs must not go to the default one. */
function checkNamed(options) {
  const isEmpty = (key) => Object.hasOwn(options, key) && !isGiven(options[key])
  const named = PLACES.find((key) => isGiven(options[key]))
  if (named === undefined) {
    const meant = ['url', 'host', 'path', 'port'].find(isEmpty)
    if (meant !== undefined) throw unset(`connection.${meant}`)
  }
  if (named === 'host' && isBlank(options.port)) throw unset('connection.port')
  if (isGiven(options.cluster) && (isGiven(options.url) || isGiven(options.sentinels))) {
    throw invalidArgument('connection must have only one of url, sentinels and cluster')
  }
}

/** Throws for an option that matters and is not followed. */
function refuse(key, value) {
  if (!isGiven(value) || value === false) return
  if (Object.hasOwn(REFUSED, key)) throw invalidArgument(`connection.${key} ${REFUSED[key]}`)
  const right = rightName(key)
  if (right !== undefined) throw invalidArgument(`connection.${key} is not an option: did you mean ${right}?`)
}

/** Undefined, null and the empty text all mean that there is none; so does what a number is read from that is not set. */
function isGiven(value) {
  return value !== undefined && value !== null && !isBlank(value)
}

function isBlank(value) {
  return Number.isNaN(value) || (typeof value === 'string' && ['', 'undefined', 'null', 'NaN'].includes(value.trim()))
}

/** From options of ioredis, merged, to what the native side takes: with the defaults, and without what does not count. */
function toNative(given) {
  // What Object.prototype has is no option of anyone's.
  const options = { __proto__: null, ...given }
  for (const key of Object.keys(options)) refuse(key, options[key])
  if (isGiven(options.role) && options.role !== 'master') {
    throw invalidArgument('connection.role must be master: jobs are written to the primary')
  }
  const tls = readTls(options.tls, 'tls')
  return {
    ...readPlace(options, tls),
    username: readText(options, 'username'),
    password: readText(options, 'password'),
    db: readNumber(options, 'db', 0, 2 ** 31 - 1) ?? 0,
    tls,
    connectionName: readText(options, 'connectionName') ?? DEFAULT_NAME,
    connectTimeoutMs: readNumber(options, 'connectTimeout', 1, 2 ** 31 - 1),
  }
}

/** Where the primary is found. All that is given is checked, and one of them counts. */
function readPlace(options, tls) {
  const name = readText(options, 'name')
  const sentinels = isGiven(options.sentinels) && {
    sentinels: readNodes(options.sentinels, 'sentinels', 26_379),
    name,
    sentinelUsername: readText(options, 'sentinelUsername'),
    sentinelPassword: readText(options, 'sentinelPassword'),
    sentinelTls: readTls(options.sentinelTLS, 'sentinelTLS'),
  }
  if (sentinels && name === undefined) {
    throw invalidArgument('connection.name must be the name that the sentinels know the primary by')
  }
  if (sentinels) checkSentinelTls(options.enableTLSForSentinelMode, tls)
  const path = readText(options, 'path')
  const server = {
    host: readHost(options, 'host') ?? '127.0.0.1',
    port: readNumber(options, 'port', 1, 65_535) ?? 6379,
  }
  if (isGiven(options.cluster)) return { cluster: readNodes(options.cluster, 'cluster', 6379) }
  return sentinels || (path === undefined ? server : { path })
}

/** ioredis goes to the primary in plain text unless both are given. Here `tls` alone is enough, and half of it is not. */
function checkSentinelTls(enabled, tls) {
  if (isGiven(enabled) && enabled !== false && tls === undefined) {
    throw invalidArgument('connection.enableTLSForSentinelMode needs tls: give tls: {}')
  }
  if (enabled === false && tls !== undefined) {
    throw invalidArgument('connection.enableTLSForSentinelMode is false and tls is given: leave one of them out')
  }
}

function readText(options, key) {
  const value = options[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalidArgument(`connection.${key} must be a string`)
  return value
}

/** Numbers come from environment variables, so that digits do as well. */
function readNumber(options, key, least, most) {
  const value = options[key]
  if (!isGiven(value)) return undefined
  const number = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value
  if (!Number.isInteger(number) || number < least || number > most) {
    throw invalidArgument(`connection.${key} must be an integer from ${least} to ${most}`)
  }
  return number
}

/** A name or an address, and not what people put there instead. */
function readHost(options, key, name = key) {
  const host = readText(options, key)?.trim()
  if (host === undefined) return undefined
  const not = (what, instead) => misconfigured(`connection.${name} is ${what}, not a host: ${instead}`)
  if (host.includes('://')) throw not('a URL', 'give it as connection.url')
  if (host.startsWith('/')) throw not('a path', 'give it as connection.path')
  if (/^([^:]+|\[.*\]):\d*$/.test(host)) throw not('a host with a port', 'give the port as port')
  if (/[\s/?#@,]/.test(host)) throw not('something else', 'give one name or address')
  return host.replace(/^\[(.*)\]$/, '$1')
}

function readNodes(nodes, key, defaultPort) {
  const mustBe = `connection.${key} must be an array of { host, port }`
  if (!Array.isArray(nodes) || nodes.length === 0) throw invalidArgument(mustBe)
  return nodes.map((given) => {
    if (typeof given !== 'object' || given === null) throw invalidArgument(mustBe)
    const node = { __proto__: null }
    for (const each of ['host', 'port']) if (has(given, each)) node[each] = given[each]
    if (Object.hasOwn(node, 'host') && !isGiven(node.host)) throw unset(`connection.${key}`, 'has a host that is empty')
    return {
      host: readHost(node, 'host', `${key}[].host`) ?? '127.0.0.1',
      port: readNumber(node, 'port', 1, 65_535) ?? defaultPort,
    }
  })
}

module.exports = { readConnection, readEnvironment }
