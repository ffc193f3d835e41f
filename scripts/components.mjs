// The list of all that is compiled into the binary of a target, as CycloneDX.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { output, root } from './compile.mjs'

const VERSION = '0.5.9'
const tools = path.join(root, 'node_modules/.cache/cargo-cyclonedx', VERSION)

function run(command, args, env) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(error?.message ?? `${path.basename(command)} ended with ${status}`)
}

/** The program that makes the list, compiled once. */
function lister() {
  const program = path.join(tools, 'bin', process.platform === 'win32' ? 'cargo-cyclonedx.exe' : 'cargo-cyclonedx')
  if (!existsSync(program)) {
    console.error('compiling cargo-cyclonedx into node_modules/.cache')
    run('cargo', ['install', `cargo-cyclonedx@${VERSION}`, '--locked', '--debug', '--quiet', '--root', tools])
  }
  return program
}

/** Writes the list for `triple` to `file`. The same sources make the same list, wherever they lie. */
export function listComponents(triple, file) {
  const name = 'sbom.cdx'
  const made = path.join(root, `${name}.json`)
  const options = ['--format', 'json', '--spec-version', '1.5', '--no-build-deps', '--override-filename', name, '-q']
  // In place of now, and of a random serial number.
  const committed = output('git', ['log', '-1', '--format=%ct']) ?? '0'
  run(lister(), ['cyclonedx', ...options, '--target', triple], { SOURCE_DATE_EPOCH: committed })
  const list = readFileSync(made, 'utf8').replaceAll(pathToFileURL(path.resolve(root)).href, 'file:.')
  rmSync(made)
  writeFileSync(file, list)
}
