// docs/nextjs.md, followed from an empty folder: each of its files as it stands there, built, started, tested, on a Redis that is set up as
// it says, with which the doctor finds no fault.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { freePort, OwnServer } from '../../tools/server.js'
import { until, withClient } from '../../tools/until.js'
import { App, node } from './app.mjs'

const read = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const page = read('nextjs.md')

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
const DOCTOR = ['--env-file=.env.local', 'node_modules/enqueue-boundary/bin/enqueue-boundary.js', 'doctor']
const WORKER = ['--env-file=.env.local', '--import', 'tsx', 'worker.ts']
const TEST = ['--import', 'tsx', '--test', 'app/api/tickets/route.test.ts']
let database
let redis
let databaseUrl

/** Starts a program of the application; resolves to the first match in what it prints, and a way to stop it that tells its status. */
async function started(args, pattern, env) {
  const child = spawn(node.command[0], args, {
    cwd: app.folder,
    // Where Redis is, the file says.
    env: { ...process.env, REDIS_URL: undefined, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill()
    return (await ended)[0]
  }
  undo.push(stop)
  // What it prints afterwards has to be read too, or it waits.
  for await (const [line] of on(createInterface({ input: child.stdout }), 'line', { close: ['close'] })) {
    const match = pattern.exec(line)
    if (match) return { said: match[0], stop }
  }
  throw new Error(`${args.join(' ')} ended before ${pattern}`)
}

before(async () => {
  app.write({ ...EMPTY, ...files })
  app.write({
    'next.config.ts': files['next.config.ts'].replace(
      '/* what is there already */',
      'cacheComponents: true, partialPrefetching: true,',
    ),
  })
  const [, settings] = /docker run .* redis-server (--.*)$/m.exec(page)
  redis = await OwnServer.start(settings.split(' '))
  undo.push(() => redis.stop())
  const pglite = fileURLToPath(new URL('../support/pglite.mjs', import.meta.url))
  const { said: url } = await started([pglite], /postgres:.*/)
  // Where they are is not where the page has them.
  app.write({
    '.env.local': files['.env.local'].replace(/=redis:.*/, `=${redis.url}`).replace(/=postgres:.*/, `=${url}`),
  })
  databaseUrl = url
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
  for (const command of [DOCTOR, WORKER, TEST])
    assert.ok(page.includes(`\nnode ${command.join(' ')}\n`), command.join(' '))
})

test('its test passes, with neither a Redis nor a database', async () => {
  const env = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  const told = await app.run(node.command[0], TEST, { env })
  assert.match(told, /^. pass 3$/m)
  assert.match(told, /^. fail 0$/m)
})

// For what hangs.
const timeout = 600_000

test('what is built enqueues a ticket, and its worker does it', { timeout }, async () => {
  await app.run(node.command[0], [app.path('node_modules/next/dist/bin/next'), 'build'])
  const env = { PORT: `${await freePort()}`, HOSTNAME: '127.0.0.1', NODE_ENV: 'production' }
  // As the Dockerfile starts it; a container is given its environment, which is here in the file.
  const { said: url } = await started(
    ['--env-file=.env.local', '.next/standalone/server.js'],
    /http:\/\/127\.0\.0\.1:\d+/,
    env,
  )
  const [, posted] = /curl -i localhost:3000\/api\/tickets -d '(.*)'/.exec(page)
  const answer = await fetch(`${url}/api/tickets`, { method: 'POST', body: posted })
  assert.deepEqual([answer.status, await answer.json()], [202, { jobId: 'ticket-triage:acme:T-1', status: 'queued' }])

  const worker = await started(WORKER, /ticket-triage:acme:T-1: printing/)
  const row = () => database.query(`SELECT status, category FROM ticket WHERE ticket_id = 'T-1'`)
  await until(async () => (await row()).rows[0].status === 'done')
  assert.deepEqual((await row()).rows, [{ status: 'done', category: 'printing' }])

  // With all of it running: that server, from the file, and then as the user that docs/operations.md makes.
  await healthy()
  for (const [line] of read('operations.md').matchAll(/^ACL SETUSER .*$/gm)) {
    await withClient(redis, (admin) => admin.call(...line.split(' ')))
  }
  await healthy(redis.url.replace('//', '//producer:secret@'))

  assert.equal(await worker.stop(), 0)
  // As a container starts it, where the signal goes to the first process alone.
  const [command, ...args] = JSON.parse(/^CMD (\[.*worker.*\])$/m.exec(files.Dockerfile)[1])
  assert.equal(command, 'node')
  await fetch(`${url}/api/tickets`, { method: 'POST', body: posted.replace('T-1', 'T-2') })
  const contained = await started(args, /acme:T-2: printing/, { REDIS_URL: redis.url, DATABASE_URL: databaseUrl })
  await redis.kill()
  // Redis is away: it ends all the same.
  assert.notEqual(await contained.stop(), null)
})

/** The doctor ends with 0, and would have nothing changed but the age of this machine's server. */
async function healthy(url) {
  const told = await app.run(node.command[0], [...DOCTOR, '--queue', 'ticket-triage', '--json'], {
    env: { REDIS_URL: url },
  })
  const { checks } = JSON.parse(told)
  assert.deepEqual(
    checks.filter(({ name, status }) => status !== 'ok' && name !== 'version'),
    [],
  )
}
