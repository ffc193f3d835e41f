// `npm run docs:api`: makes docs/api, the reference, of the types that users import. With `--check` it changes nothing, and fails
// where what is there is another, as it does where an export has no comment or a link leads nowhere.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tool = path.join(root, 'tools/typedoc')
const cache = path.join(root, '.cache/typedoc')
const reference = path.join(root, 'docs/api')

/** Installs typedoc, unless the same one is there. What is ours is copied beside it, where it finds what it imports. */
function install() {
  const lock = (folder) => path.join(folder, 'package-lock.json')
  const done = path.join(cache, 'node_modules/.package-lock.json')
  mkdirSync(cache, { recursive: true })
  const same = existsSync(done) && readFileSync(lock(cache)).equals(readFileSync(lock(tool)))
  for (const file of readdirSync(tool)) copyFileSync(path.join(tool, file), path.join(cache, file))
  if (same) return
  rmSync(done, { force: true })
  console.error('fetching typedoc and a TypeScript for it (60 MB) into .cache')
  run('npm', ['ci', '--prefix', cache, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

function run(command, args) {
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (status !== 0) throw new Error(error?.message ?? `${command} ended with ${status}`)
}

/** The types of each way into the package. typedoc takes a backslash for one that escapes. */
function entries() {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const types = Object.values(exports).flatMap((entry) => entry.types ?? [])
  return types.map((file) => path.join(root, file).replaceAll(path.sep, '/'))
}

function generate(out) {
  const flags = [
    ...['--options', path.join(cache, 'typedoc.json'), '--tsconfig', path.join(cache, 'tsconfig.json')],
    ...['--plugin', 'typedoc-plugin-markdown', '--plugin', path.join(cache, 'plugin.mjs'), '--out', out],
  ]
  run(process.execPath, [path.join(cache, 'node_modules/typedoc/bin/typedoc'), ...flags, ...entries()])
}

/** By name, the pages in a folder. */
const pagesIn = (folder) =>
  existsSync(folder) ? readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]) : []

try {
  install()
  mkdirSync(path.join(root, '.cache'), { recursive: true })
  const out = mkdtempSync(path.join(root, '.cache/api-'))
  try {
    generate(out)
    if (!process.argv.includes('--check')) {
      rmSync(reference, { recursive: true, force: true })
      renameSync(out, reference)
    } else if (JSON.stringify(pagesIn(out)) !== JSON.stringify(pagesIn(reference))) {
      throw new Error('docs/api is not that of the types: npm run docs:api makes it anew')
    }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
