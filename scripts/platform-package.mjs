// The package of one target, which holds its binary and nothing that runs: `npm/<target>`, which git does not keep.
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
export const { hostTarget, TARGETS } = createRequire(import.meta.url)('../lib/binary/target.js')

/** What Rust calls each target. */
const TRIPLES = {
  'darwin-arm64': 'aarch64-apple-darwin',
  'darwin-x64': 'x86_64-apple-darwin',
  'linux-arm64-gnu': 'aarch64-unknown-linux-gnu',
  'linux-arm64-musl': 'aarch64-unknown-linux-musl',
  'linux-x64-gnu': 'x86_64-unknown-linux-gnu',
  'linux-x64-musl': 'x86_64-unknown-linux-musl',
  'win32-arm64-msvc': 'aarch64-pc-windows-msvc',
  'win32-x64-msvc': 'x86_64-pc-windows-msvc',
}

/** The target that Rust calls `triple`. */
export function targetOf(triple) {
  const target = TARGETS.find((each) => TRIPLES[each] === triple)
  if (!target)
    throw new Error(`there is no package for ${triple}; there are those for ${Object.values(TRIPLES).join(', ')}`)
  return target
}

export const BINARY = 'enqueue-boundary.node'

const LIBC = { gnu: ['glibc'], musl: ['musl'] }

/** What the packages of targets are named by. */
export const nameOf = (target) => `@enqueue-boundary/${target}`

/** What is published of a root manifest: nothing that runs or is needed before it is published. */
export function published({ scripts, devDependencies, ...manifest }) {
  const platforms = Object.fromEntries(TARGETS.map((target) => [nameOf(target), manifest.version]))
  return { ...manifest, optionalDependencies: platforms }
}

/** The manifest of the package of `target`. */
export function manifestOf(target, { version, license, homepage, repository, bugs, engines }) {
  const [os, cpu, abi] = target.split('-')
  return {
    name: nameOf(target),
    version,
    description: `The binary of enqueue-boundary for ${target}.`,
    license,
    homepage,
    repository,
    bugs,
    type: 'commonjs',
    main: BINARY,
    files: [BINARY, 'sbom.cdx.json'],
    os: [os],
    cpu: [cpu],
    ...(LIBC[abi] && { libc: LIBC[abi] }),
    engines,
    publishConfig: { access: 'public' },
  }
}

/**
 * Puts everything but the binary into the folder of the target's package.
 * @returns {string} the folder
 */
export function makeFolder(target, at = path.join(root, 'npm', target)) {
  const manifest = manifestOf(target, JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')))
  mkdirSync(at, { recursive: true })
  writeFileSync(path.join(at, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(
    path.join(at, 'README.md'),
    `# ${manifest.name}\n\n${manifest.description} It is installed with [enqueue-boundary](${manifest.homepage}), and not by itself.\n`,
  )
  copyFileSync(path.join(root, 'LICENSE'), path.join(at, 'LICENSE'))
  return at
}

/** Lets the repository find the package of `target` where an application has it. */
export function link(target) {
  const at = path.join(root, 'node_modules', nameOf(target))
  mkdirSync(path.dirname(at), { recursive: true })
  rmSync(at, { recursive: true, force: true })
  // On Windows a junction, which needs no rights.
  symlinkSync(path.join(root, 'npm', target), at, 'junction')
}
