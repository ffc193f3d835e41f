'use strict'
// readJson behind real servers: the answer reaches clients that send in pieces, slowly, or far too much.
const http = require('node:http')
const { once } = require('node:events')
const path = require('node:path')
const { Program } = require('../support/program.js')
const { until } = require('../../tools/until.js')

const MiB = 2 ** 20
const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'

let program
let urls
beforeAll(async () => {
  program = new Program(path.join(__dirname, 'readers.mjs'))
  urls = JSON.parse(await program.line(0))
})
afterAll(() => program.stop())

/** A request whose body is still to be sent, and its answer. */
function open(url, headers, agent) {
  const request = http.request(url, { method: 'POST', headers, agent })
  const answer = new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', async (response) => {
      let body = ''
      for await (const text of response.setEncoding('utf8')) body += text
      resolve({ status: response.statusCode, type: response.headers['content-type'], body: JSON.parse(body) })
    })
  })
  // Whoever is interested says so.
  answer.catch(() => {})
  return { request, answer }
}

const write = (request, chunk) =>
  new Promise((resolve, reject) => request.write(chunk, (e) => (e ? reject(e) : resolve())))
const ofLength = (length) => Buffer.from(JSON.stringify({ summary: 'x'.repeat(length - 14) }))

describe.each(['node:http', 'Express', 'Requests on node:http', 'hono'])('on %s', (server) => {
  test('a body that comes byte by byte is read to its end', async () => {
    const { request, answer } = open(urls[server])
    for (const byte of Buffer.from('{"summary":"日本 💥"}')) await write(request, Buffer.of(byte))
    request.end()
    expect(await answer).toMatchObject({ status: 200, body: { summary: 5 } })
  })

  test('a body of just the limit is taken, whether its length is said or not', async () => {
    for (const headers of [{ 'content-length': 4 * MiB }, {}]) {
      const { request, answer } = open(urls[server], headers)
      request.end(ofLength(4 * MiB))
      expect(await answer).toMatchObject({ status: 200, body: { summary: 4 * MiB - 14 } })
    }
  })

  test.each([4 * MiB + 1, 8 * MiB])('one of %d bytes is a 413, whether its length is said or not', async (length) => {
    for (const headers of [{ 'content-length': length }, { 'transfer-encoding': 'chunked' }]) {
      const { request, answer } = open(urls[server], headers)
      request.end(ofLength(length))
      expect(await answer).toMatchObject({ status: 413, type: PROBLEM_TYPE, body: { code: 'PAYLOAD_TOO_LARGE' } })
    }
  })

  test('the answer comes while a body that is too large is still being sent', async () => {
    const { request, answer } = open(urls[server], { 'transfer-encoding': 'chunked' })
    await write(request, ofLength(5 * MiB))
    expect(await answer).toMatchObject({ status: 413 })
    request.destroy()
  })

  test('a body without an end is cut off', async () => {
    const { request } = open(urls[server], { 'transfer-encoding': 'chunked' })
    const closed = new Promise((resolve) => request.on('close', resolve).on('error', () => {}))
    const chunk = Buffer.alloc(MiB, ' ')
    let sent = 0
    const send = () => {
      // Far more than sockets hold beside what is read to nothing.
      while (sent < 1000 && !request.destroyed) {
        sent += 1
        if (!request.write(chunk)) return request.once('drain', send)
      }
    }
    send()
    await closed
    expect(sent).toBeLessThan(1000)
  })

  test('a body that is not JSON is a 400, and the connection serves the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const bad = open(urls[server], {}, agent)
    bad.request.end('{')
    expect(await bad.answer).toMatchObject({ status: 400, type: PROBLEM_TYPE, body: { code: 'MALFORMED_JSON' } })
    const good = open(urls[server], {}, agent)
    good.request.end('{"summary":"x"}')
    expect(await good.answer).toMatchObject({ status: 200, type: JSON_TYPE, body: { summary: 1 } })
    expect(good.request.reusedSocket).toBe(true)
    agent.destroy()
  })

  test("a client that goes away is the stream's own error", async () => {
    const before = program.lines.length
    const { request } = open(urls[server], { 'content-length': 1000 })
    await write(request, '{')
    const [socket] = request.socket ? [request.socket] : await once(request, 'socket')
    socket.destroy()
    await until(() => program.lines.length > before)
    expect(program.lines.at(-1)).toMatch(/^broke: /)
  })
})
