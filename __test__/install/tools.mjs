// The package managers, runtimes and bundlers of tools/package.json, installed once for all runs.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const wanted = fileURLToPath(new URL('tools/', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Where tools and downloads are kept: not in node_modules, which npm ci empties. */
export const CACHE = path.join(repository, '.cache/install')
const TOOLS = path.join(CACHE, 'tools')

/** The path of a file of a tool. */
export const tool = (file) => path.join(TOOLS, 'node_modules', file)

/** The npm that comes with the tools, as arguments of Node. */
export const npm = [tool('npm/bin/npm-cli.js')]

/** Installs the tools, unless the same ones are there. */
export function installTools() {
  const lock = 'package-lock.json'
  const there = path.join(TOOLS, 'node_modules/.package-lock.json')
  const same = existsSync(there) && readFileSync(path.join(TOOLS, lock)).equals(readFileSync(path.join(wanted, lock)))
  if (same) return
  console.log('# install package managers, runtimes and bundlers (1.2 GB, once)')
  mkdirSync(TOOLS, { recursive: true })
  for (const file of ['package.json', lock]) copyFileSync(path.join(wanted, file), path.join(TOOLS, file))
  // Not `npm ci`: it takes a lock for wrong that lacks the packages of pnpm for other platforms, and npm itself leaves those out.
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status } = spawnSync('npm', args, {
    cwd: TOOLS,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('the tools could not be installed')
}
