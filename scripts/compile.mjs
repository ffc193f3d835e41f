// Compiles the addon with cargo: quickly, for work on it, or as it is published, which takes longer and runs faster.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** What a program prints, or undefined where it ends badly or is not there. */
export function output(command, args, options) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options })
  return status === 0 ? stdout.trim() : undefined
}

/** The target of this machine, as Rust names it. */
export const hostTriple = () => /^host: (.+)$/m.exec(output('rustc', ['-vV']))?.[1]

/** Flags of rustc that leave no folder of this machine in the binary: not of the project, its dependencies or Rust. */
function withoutFolders() {
  const cargo = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo')
  const registries = path.join(cargo, 'registry/src')
  // They are there only once what they hold has been fetched.
  output('cargo', ['fetch', '--locked'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const crates = existsSync(registries) ? readdirSync(registries).map((name) => path.join(registries, name)) : []
  // Of those that match, the last counts.
  const folders = [cargo, output('rustc', ['--print', 'sysroot']), ...crates, root.replace(/[/\\]$/, '')]
  return folders.map((folder) => `--remap-path-prefix=${folder}=.`)
}

/**
 * @param {object} how
 * @param {boolean} [how.published] as it is published
 * @param {string} [how.target] for another machine, as Rust names it
 * @param {[string, ...string[]]} [how.cargo] the command that compiles
 * @param {Record<string, string>} [how.env] set in the environment of it
 * @returns {string} the library that was made
 */
export function compile({ published = false, target, cargo = ['cargo', 'build'], env } = {}) {
  const [command, ...args] = cargo
  args.push('--lib', '--locked', '--message-format=json-render-diagnostics')
  if (target) args.push('--target', target)
  if (published) args.push('--release')
  const flags = published ? withoutFolders() : []
  // Rust links programs for musl statically, which a library that Node loads can't be.
  if ((target ?? hostTriple()).includes('musl')) flags.push('-C', 'target-feature=-crt-static')
  if (flags.length > 0) args.push('--config', `build.rustflags=${JSON.stringify(flags)}`)
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: Number.POSITIVE_INFINITY,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(error?.message ?? `${path.basename(command)} ended with ${status}`)
  const messages = stdout.split('\n').filter((line) => line.startsWith('{'))
  const [library] = messages
    .map((line) => JSON.parse(line))
    .filter(({ reason, target: made }) => reason === 'compiler-artifact' && made.crate_types.includes('cdylib'))
    .flatMap(({ filenames }) => filenames.filter((file) => /\.(?:so|dylib|dll)$/.test(file)))
  return library
}
