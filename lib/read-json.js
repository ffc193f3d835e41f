'use strict'
// The body of a request as JSON, with a bound while it is read: `request.json()` would take whatever comes.

const { Readable } = require('node:stream')
const { isUint8Array } = require('node:util').types
const { EnqueueError, invalidArgument } = require('./error.js')
const { option } = require('./options.js')

/**
 * A ticket's data may be 1 MiB as the boundary writes it. The same text is up to three times as long where a client
 * escapes all that is not ASCII (`\u00e9` for two bytes), as Python and PHP do; the fourth is for what else is in a body.
 */
const DEFAULT_LIMIT = 4 * 2 ** 20
/** What is read to nothing of a body that was refused. */
const DRAIN_BYTES = 64 * 2 ** 20

/**
 * @param {Request | import('node:http').IncomingMessage} request or anything with a Request's `body` and `headers`
 * @param {{ limit?: number }} [options] in bytes
 */
async function readJson(request, options = {}) {
  // A function that returns a promise never throws; an async one keeps that for whatever these properties do.
  const given = option(options, 'limit')
  const limit = given === undefined ? DEFAULT_LIMIT : given
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw invalidArgument('limit must be a positive integer, of bytes', 'ERR_OUT_OF_RANGE')
  }
  const reader = request instanceof Readable ? openStream(request) : openBody(request)
  return parse(await readBytes(reader, limit, declaredLength(request.headers)))
}

function declaredLength(headers) {
  return typeof headers?.get === 'function' ? headers.get('content-length') : headers?.['content-length']
}

/** Of a request of node:http, which is itself the stream. */
function openStream(request) {
  // As where express.json() came first.
  if (request.readableDidRead) throw readAlready()
  return Readable.toWeb(request).getReader()
}

/** @returns {ReadableStreamDefaultReader<Uint8Array>} */
function openBody(request) {
  const body = request?.body
  // What a request without a body has.
  if (body === null) throw malformed('the body is empty')
  if (typeof body?.getReader !== 'function') {
    throw invalidArgument('request must be a Fetch Request, or one of node:http: it has no body that is a stream')
  }
  if (body.locked || request.bodyUsed) throw readAlready()
  return body.getReader()
}

function readAlready() {
  return invalidArgument('the body of the request was read already')
}

/** What the stream itself rejects with, such as for a client that went away, is passed on as it is. */
async function readBytes(reader, limit, declared) {
  if (Number(declared) > limit) throw tooLarge(reader, limit)
  let bytes = new Uint8Array(0)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return bytes.subarray(0, length)
    if (!isUint8Array(value)) throw invalidArgument('the body of the request must be a stream of bytes')
    const end = length + value.byteLength
    if (end > limit) throw tooLarge(reader, limit)
    // Copied, as a body that comes byte by byte would take a hundred times its length as a list of chunks.
    if (end > bytes.byteLength) {
      const longer = new Uint8Array(Math.min(Math.max(end, 2 * bytes.byteLength), limit))
      longer.set(bytes.subarray(0, length))
      bytes = longer
    }
    bytes.set(value, length)
    length = end
  }
}

function parse(bytes) {
  if (bytes.byteLength === 0) throw malformed('the body is empty')
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('the body is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch {
    // V8's message quotes the body: it stays here.
    throw malformed()
  }
}

function malformed(message) {
  return new EnqueueError({ code: 'MALFORMED_JSON', message })
}

function tooLarge(reader, limit) {
  drain(reader).catch(() => {})
  return new EnqueueError({ code: 'PAYLOAD_TOO_LARGE', message: `the body is longer than ${limit} bytes` })
}

/**
 * Lets the client finish. Servers on Node break the connection when the body of a request is cancelled, and also when it
 * is left unread, so that a client still sending would see a reset instead of the answer. One that goes on and on is cut
 * off.
 */
async function drain(reader) {
  for (let left = DRAIN_BYTES; left > 0; ) {
    const { done, value } = await reader.read()
    if (done) return
    left -= value.byteLength
  }
  await reader.cancel()
}

module.exports = { readJson }
