'use strict'
// Reads TLS options.

const { invalidArgument } = require('../error.js')

function readText(options, key, name) {
  const value = options[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw invalidArgument(`connection.${name} must be a string`)
  return value
}

function readTls(tls, key) {
  if (tls === undefined || tls === null || tls === false) return undefined
  if (tls === true || tls === 'true') return readTls({}, key)
  if (typeof tls !== 'object') throw invalidArgument(`connection.${key} must be an object`)
  const { ca, cert, key: privateKey, rejectUnauthorized, checkServerIdentity } = tls
  if (checkServerIdentity !== undefined) {
    throw invalidArgument(`connection.${key}.checkServerIdentity is not supported: use servername`)
  }
  return {
    ca: ca === undefined ? [] : [ca].flat().map((pem) => readPem(pem, `${key}.ca`)),
    cert:
      cert === undefined
        ? undefined
        : [cert]
            .flat()
            .map((pem) => readPem(pem, `${key}.cert`))
            .join('\n'),
    key: privateKey === undefined ? undefined : readPem(privateKey, `${key}.key`),
    servername: readText(tls, 'servername', `${key}.servername`),
    acceptAny: rejectUnauthorized === false,
  }
}

function readPem(pem, key) {
  if (typeof pem !== 'string' && !(pem instanceof Uint8Array)) {
    throw invalidArgument(`connection.${key} must be PEM, as a string or a Buffer`)
  }
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1')
}

module.exports = { readTls }
