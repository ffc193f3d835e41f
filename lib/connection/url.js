'use strict'
// Reads a Redis URL as ioredis does, into ioredis' options, with the spellings beside it that can only mean one thing.
// What it says of a URL never repeats a part of it: any part may be a piece of a password.

const { misconfigured, unset } = require('../error.js')
const { REFUSED, known, rightName } = require('./options.js')

const PLAIN = 'plain'
const SECURE = 'secure'
const SOCKET = 'socket'
const SCHEMES = {
  redis: PLAIN,
  valkey: PLAIN,
  rediss: SECURE,
  valkeys: SECURE,
  'redis+unix': SOCKET,
  'valkey+unix': SOCKET,
  unix: SOCKET,
}
const WRONG_SCHEMES = [
  [/^https?$/, 'it is an HTTP address, as of a REST interface: take the one that begins with redis:// or rediss://'],
  [/^(redis|valkey)[+-](tls|ssl)$/, 'write rediss:// for TLS'],
  [/sentinel/, 'give sentinels as options: { sentinels: [{ host, port }], name }'],
  [/cluster/, 'give the nodes of a cluster as an option: { cluster: [{ host, port }] }'],
]
/** What a template has in it where a variable is not set. */
const UNSET = /^(undefined|null|NaN)?$/
const ENCODE = 'in a user or password write % as %25, / as %2F, ? as %3F, # as %23 and @ as %40'
const NUMBERS = ['port', 'db', 'connectTimeout']
/** What can only be given as an option of its own. */
const STRUCTURED = ['url', 'sentinels', 'sentinelTLS', 'cluster']

/**
 * @param {string} given
 * @param {string} source what to call it in an error: `REDIS_URL`, `connection`, `connection.url`
 * @returns {Record<string, unknown>} options of ioredis
 */
function readUrl(given, source) {
  const refuse = (why) => misconfigured(`${source} cannot be used: ${why}; set it to redis://host:port`)
  const url = unquoted(given)
  if (UNSET.test(url)) throw unset(source)
  if (/\s/.test(url)) throw refuse('it has a blank in it, so that it is no address or more than one')

  const [, scheme, rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/|\/\/)?(.*)$/is.exec(url)
  if (scheme === undefined && /^[a-z_]+=/i.test(url)) throw refuse('it begins with the name of a variable')
  // As ioredis has it: digits are a port of this machine, and a path is a Unix socket.
  if (/^\d+$/.test(url)) return { port: url }
  if (rest === url && url.startsWith('/')) return socket(url, refuse)
  const kind = scheme === undefined ? PLAIN : SCHEMES[scheme.toLowerCase()]
  if (kind === undefined) {
    const [, why] = WRONG_SCHEMES.find(([wrong]) => wrong.test(scheme.toLowerCase())) ?? []
    throw refuse(why ?? 'its scheme is not that of Redis')
  }
  if (kind === SOCKET) return socket(rest, refuse)

  const [, authority] = /^([^/?#]*)/.exec(rest)
  const [, host, port] = /^(.*?)(?::([^:\]]*))?$/.exec(authority.slice(authority.lastIndexOf('@') + 1))
  // An @ further on belongs to a password that was not escaped, and what stands before it is no host.
  if (!rest.slice(authority.length).includes('@')) {
    if (UNSET.test(host)) throw unset(source, 'names no host')
    if (port && UNSET.test(port)) throw unset(source, 'names no port')
  }
  if (host.includes(',') || port?.includes(','))
    throw refuse('it names several servers, which go in cluster or sentinels')
  return address(rest, scheme === undefined && rest === url, kind === SECURE, refuse)
}

/** The text without the blanks and the one pair of quotes that come along with what is copied. */
function unquoted(text) {
  const trimmed = text.trim()
  return (/^(["'])(.*)\1$/s.exec(trimmed)?.[2] ?? trimmed).trim()
}

/** `user:password@host:port/database?option=value`. */
function address(rest, bare, secure, refuse) {
  let url
  try {
    url = new URL(`redis://${rest}`)
  } catch {
    throw refuse(`what follows its scheme is not host:port; ${ENCODE}`)
  }
  if (url.hash !== '' || url.pathname.includes('@')) throw refuse(`it goes on with # or @ after its host; ${ENCODE}`)
  // An address is as the system takes it; %-escapes and the like are no name of any server.
  if (url.hostname.includes('%')) throw refuse('its host is no name of a server')
  const options = {}
  if (url.username !== '' || url.password !== '') {
    options.username = decoded(url.username, refuse)
    options.password = decoded(url.password, refuse)
  }
  const database = url.pathname.replace(/^\/|\/$/g, '')
  if (database !== '') {
    if (bare) throw refuse('it has a path and no scheme')
    if (!/^\d+$/.test(database)) throw refuse(`what stands after its host is not the number of a database; ${ENCODE}`)
    options.db = database
  }
  options.host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.port === '0') throw refuse('there is no port 0')
  if (url.port !== '') options.port = url.port
  const query = readQuery(url.searchParams, refuse)
  return { ...query, ...options, ...(secure && { tls: query.tls ?? true }) }
}

/** `/path/of/socket?option=value`. */
function socket(rest, refuse) {
  const [path, ...query] = rest.split('?')
  if (!path.startsWith('/')) throw refuse('the path of a socket begins with /')
  if (path.includes('#')) throw refuse('it has a # in it')
  // To some it is an escape, to others part of the name of the file.
  if (path.includes('%')) throw refuse('it has a % in the path of a socket, which can be given as path')
  const params = new URLSearchParams(query.join('?'))
  // As redis-py and others write it where there is no place for a user and a password.
  for (const [short, long] of [
    ['user', 'username'],
    ['pass', 'password'],
  ]) {
    if (params.has(short) && !params.has(long)) params.set(long, params.get(short))
    params.delete(short)
  }
  return { ...readQuery(params, refuse), path }
}

function readQuery(params, refuse) {
  const query = { __proto__: null }
  for (const [name, value] of params) {
    if (!known.has(name) || STRUCTURED.includes(name)) throw refuse(notUnderstood(name, value, params))
    if (value !== '') checkQuery(name, value, refuse)
    // ioredis takes any value for yes, and the bare word means nothing else.
    query[name] = name === 'tls' && value === '' ? true : value
  }
  return query
}

/** What an option of the same name would be refused for, said of the URL. */
function checkQuery(name, value, refuse) {
  const its = `${name} after its ?`
  if (Object.hasOwn(REFUSED, name)) throw refuse(`${its} ${REFUSED[name]}`)
  if (name === 'tls' && value !== 'true' && value !== '1') {
    throw refuse(`${its} must be true or left out, since ioredis takes any other text for yes`)
  }
  if (name === 'role' && value !== 'master') throw refuse(`${its} must be master: jobs are written to the primary`)
  if (NUMBERS.includes(name) && !/^\d{1,9}$/.test(value)) throw refuse(`${its} must be a number`)
}

function notUnderstood(name, value, params) {
  // What follows a ? in a password that was not escaped is no name to print.
  if (value === '' || params.toString().includes('%40') || !/^[a-z_]{1,40}$/i.test(name)) {
    return `something after its ? is not understood; ${ENCODE}`
  }
  const right = rightName(name)
  if (STRUCTURED.includes(name)) return `${name} cannot stand in a URL: give it as an option`
  return `${name} after its ? is not understood${right === undefined ? '' : `: did you mean ${right}?`}`
}

function decoded(text, refuse) {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(`it has a % that begins no escape; ${ENCODE}`)
  }
}

module.exports = { readUrl, unquoted }
