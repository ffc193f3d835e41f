// The route of README.md in an application of Next.js 16, built by Turbopack and by webpack, and started from a copy of what
// `output: 'standalone'` leaves.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { freePort } from '../../tools/server.js'
import { App, node, REDIS_URL } from './app.mjs'

const read = (file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const blocks = [...read('README.md').matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block)
const route = blocks.find((block) => block.includes('function POST'))
const setting = "serverExternalPackages: ['enqueue-boundary']"
const storage = 'const storage = { createPending: async () => {} }\n'

const app = new App({ manifest: { dependencies: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' } } })
const redis = new Redis(REDIS_URL)
before(() => app.install())
after(async () => {
  redis.disconnect()
  await app.close()
})

/** Builds an application with one route. */
function build(text, flags, config = `{ output: 'standalone', ${setting} }`) {
  app.remove('.next')
  app.write({
    'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>\n',
    'app/page.jsx': 'export default () => <p>Tickets</p>\n',
    'app/api/tickets/route.js': text,
    'next.config.mjs': `export default ${config}\n`,
  })
  return app.run(node.command[0], [app.path('node_modules/next/dist/bin/next'), 'build', ...flags])
}

/** Starts a server of Next.js in `folder`; resolves to its address once it listens. */
async function serve(t, folder) {
  // It takes no 0: that would be 3000.
  const env = { ...process.env, REDIS_URL, PORT: `${await freePort()}`, HOSTNAME: '127.0.0.1', NODE_ENV: 'production' }
  const child = spawn(node.command[0], ['server.js'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(line) ?? []
    if (url) return url
  }
  throw new Error('the server ended before it listened')
}

test('README and the page on installing have the line that Next.js needs', () => {
  for (const file of ['README.md', 'docs/installing.md']) assert.ok(read(file).includes(setting), file)
})

for (const [bundler, flag] of [
  ['Turbopack', '--turbopack'],
  ['webpack', '--webpack'],
]) {
  test(`${bundler} builds the route, and what is left of it enqueues in another folder`, async (t) => {
    await build(storage + route, [flag])
    const elsewhere = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-standalone-'))
    t.after(() => rmSync(elsewhere, { recursive: true, force: true }))
    cpSync(app.path('.next/standalone'), elsewhere, { recursive: true, verbatimSymlinks: true })
    app.remove('.next')
    const url = await serve(t, elsewhere)
    const ticket = { tenantId: 'acme', ticketId: `next-${bundler}`, summary: 'It prints "ü".' }
    const post = (body) => fetch(`${url}/api/tickets`, { method: 'POST', body: JSON.stringify(body) })
    const taken = await post(ticket)
    const jobId = `ticket-triage:acme:${ticket.ticketId}`
    assert.deepEqual([taken.status, await taken.json()], [202, { jobId, status: 'queued' }])
    assert.equal(await redis.hget(`bull:ticket-triage:${jobId}`, 'data'), JSON.stringify(ticket))
    const refused = await post({ ...ticket, summary: '' })
    assert.deepEqual([refused.status, (await refused.json()).code], [400, 'INVALID_INPUT'])
  })

  test(`${bundler} says in one sentence that a route of the edge runtime cannot have it`, async () => {
    const built = build(`export const runtime = 'edge'\n${storage}${route}`, [flag])
    await assert.rejects(built, /enqueue-boundary is native code for Node\.js, Bun and Deno/)
  })
}
