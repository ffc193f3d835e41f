'use strict'
// What whoever works on the application does: edits it under `next dev`, and builds it with the other bundler.
const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const { build, copyExample, start } = require('../../tools/example.js')
const { freePort, OwnServer } = require('../../tools/server.js')
const { until } = require('../../tools/until.js')

/** A build is minutes of work on a machine that has much else to do. */
const BUILD_MS = 900_000

const undo = []
let copy
beforeAll(() => {
  copy = copyExample()
  undo.push(copy.remove)
})
afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

function edit(file, change) {
  const at = path.join(copy.folder, file)
  const before = readFileSync(at, 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`nothing to change in ${file}`)
  // In one step: a server that looks meanwhile would find half of it.
  writeFileSync(`${at}.new`, after)
  renameSync(`${at}.new`, at)
}

test('however often the route and the pipeline are edited under next dev, there is one link to Redis', async () => {
  const redis = await OwnServer.start()
  undo.push(() => redis.stop())
  const database = start.database({})
  undo.push(() => database.stop())
  const env = { REDIS_URL: redis.url, DATABASE_URL: (await database.ready)[1] }
  const server = start.development({ cwd: copy.folder, port: await freePort(), env })
  undo.push(() => server.stop())
  const [url] = await server.ready
  const client = new Redis(redis.url)
  undo.push(() => client.disconnect())

  const post = async (ticketId) => {
    const body = JSON.stringify({ tenantId: 'northwind', ticketId, summary: 'It hums' })
    const answer = await fetch(`${url}/api/tickets`, { method: 'POST', body })
    await answer.body?.cancel()
    return { status: answer.status, edition: answer.headers.get('x-edition') }
  }
  const links = async () => (await client.client('LIST')).match(/ name=enqueue-boundary /g)?.length
  await expect(post('T-0')).resolves.toMatchObject({ status: 202 })
  await fetch(url)
  await expect(links()).resolves.toBe(1)

  const route = 'app/api/tickets/route.ts'
  edit(route, (text) => text.replace('{ status: result.', "{ headers: { 'x-edition': '0' }, status: result."))
  for (const edition of [1, 2, 3]) {
    edit(route, (text) => text.replace(/'x-edition': '\d+'/, `'x-edition': '${edition}'`))
    // The pipeline itself becomes another: the number may be one longer.
    edit('lib/tickets.ts', (text) =>
      text.replace(/ticketId: \{ (.*)maxLength: \d+/, `ticketId: { $1maxLength: ${edition}`),
    )
    await until(async () => (await post('T')).edition === `${edition}`)
    await until(async () => (await post('T'.repeat(edition + 1))).status === 400)
    expect((await post('T'.repeat(edition))).status).toBeLessThan(300)
    await expect(links()).resolves.toBe(1)
  }
})

test(
  'webpack builds it too, with the binary in what is deployed',
  async () => {
    await build(['--webpack'], { cwd: copy.folder })
    const target = require('../../lib/binary/target.js').hostTarget()
    const binary = path.join('.next/standalone/node_modules/@enqueue-boundary', target, 'enqueue-boundary.node')
    expect(existsSync(path.join(copy.folder, binary))).toBe(true)
    // As docs/nextjs.md says: no links to what is outside of the bundle, which Turbopack makes.
    expect(existsSync(path.join(copy.folder, '.next/standalone/.next/node_modules'))).toBe(false)
  },
  BUILD_MS,
)
