'use strict'
// What is said when there is no binary to go on with: first what the system said, then where we are, then what mends it.

const { existsSync, readdirSync } = require('node:fs')
const path = require('node:path')
const { TARGETS } = require('./target.js')

const CODE = 'ERR_ENQUEUE_BOUNDARY_BINARY'

/** The folder in which this package is installed, unless it is in an archive as Yarn's Plug'n'Play has it. */
const MODULES = path.resolve(__dirname, '../../..')
const SCOPE = path.join(MODULES, '@enqueue-boundary')
const folderOf = (target) => path.join(SCOPE, target)

/**
 * The command that installs what belongs to this platform, for the package manager that has installed this package: the
 * first whose mark is there. npm leaves none that others don't.
 * @type {[() => boolean, (platform: { flags: string, os: string, cpu: string, version: string }) => string][]}
 */
const COMMANDS = [
  [
    () => process.versions.pnp !== undefined || existsSync(path.join(MODULES, '.yarn-state.yml')),
    ({ os, cpu }) => `yarn install, with supportedArchitectures: { os: [${os}], cpu: [${cpu}] } in .yarnrc.yml`,
  ],
  [() => within('.pnpm'), ({ flags }) => `pnpm install --force${flags}`],
  [() => within('.deno'), () => 'deno install'],
  [() => existsSync(path.join(MODULES, '.yarn-integrity')), () => 'yarn install --force'],
  [
    () => within('.bun') || existsSync(path.join(MODULES, '../bun.lock')),
    ({ os, cpu }) => `bun install --force --os=${os} --cpu=${cpu}`,
  ],
  [() => true, ({ flags, version }) => `npm install${flags} enqueue-boundary@${version}`],
]
const within = (folder) => __dirname.split(path.sep).includes(folder)

/**
 * What systems say, and what it means. A dynamic linker's words depend on the system and none of its errors has a code.
 * @type {[RegExp, (context: { target: string, found: RegExpExecArray }) => { means: string, mend?: string }][]}
 */
const SAID = [
  [
    /ERR_DLOPEN_DISABLED|no-addons/,
    () => ({
      means: 'Node.js was told to load no native code',
      mend: 'start it without --no-addons, also in NODE_OPTIONS',
    }),
  ],
  [
    /GLIBC_([\d.]+)' not found/,
    ({ found }) => ({
      means: `the C library of this system is older than glibc ${found[1]}, which this binary needs`,
      mend: `run on a system with glibc ${found[1]} or newer; binaries from the registry need 2.17`,
    }),
  ],
  [
    /permission denied|operation not permitted|EACCES|EPERM/i,
    ({ target }) => ({
      means: 'this process may not read or execute the file, or its file system is mounted with noexec',
      mend: `chmod -R a+rX ${folderOf(target)}`,
    }),
  ],
  [/ld-linux|libc\.so\.6|musl/, () => ({ means: 'the binary is for another C library than that of this system' })],
  [
    /ELF|incompatible architecture|mach-o|slice|Win32 application|file too short|dlopen/i,
    () => ({ means: 'the binary is for another system or processor, or not whole' }),
  ],
]

/**
 * @param {string} target the target of this process
 * @param {string} version of this package
 * @param {Error} error what `require` failed with
 */
function notLoaded(target, version, error) {
  const text = `${error.code ?? ''} ${error.message}`
  const [about, found] = SAID.map(([pattern, about]) => [about, pattern.exec(text)]).find(([, found]) => found) ?? []
  const { means, mend } = error.code === 'MODULE_NOT_FOUND' || !about ? missing(target) : about({ target, found })
  return failure(firstLine(error.message), means, target, mend ?? reinstall(target, version), error)
}

/**
 * @param {object | undefined} binary what was loaded, or nothing where there is no binary for this platform
 */
function notOurs(target, version, binary) {
  if (!TARGETS.includes(target)) {
    const said = `no binary is published for ${target}`
    return failure(said, undefined, target, 'run on one of the supported platforms')
  }
  const said = `@enqueue-boundary/${target} is of version ${binary?.VERSION}, enqueue-boundary of ${version}`
  return failure(said, 'the two must be the same', target, reinstall(target, version))
}

/** Why there is nothing to load. */
function missing(target) {
  if (existsSync(path.join(folderOf(target), 'package.json'))) {
    return { means: `the package @enqueue-boundary/${target} is there, but its binary is not` }
  }
  const others = installed().filter((other) => other !== target)
  if (others.length > 0) return { means: `dependencies were installed for ${others.join(', ')}` }
  const why = 'optional dependencies were left out, or the lock file was made on another platform'
  return { means: `the package @enqueue-boundary/${target} is not installed: ${why}` }
}

function installed() {
  try {
    return readdirSync(SCOPE).filter((name) => TARGETS.includes(name))
  } catch {
    return []
  }
}

/** What installs the package of this platform, in place of what is there, if anything is. */
function reinstall(target, version) {
  const [os, cpu, abi] = target.split('-')
  const libc = { gnu: 'glibc', musl: 'musl' }[abi]
  const flags = ` --os=${os} --cpu=${cpu}${libc ? ` --libc=${libc}` : ''}`
  const [, command] = COMMANDS.find(([isIt]) => isIt())
  const folder = folderOf(target)
  return `${existsSync(folder) ? `rm -r ${folder} && ` : ''}${command({ flags, os, cpu, version })}`
}

function failure(said, means, target, mend, cause) {
  const lines = [
    'enqueue-boundary cannot load its native binary.',
    `${said}${means ? `: ${means}` : ''}`,
    `This is ${target}, ${runtime()}. There are binaries for ${TARGETS.join(', ')}.`,
    `To mend it: ${mend}`,
  ]
  const error = new Error(lines.join('\n  '), cause && { cause })
  error.code = CODE
  return error
}

function runtime() {
  const { bun, deno, node } = process.versions
  if (bun) return `Bun ${bun}`
  return deno ? `Deno ${deno}` : `Node.js ${node}`
}

const firstLine = (text) => String(text).split('\n', 1)[0]

module.exports = { notLoaded, notOurs }
