'use strict'
// The TLS options as Node and ioredis take them, and what Node takes from the environment at the time. Only an object's
// own properties count: what someone put on Object.prototype must not change who is trusted.

const { readFileSync } = require('node:fs')
const { faultOfAuthorities } = require('../native.js')
const { invalidArgument } = require('../error.js')
const { warnOfExtraCa, warnOfUnverified } = require('../warnings.js')
const { IGNORED, REFUSED, SUPPORTED } = require('./tls-options.js')

const VERSIONS = { 'TLSv1.2': '1.2', 'TLSv1.3': '1.3' }
const PROFILES = ['RedisCloudFixed', 'RedisCloudFlexible']

/**
 * @param {unknown} tls
 * @param {string} name `tls` or `sentinelTLS`
 * @returns {object | undefined} what the native side takes; nothing for plain text
 */
function readTls(tls, name) {
  if (tls === undefined || tls === null || tls === false || tls === '') return undefined
  if (tls === true || tls === 'true' || tls === '1') return readTls({}, name)
  if (typeof tls === 'string') throw invalidArgument(`connection.${name} ${whyNotText(tls, name)}`)
  if (typeof tls !== 'object' || Array.isArray(tls)) {
    throw invalidArgument(`connection.${name} must be true, false or an object of TLS options`)
  }
  checkKeys(tls, name)
  const option = (key) => (Object.hasOwn(tls, key) ? (tls[key] ?? undefined) : undefined)
  const options = {
    ca: readPems(option('ca'), `${name}.ca`),
    cert: readPems(option('cert'), `${name}.cert`) ?? [],
    key: readPems(option('key'), `${name}.key`, unwrapKey) ?? [],
    servername: readName(option('servername'), `${name}.servername`),
    rejectUnauthorized: readFlag(option('rejectUnauthorized'), `${name}.rejectUnauthorized`),
    useSystemCa: readFlag(option('useSystemCA'), `${name}.useSystemCA`) ?? false,
    onlyVersion: readVersions(option('minVersion'), option('maxVersion'), name),
  }
  return { ...options, defaults: readDefaults(options) }
}

/** Texts are not repeated unless they are known: one that was put in the wrong place may be a secret. */
function whyNotText(text, name) {
  if (text === 'false' || text === '0') {
    return `must not be the text '${text}', which ioredis takes for yes: write ${name}: false or ${name}: true`
  }
  if (PROFILES.includes(text)) {
    return `must not be '${text}', a profile of ioredis: write ${name}: { ca }, with the authority of your servers`
  }
  return `must be true, false or an object of TLS options, and not another text, which ioredis takes for yes: write ${name}: true`
}

function checkKeys(tls, name) {
  for (const key of Reflect.ownKeys(tls)) {
    if (typeof key !== 'string' || Object.hasOwn(SUPPORTED, key) || Object.hasOwn(IGNORED, key)) continue
    const value = tls[key]
    if (value === undefined || value === null || value === false) continue
    if (Object.hasOwn(REFUSED, key)) {
      throw invalidArgument(`connection.${name}.${key} is not supported: ${REFUSED[key]}`)
    }
    const meant = [...Object.keys(SUPPORTED), ...Object.keys(REFUSED)].find((known) => isNear(key, known))
    if (meant) throw invalidArgument(`connection.${name} has no option ${key}: did you mean ${meant}?`)
  }
}

/** Whether one is the other in another case, or, of long ones, with one letter more, less or another. */
function isNear(key, known) {
  const [a, b] = [key, known].map((name) => name.toLowerCase().replaceAll(/[_-]/g, ''))
  if (a === b) return true
  if (Math.min(a.length, b.length) < 6 || Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [longer, shorter] = a.length > b.length ? [a, b] : [b, a]
  return longer.slice(start + 1) === shorter.slice(longer.length === shorter.length ? start + 1 : start)
}

function readFlag(value, name) {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalidArgument(`connection.${name} must be true or false`)
  }
  return value
}

function readName(value, name) {
  if (value !== undefined && typeof value !== 'string') throw invalidArgument(`connection.${name} must be a string`)
  return value || undefined
}

/** The one version that both leave, if they leave one. */
function readVersions(minVersion, maxVersion, name) {
  for (const [key, value] of Object.entries({ minVersion, maxVersion })) {
    if (value === undefined || Object.hasOwn(VERSIONS, value)) continue
    throw invalidArgument(`connection.${name}.${key} must be 'TLSv1.2' or 'TLSv1.3': older ones are not spoken`)
  }
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2') {
    throw invalidArgument(`connection.${name}.minVersion must not be newer than maxVersion`)
  }
  if (minVersion === 'TLSv1.3') return VERSIONS[minVersion]
  return maxVersion === 'TLSv1.2' ? VERSIONS[maxVersion] : undefined
}

function readPems(value, name, unwrap = (pem) => pem) {
  if (value === undefined) return undefined
  return [value].flat().map((pem) => readPem(unwrap(pem), name))
}

/** Node's form of a key with a passphrase. */
function unwrapKey(key) {
  const wrapped = typeof key === 'object' && key !== null && !ArrayBuffer.isView(key) && Object.hasOwn(key, 'pem')
  return wrapped ? key.pem : key
}

function readPem(pem, name) {
  if (typeof pem === 'string') return pem
  if (ArrayBuffer.isView(pem)) return textOf(Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength))
  throw invalidArgument(`connection.${name} must be PEM, as a string or a Buffer`)
}

/** Byte by byte, so that the native side can tell what is no text; but PowerShell writes UTF-16. */
function textOf(bytes) {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('latin1')
}

/** What Node takes from the environment where the options do not say. */
function readDefaults({ ca, rejectUnauthorized }) {
  const { env, execArgv } = process
  const flags = [...execArgv, ...(env.NODE_OPTIONS ?? '').split(/\s+/)].map((flag) => flag.replaceAll('_', '-'))
  const acceptAny = env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
  if (acceptAny && rejectUnauthorized === undefined) warnOfUnverified()
  return {
    extraCa: ca === undefined ? readExtraCa(env.NODE_EXTRA_CA_CERTS) : undefined,
    withoutMozilla: flags.includes('--use-openssl-ca'),
    systemCa: env.NODE_USE_SYSTEM_CA === '1' || flags.includes('--use-system-ca') || flags.includes('--use-openssl-ca'),
    acceptAny,
  }
}

function readExtraCa(file) {
  if (!file) return undefined
  let text
  try {
    text = textOf(readFileSync(file))
  } catch ({ code }) {
    // Not the path: it may be what should be in the file.
    warnOfExtraCa(`the file cannot be read (${code})`)
    return undefined
  }
  const fault = faultOfAuthorities(text, 'the file')
  if (fault) warnOfExtraCa(fault)
  return text
}

module.exports = { readTls }
