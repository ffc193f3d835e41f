'use strict'
// The table of differences in docs/servers.md: each of its requests, sent to each server of examples/servers/.
const { gzipSync } = require('node:zlib')
const { Client, jobIdOf, NAMES, newInvoice, useServers } = require('../support/frameworks.js')
const { read } = require('../support/markdown.js')
const { OwnServer } = require('../support/redis.js')
const { withClient } = require('../../tools/until.js')

const MiB = 2 ** 20

let redis
const { servers } = useServers(async () => {
  redis ??= OwnServer.start()
  return (await redis).url
})
afterAll(async () => (await redis)?.stop())

const json = (fields) => JSON.stringify(newInvoice(fields))
const typed = (type) => ({ headers: { 'content-type': type } })

/** What is sent, by what the page says of it. */
const SENT = {
  nothing: () => [undefined],
  'JSON that is called `text/plain`': () => [json(), typed('text/plain')],
  'JSON that is called nothing': () => [json(), { headers: { 'content-type': [] } }],
  'a form': () => [new URLSearchParams(newInvoice()).toString(), typed('application/x-www-form-urlencoded')],
  'a number': () => ['1'],
  'Latin-1 that is called JSON': () => [Buffer.from(json({ notes: 'ü' }), 'latin1')],
  'JSON in `iso-8859-1`, and called so': () => [
    Buffer.from(json({ notes: 'ü' }), 'latin1'),
    typed('application/json; charset=iso-8859-1'),
  ],
  'JSON in `utf-16`, and called so': () => [Buffer.from(json(), 'utf16le'), typed('application/json; charset=utf-16')],
  'JSON that is gzipped, and called so': () => [gzipSync(json()), { headers: { 'content-encoding': 'gzip' } }],
  'a number of bytes over the limit': () => [json({ notes: 'x'.repeat(5 * MiB) })],
}

const ROWS = [...read('docs/servers.md').matchAll(/^\| ([^|]+) \| (\d{3} ?[^|]*) \| (\d{3} ?[^|]*) \|$/gm)].map(
  ([, sent, readJson, parser]) => ({ sent, readJson, parser }),
)

test('the table has each that is sent here', () => {
  expect(ROWS.map(({ sent }) => sent)).toEqual(Object.keys(SENT))
})

describe.each(NAMES)('%s', (name) => {
  const own = ['Express', 'NestJS'].includes(name)

  test.each(ROWS)('$sent', async ({ sent, readJson, parser }) => {
    const [, status, code] = /^(\d+)(?: `(\w+)`)?/.exec(own ? parser : readJson)
    const client = new Client(servers[name])
    const answer = await client.post(...SENT[sent]())
    client.close()
    const body = JSON.parse(answer.text)
    expect([answer.status, body.code]).toEqual([
      Number(status),
      code ?? (status === '413' ? 'PAYLOAD_TOO_LARGE' : undefined),
    ])
  })

  test('answers too much while the client still sends, where the page says so', async () => {
    const client = new Client(servers[name])
    const { request, answer } = client.open({ headers: { 'transfer-encoding': 'chunked' } })
    request.write(json({ notes: 'x'.repeat(5 * MiB) }))
    if (own) request.end()
    expect((await answer).status).toBe(413)
    request.on('error', () => {}).destroy()
    client.close()
  })

  if (!own) return
  test('puts U+FFFD for a byte that is not UTF-8', async () => {
    const invoice = newInvoice({ notes: 'ü' })
    const client = new Client(servers[name])
    await client.post(Buffer.from(JSON.stringify(invoice), 'latin1'))
    client.close()
    const data = await withClient(await redis, (it) => it.hget(`bull:invoice-export:${jobIdOf(invoice)}`, 'data'))
    expect(JSON.parse(data).notes).toBe('\ufffd')
  })
})
