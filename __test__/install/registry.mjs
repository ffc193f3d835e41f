// A package registry on loopback that has this package as it would be published, and everything else from the registry that
// npm is set up with.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { pack } from '../../scripts/pack.mjs'
import { BINARY, hostTarget, makeFolder, TARGETS } from '../../scripts/platform-package.mjs'
import { CACHE, npm, tool } from './tools.mjs'

const run = promisify(execFile)
const OURS = ['enqueue-boundary', '@enqueue-boundary']

/** What stands for the binary of a target that cannot be built here: it is installed, and never loaded. */
const PLACEHOLDER = 'no binary: this target was not built\n'

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The registry's settings; YAML is JSON too. */
function settings(storage, upstream) {
  const ours = { access: '$all', publish: '$all', unpublish: '$all' }
  return JSON.stringify({
    storage,
    uplinks: { upstream: { url: upstream, maxage: '30d', timeout: '120s', max_fails: 20, fail_timeout: '1s' } },
    packages: {
      'enqueue-boundary': ours,
      '@enqueue-boundary/*': ours,
      '**': { access: '$all', proxy: 'upstream' },
    },
    log: { type: 'stdout', format: 'pretty', level: 'error' },
    max_body_size: '100mb',
  })
}

/**
 * Starts a registry and publishes the package to it.
 * @param {string} upstream where everything else comes from
 * @returns {Promise<{ url: string, packed: object[], stop(): Promise<void> }>}
 */
export async function startRegistry(upstream) {
  const folder = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-registry-'))
  // What comes from upstream is kept from run to run, what is ours is not.
  const storage = path.join(CACHE, 'registry')
  for (const name of OURS) rmSync(path.join(storage, name), { recursive: true, force: true })
  rmSync(path.join(storage, '.verdaccio-db.json'), { force: true })
  mkdirSync(storage, { recursive: true })
  const config = path.join(folder, 'config.yaml')
  writeFileSync(config, settings(storage, upstream))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const child = spawn(
    process.execPath,
    [tool('verdaccio/bin/verdaccio'), '--config', config, '--listen', `127.0.0.1:${port}`],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/error|fatal/i.test(line)) console.error(`registry: ${line}`)
  })
  const stop = async () => {
    const gone = child.exitCode === null && once(child, 'exit')
    child.kill()
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answers(url, child)
    return { url, packed: await publish(url, folder), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function answers(url, child) {
  while (child.exitCode === null) {
    if (
      await fetch(`${url}-/ping`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the registry ended with ${child.exitCode}`)
}

/** The packages that were built here, placeholders for the other targets, and the root package after them, as in a release. */
async function publish(url, folder) {
  const packed = await pack(folder)
  const [root, ...built] = packed
  const missing = TARGETS.filter((target) => !built.some(({ name }) => name.endsWith(`/${target}`)))
  if (missing.includes(hostTarget())) throw new Error(`no binary of ${hostTarget()} has been built: npm run build`)
  const placeholders = missing.map((target) => {
    const at = makeFolder(target, path.join(folder, target))
    writeFileSync(path.join(at, BINARY), PLACEHOLDER)
    return at
  })
  for (const what of [...built.map(({ tarball }) => tarball), ...placeholders, root.tarball]) {
    const auth = `--${url.replace(/^http:/, '')}:_authToken=anybody`
    await run(process.execPath, [
      ...npm,
      'publish',
      what,
      '--registry',
      url,
      auth,
      '--ignore-scripts',
      '--access',
      'public',
    ])
  }
  return packed
}

/** The upstream registry. */
export async function upstream() {
  const { stdout } = await run(process.execPath, [...npm, 'config', 'get', 'registry'])
  return stdout.trim()
}
