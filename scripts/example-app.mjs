// Installs the application of examples/next-app: its locked dependencies, and this package as it is published. Does again only what
// is out of date.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { pack } from './pack.mjs'

export const folder = fileURLToPath(new URL('../examples/next-app/', import.meta.url))
const modules = path.join(folder, 'node_modules')

const modified = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0)

/** @param {(line: string) => void} announce told what takes a while */
export async function installExample(announce) {
  // npm writes this file last, so an interrupted install is done again.
  if (modified(path.join(modules, '.package-lock.json')) < modified(path.join(folder, 'package-lock.json'))) {
    announce('installing the dependencies of examples/next-app')
    run('npm', ['ci', '--loglevel=error'])
  }
  // npm has put the repository's own files there. What an application gets is what is published, with the binary beside it.
  const tarballs = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-example-'))
  try {
    place(await pack(tarballs))
  } finally {
    rmSync(tarballs, { recursive: true, force: true })
  }
}

/** Not where the same ones are there: somebody may be starting from them. */
function place(packed) {
  const mark = path.join(modules, '.enqueue-boundary')
  const hashes = packed.map(({ tarball }) => createHash('sha256').update(readFileSync(tarball)).digest('hex')).join()
  const places = packed.map(({ name }) => path.join(modules, name))
  const there = existsSync(mark) && readFileSync(mark, 'utf8') === hashes
  if (there && places.every((at) => existsSync(path.join(at, 'package.json')))) return
  rmSync(mark, { force: true })
  for (const [index, { tarball }] of packed.entries()) unpack(tarball, places[index])
  writeFileSync(mark, hashes)
}

function unpack(tarball, into) {
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', into])
}

function run(command, args) {
  // npm is a batch file on Windows, which needs a shell.
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'], shell })
  if (status !== 0) throw new Error(`${command} ${args[0]} failed (${error?.message ?? `status ${status}`})`)
}
