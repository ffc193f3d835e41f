'use strict'
// The package as users get it: packed, installed in a folder that has nothing to do with the repository, and used.
const { execFile } = require('node:child_process')
const { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { homedir, tmpdir } = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { hostTarget, TARGETS } = require('../lib/binary/target.js')
const { useDatabase } = require('./support/redis')

const run = promisify(execFile)
const repository = path.resolve(__dirname, '..')
const sources = path.join(__dirname, 'package')
const database = useDatabase()

/** Where the fresh application lives. */
let app
/** @type {{ name: string, tarball: string, files: string[] }[]} */
let packed

const npm = (args) => run('npm', args, { cwd: app, shell: process.platform === 'win32' })

async function node(args) {
  try {
    // Jest's process.env, which names the test Redis, is not the one that children get by default.
    return await run(process.execPath, args, { cwd: app, env: process.env })
  } catch (error) {
    // tsc tells on stdout what is wrong.
    throw new Error(`${error.message}\n${error.stdout}`)
  }
}

const installed = (...file) => path.join(app, 'node_modules', ...file)
const manifest = (name) => JSON.parse(readFileSync(installed(name, 'package.json'), 'utf8'))

beforeAll(async () => {
  app = realpathSync(mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-app-')))
  const { stdout } = await run(process.execPath, [path.join(repository, 'scripts', 'pack.mjs'), '--json', app])
  packed = JSON.parse(stdout)
  writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }))
  // Offline with an empty cache: nothing but the tarballs can be installed.
  const tarballs = packed.map(({ tarball }) => tarball)
  const offline = ['--offline', '--cache', path.join(app, '.npm'), '--ignore-scripts', '--no-audit', '--no-fund']
  await npm(['install', ...offline, ...tarballs])
  cpSync(sources, app, { recursive: true })
})

afterAll(() => rmSync(app, { recursive: true, force: true }))

async function expectQueued(stdout, ticketId) {
  const jobId = `ticket-triage:acme:${ticketId}`
  expect(JSON.parse(stdout)).toEqual({ jobId, status: 'queued' })
  const job = await database.redis.hgetall(`bull:ticket-triage:${jobId}`)
  expect(job).toMatchObject({
    name: 'triage',
    data: JSON.stringify({ tenantId: 'acme', ticketId, summary: 'It prints "ü".' }),
  })
  expect(await database.redis.lrange('bull:ticket-triage:wait', 0, -1)).toContain(jobId)
}

test('an application enqueues through require', async () => {
  const { stdout } = await node(['consumer.cjs'])
  await expectQueued(stdout, 'from-cjs')
})

test('an application enqueues through named ESM imports', async () => {
  const { stdout } = await node(['consumer.mjs'])
  await expectQueued(stdout, 'from-esm')
})

test('a strict TypeScript application compiles, with library types checked, and enqueues', async () => {
  const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', '']
  const modern = ['--target', 'es2022', '--lib', 'es2022,dom', '--module', 'nodenext']
  await node([tsc, ...strict, ...modern, '--outDir', 'compiled', 'consumer.mts'])
  const { stdout } = await node([path.join('compiled', 'consumer.mjs')])
  await expectQueued(stdout, 'from-typescript')
})

test.each(['testing.cjs', 'testing.mjs'])('an application tests itself with %s, without a Redis', async (program) => {
  const { stdout } = await node([program])
  expect(JSON.parse(stdout)).toEqual(['ticket-triage:acme:tested'])
})

test('what runs on every platform before a release passes', async () => {
  cpSync(path.join(repository, 'scripts', 'smoke.mjs'), path.join(app, 'smoke.mjs'))
  const { stdout } = await node(['smoke.mjs'])
  expect(stdout.match(/^ok .+/gm)).toHaveLength(4)
})

test('its doctor is a command of the application, and finds the server', async () => {
  const { stdout } = await node([installed('.bin', 'enqueue-boundary'), 'doctor', '--json'])
  expect(JSON.parse(stdout).checks[0]).toMatchObject({ name: 'connection', status: 'ok' })
})

test('the root package holds JavaScript and types, and nothing else', () => {
  const { files } = packed.find(({ name }) => name === 'enqueue-boundary')
  const allowed =
    /^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE|(?:index|testing|bullmq)\.(?:js|d\.ts)|bin\/[\w-]+\.js|lib\/(?:[\w-]+\/)?[\w-]+\.js|types\/[\w-]+\.d\.ts|examples\/.*)$/
  expect(files.filter((file) => !allowed.test(file))).toEqual([])
  // An application with dependencies of its own, which nobody runs from node_modules.
  expect(files.filter((file) => file.startsWith('examples/next-app'))).toEqual([])
  expect(files).toEqual(
    expect.arrayContaining(['bin/enqueue-boundary.js', 'index.js', 'index.d.ts', 'package.json', 'examples/route.mjs']),
  )
})

test('the root package says where it comes from, and needs nothing that it does not run with', () => {
  const {
    homepage,
    repository: origin,
    bugs,
    keywords,
    scripts,
    devDependencies,
    napi,
    dependencies,
  } = manifest('enqueue-boundary')
  expect({ homepage, url: origin.url, bugs }).toEqual({
    homepage: expect.stringMatching(/^https:/),
    url: expect.stringMatching(/^git\+https:/),
    bugs: expect.stringMatching(/^https:/),
  })
  expect(keywords).toContain('bullmq')
  expect({ scripts, devDependencies, napi, dependencies }).toEqual({})
})

test('the platform package holds one binary and says where it runs', () => {
  const { name, files } = packed.find((each) => each.name !== 'enqueue-boundary')
  const { main, os, cpu, libc, engines } = manifest(name)
  expect(name).toBe(`@enqueue-boundary/${hostTarget()}`)
  const texts = ['LICENSE', 'README.md', 'package.json', 'sbom.cdx.json']
  expect(files.filter((file) => !texts.includes(file))).toEqual([main])
  expect({ os, cpu, libc, engines }).toEqual({
    os: [process.platform],
    cpu: [process.arch],
    libc: { gnu: ['glibc'], musl: ['musl'] }[name.split('-').at(-1)],
    engines: manifest('enqueue-boundary').engines,
  })
})

test('each target has its platform package as an optional dependency of exactly this version', () => {
  const { optionalDependencies, version } = manifest('enqueue-boundary')
  const expected = TARGETS.map((target) => [`@enqueue-boundary/${target}`, version])
  expect(optionalDependencies).toEqual(Object.fromEntries(expected))
})

test('the loader names every platform package literally, so that bundlers can trace it', () => {
  const loader = readFileSync(installed('enqueue-boundary', 'lib/binary/index.js'), 'utf8')
  const { optionalDependencies } = manifest('enqueue-boundary')
  const untraced = Object.keys(optionalDependencies).filter((name) => !loader.includes(`require('${name}')`))
  expect(untraced).toEqual([])
})

test('the crate has the version of the package', () => {
  const [, version] = /^version = "(.*)"$/m.exec(readFileSync(path.join(repository, 'Cargo.toml'), 'utf8'))
  expect(version).toBe(manifest('enqueue-boundary').version)
})

test('packing the repository itself is refused, with the command that packs it', async () => {
  const refused = run('npm', ['pack', '--dry-run'], { cwd: repository, shell: process.platform === 'win32' })
  await expect(refused).rejects.toMatchObject({ stderr: expect.stringContaining('scripts/pack.mjs') })
})

test('installing runs no script', () => {
  for (const { name, files } of packed) {
    const scripts = Object.keys(manifest(name).scripts ?? {})
    expect(scripts.filter((script) => /^(?:pre|post)?install$|^(?:pre|post)?prepare$/.test(script))).toEqual([])
    // npm compiles whatever ships one of these.
    expect(files).not.toContain('binding.gyp')
  }
})

// What is tested here is compiled for work on it; of what is published `npm run inspect` asks the same.
test('no file but such a binary tells where it was built', () => {
  const cargo = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo')
  const { PUBLISHED } = require('../lib/native.js')
  for (const { name, files } of packed) {
    for (const file of files.filter((each) => PUBLISHED || !each.endsWith('.node'))) {
      const bytes = readFileSync(installed(name, file))
      const told = [repository, cargo].filter((folder) => bytes.includes(folder))
      expect({ file, told }).toEqual({ file, told: [] })
    }
  }
})
