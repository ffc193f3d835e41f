// docs/nextjs.md, followed from an empty folder: each of its files as it stands there, built, started, tested.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort } from '../../tools/server.js'
import { until } from '../../tools/until.js'
import { App, node, REDIS_URL } from './app.mjs'

const page = readFileSync(new URL('../../docs/nextjs.md', import.meta.url), 'utf8')

/** A file's name alone on a line, and below it the file. */
const files = Object.fromEntries(
  Array.from(page.matchAll(/^`([^`\n]+)`\n\n```\w+\n(.*?)^```$/gms), ([, name, text]) => [name, text]),
)

/** What `create-next-app` has besides. */
const EMPTY = {
  'app/layout.tsx':
    'export default ({ children }: { children: React.ReactNode }) => <html lang="en"><body>{children}</body></html>\n',
  'app/page.tsx': 'export default () => <p>Tickets</p>\n',
  'public/empty.txt': '',
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'ES2017',
      lib: ['dom', 'dom.iterable', 'esnext'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      esModuleInterop: true,
      module: 'esnext',
      moduleResolution: 'bundler',
      isolatedModules: true,
      jsx: 'react-jsx',
      paths: { '@/*': ['./*'] },
    },
    include: ['**/*.ts', '**/*.tsx'],
    exclude: ['node_modules'],
  }),
}

const app = new App({
  manifest: {
    dependencies: {
      bullmq: '6.7.0',
      ioredis: '6.0.0',
      next: '16.4.6',
      pg: '8.23.1',
      react: '19.3.1',
      'react-dom': '19.3.1',
    },
    devDependencies: {
      '@types/node': '24.10.1',
      '@types/pg': '8.15.6',
      '@types/react': '19.3.0',
      tsx: '4.23.15',
      typescript: '5.9.3',
    },
  },
})
const undo = [() => app.close()]
let database

/** Starts a program of the application; resolves to the first match in what it prints. */
async function started(args, pattern, env) {
  const child = spawn(node.command[0], args, {
    cwd: app.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  undo.push(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const match = pattern.exec(line)
    if (match) return match[0]
  }
  throw new Error(`${args.join(' ')} ended before ${pattern}`)
}

before(async () => {
  app.write({ ...EMPTY, ...files })
  app.write({
    'next.config.ts': files['next.config.ts'].replace('/* what is there already */', 'cacheComponents: true,'),
  })
  const url = await started([fileURLToPath(new URL('../support/pglite.mjs', import.meta.url))], /postgres:.*/)
  // Where they are is not where the page has them.
  app.write({
    '.env.local': files['.env.local'].replace(/=redis:.*/, `=${REDIS_URL}`).replace(/=postgres:.*/, `=${url}`),
  })
  database = new pg.Pool({ connectionString: url, max: 1 })
  undo.push(() => database.end())
  await database.query(files['schema.sql'])
  await app.install()
})
after(async () => {
  for (const step of undo.reverse()) await step()
})

test('the page has each file of the application', () => {
  assert.deepEqual(Object.keys(files).sort(), [
    '.dockerignore',
    '.env.local',
    'Dockerfile',
    'app/api/tickets/route.test.ts',
    'app/api/tickets/route.ts',
    'data/records.ts',
    'next.config.ts',
    'schema.sql',
    'worker.ts',
  ])
  for (const command of [
    'npx tsx --env-file=.env.local worker.ts',
    'npx tsx --env-file=.env.local --test app/api/tickets/route.test.ts',
  ])
    assert.ok(page.includes(command), command)
})

test('its test passes', async () => {
  const tsx = app.path('node_modules/tsx/dist/cli.mjs')
  const told = await app.run(node.command[0], [tsx, '--env-file=.env.local', '--test', 'app/api/tickets/route.test.ts'])
  assert.match(told, /^. pass 2$/m)
})

// For what hangs.
const timeout = 600_000

test('what is built enqueues a ticket, and its worker does it', { timeout }, async () => {
  await app.run(node.command[0], [app.path('node_modules/next/dist/bin/next'), 'build'])
  const env = { PORT: `${await freePort()}`, HOSTNAME: '127.0.0.1', NODE_ENV: 'production' }
  // As the Dockerfile starts it; a container is given its environment, which is here in the file.
  const url = await started(['--env-file=.env.local', '.next/standalone/server.js'], /http:\/\/127\.0\.0\.1:\d+/, env)
  const [, posted] = /curl -i localhost:3000\/api\/tickets -d '(.*)'/.exec(page)
  const answer = await fetch(`${url}/api/tickets`, { method: 'POST', body: posted })
  assert.deepEqual([answer.status, await answer.json()], [202, { jobId: 'ticket-triage:acme:T-1', status: 'queued' }])

  const tsx = app.path('node_modules/tsx/dist/cli.mjs')
  await started([tsx, '--env-file=.env.local', 'worker.ts'], /ticket-triage:acme:T-1: printing/)
  const row = () => database.query(`SELECT status, category FROM ticket WHERE ticket_id = 'T-1'`)
  await until(async () => (await row()).rows[0].status === 'done')
  assert.deepEqual((await row()).rows, [{ status: 'done', category: 'printing' }])
})
