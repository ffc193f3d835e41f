// An application in a fresh folder outside of the repository, which installs the package from the registry of the run and
// enqueues a job with it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { npm, tool } from './tools.mjs'

const execute = promisify(execFile)
const { INSTALL_REGISTRY: registry, REDIS_URL: server } = process.env
if (!registry || !server) throw new Error('these tests are started by npm run test:package')

/** A database for each file, since files run side by side and enqueue the same tickets. */
const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.test.mjs'))
export const REDIS_URL = `${server}/${1 + files.sort().indexOf(path.basename(process.argv[1]))}`

/** The programs of the consumer that `npm test` has too. */
const CONSUMERS = new URL('../package/', import.meta.url)

export const NODES = [20, 22, 24, 26].map((major) => ({
  name: `Node ${major}`,
  command: [tool(`node${major}/bin/node`)],
}))
const node = NODES.find(({ name }) => name === 'Node 24')
export const BUN = { name: 'Bun', command: [tool('bun/bin/bun')] }
export const DENO = { name: 'Deno', command: [tool('deno/deno'), 'run', '--allow-all', '--quiet'] }

/** What package managers are told so that they take a version that was published a moment ago. */
const AT_ONCE = { pnpm: 'minimumReleaseAge: 0\n', yarn: 'npmMinimalAgeGate: 0\n', deno: '--minimum-dependency-age=0' }
const YARN = `npmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableGlobalCache: false\npnpEnableEsmLoader: true\n${AT_ONCE.yarn}`
const berry = (linker) => ({
  files: { '.yarnrc.yml': `${YARN}nodeLinker: ${linker}\n`, 'yarn.lock': '' },
  run: [tool('@yarnpkg/cli-dist/bin/yarn.js')],
  install: ['install', '--no-immutable'],
  foreign: {
    files: { '.yarnrc.yml': `${YARN}nodeLinker: ${linker}\nsupportedArchitectures:\n  os: [darwin]\n  cpu: [arm64]\n` },
  },
})

/**
 * How each package manager installs what package.json asks for: here, and as if for another platform.
 * @type {Record<string, { files?: Record<string, string>, run: string[], native?: boolean, install: string[], runtime?: object, foreign?: { files?: Record<string, string>, flags?: string[] } }>}
 */
export const MANAGERS = {
  npm: { run: npm, install: ['install'], foreign: { flags: ['--os=darwin', '--cpu=arm64'] } },
  pnpm: {
    files: { 'pnpm-workspace.yaml': AT_ONCE.pnpm },
    run: [tool('pnpm/bin/pnpm.mjs')],
    install: ['install', '--no-frozen-lockfile'],
    foreign: { flags: ['--os=darwin', '--cpu=arm64'] },
  },
  // It knows no C libraries, and has no way to install for another platform.
  'Yarn 1': { run: [tool('yarn1/bin/yarn.js')], install: ['install'], foreign: { flags: ['--ignore-optional'] } },
  'Yarn, node_modules': berry('node-modules'),
  'Yarn, Plug’n’Play': { ...berry('pnp'), start: [...berry().run, 'node'] },
  Bun: {
    run: BUN.command,
    native: true,
    install: ['install'],
    runtime: BUN,
    foreign: { flags: ['--os=darwin', '--cpu=arm64'] },
  },
  Deno: { run: [tool('deno/deno')], native: true, install: ['install', AT_ONCE.deno], runtime: DENO },
}

export class App {
  #folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-install-')))
  #home = path.join(this.#folder, '.home')
  #redis = new Redis(REDIS_URL)

  /**
   * @param {{ manager?: keyof typeof MANAGERS, manifest?: object }} [options]
   * @returns {Promise<App>} with the package and `manifest.dependencies` not yet installed
   */
  constructor({ manager = 'npm', manifest = {} } = {}) {
    this.manager = MANAGERS[manager]
    this.folder = path.join(this.#folder, 'app')
    mkdirSync(this.#home)
    cpSync(CONSUMERS, this.folder, { recursive: true })
    const dependencies = { 'enqueue-boundary': '*', ...manifest.dependencies }
    this.write({
      'package.json': JSON.stringify({ name: 'app', version: '1.0.0', private: true, ...manifest, dependencies }),
      '.npmrc': `registry=${registry}\n`,
      ...this.manager.files,
    })
  }

  path(...parts) {
    return path.join(this.folder, ...parts)
  }

  write(files) {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(this.path(file)), { recursive: true })
      writeFileSync(this.path(file), text)
    }
  }

  remove(...parts) {
    rmSync(this.path(...parts), { recursive: true, force: true })
  }

  /** Runs a program in the folder, with nothing of this machine's settings; gives what it printed. */
  async run(command, args, { env = {} } = {}) {
    const { PATH } = process.env
    const path24 = path.dirname(node.command[0])
    const clean = {
      PATH: `${path24}${path.delimiter}${PATH}`,
      HOME: this.#home,
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      NEXT_TELEMETRY_DISABLED: '1',
      CI: '1',
      REDIS_URL,
      ...env,
    }
    try {
      const { stdout } = await execute(command, args, { cwd: this.folder, env: clean, maxBuffer: 2 ** 26 })
      return stdout
    } catch (error) {
      throw new Error(`${error.message}\n${error.stdout}`, { cause: error })
    }
  }

  /** Has the package manager do something. */
  manage(...args) {
    const { run, native } = this.manager
    return native ? this.run(run[0], [...run.slice(1), ...args]) : this.run(node.command[0], [...run, ...args])
  }

  install(...flags) {
    return this.manage(...this.manager.install, ...flags)
  }

  /** Runs a file of the application. */
  start(runtime, file, options) {
    const { start } = this.manager
    const [command, ...args] = [...runtime.command, ...(start ?? [])]
    return this.run(command, [...args, file], options)
  }

  /** Runs a file of the application that enqueues the ticket `ticketId`: its job must be there afterwards. */
  async enqueues(ticketId, runtime, file) {
    const key = `bull:ticket-triage:ticket-triage:acme:${ticketId}`
    await this.#redis.del(key)
    const stdout = await this.start(runtime, file)
    assert.deepEqual(JSON.parse(stdout), { jobId: `ticket-triage:acme:${ticketId}`, status: 'queued' })
    assert.equal(
      await this.#redis.hget(key, 'data'),
      JSON.stringify({ tenantId: 'acme', ticketId, summary: 'It prints "ü".' }),
    )
  }

  /** What a program is told that requires the package, or `undefined` where nothing is wrong. */
  async failure(runtime = this.manager.runtime ?? node) {
    this.write({
      'load.cjs':
        "try { require('enqueue-boundary') } catch (error) { console.log(error.code + '\\n' + error.message) }",
    })
    const stdout = await this.start(runtime, 'load.cjs')
    return stdout.trim() || undefined
  }

  /** Does what the last line of a failure says, as a person would who has this package manager. */
  async mend(failure) {
    const [command] = failure.split('To mend it: ')[1].split(', with ')
    const [, name] = /(?:^|&& )(npm|pnpm|yarn|bun|deno) /.exec(command)
    const { run, native } = this.manager
    const program = [...(native ? [] : node.command), ...run].map((part) => `'${part}'`).join(' ')
    await this.run('sh', ['-c', `${name}() { ${program} "$@"; }\n${command}`])
  }

  async close() {
    this.#redis.disconnect()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export { node }
