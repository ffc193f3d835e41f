// What the package is built of and with: licences, sources, versions, hashes, scripts that run when something is installed.
//   node scripts/lint-dependencies.mjs [--online]
// Without the network, once the crates have been fetched; --online asks for advisories and signatures as well.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { checker, program, root, runChecks } from './checkers.mjs'

/** Of what develops the package: nothing of it is published. */
const LICENSES = new Set([
  ...[
    '0BSD',
    'Apache-2.0',
    'Artistic-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'BlueOak-1.0.0',
    'CC-BY-4.0',
    'ISC',
    'MIT',
    'MPL-2.0',
    'PSF-2.0',
    'Python-2.0',
    'Unlicense',
  ],
  ...['(MIT AND Zlib)', '(MIT OR CC0-1.0)', 'MIT OR Apache-2.0'],
])

/**
 * Packages whose install scripts have been read: they compile where no prebuilt binary fits; esbuild's looks whether the binary runs that
 * came as a package, and fetches it where npm left that out.
 */
const MAY_RUN_SCRIPTS = new Set(['@parcel/watcher', 'esbuild', 'msgpackr-extract'])

/** Those that name it in the old form, `licenses`, which lock files leave out: it is MIT. */
const SAID_OTHERWISE = new Set(['busboy', 'streamsearch'])

const LOCK_FILES = ['package-lock.json', '.github/npm/package-lock.json', 'tools/typedoc/package-lock.json']

/** Its licences are those of Next.js: nothing is built of it. */
const EXAMPLE = 'examples/next-app/package-lock.json'

/** Where the example has this package from. */
const OURSELVES = 'file:../..'

const read = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'))

function locked(files = [...LOCK_FILES, EXAMPLE]) {
  const places = files.flatMap((file) => Object.entries(read(file).packages))
  // The root has no name, and what is bundled is within the hash of its bundle.
  return places
    .filter(([place, { inBundle, resolved }]) => place !== '' && !inBundle && resolved !== OURSELVES)
    .map(([place, entry]) => ({ name: place.split('node_modules/').at(-1), ...entry }))
}

const complain = (entries, words) => entries.map((entry) => `${entry.name} ${entry.version} ${words(entry)}`)

const without = (field) => () =>
  complain(
    locked().filter((entry) => entry[field] === undefined),
    () => `has no ${field} in its lock file`,
  )

function unlicensed() {
  const refused = locked(LOCK_FILES).filter(
    ({ license, name }) => !(LICENSES.has(license) || (license === undefined && SAID_OTHERWISE.has(name))),
  )
  return complain(refused, ({ license }) => `is under ${license ?? 'no licence that its lock file names'}`)
}

function located() {
  // Whoever installs has a registry of their own.
  const refused = locked().filter(({ resolved }) => resolved !== undefined)
  return complain(refused, ({ resolved }) => `comes from ${resolved}`)
}

function scripted() {
  const refused = locked().filter(({ hasInstallScript, name }) => hasInstallScript && !MAY_RUN_SCRIPTS.has(name))
  return complain(refused, () => 'runs a script when it is installed')
}

function unpinned() {
  const { devDependencies } = read('package.json')
  const loose = Object.entries(devDependencies).filter(([, range]) => !/^(?:npm:.+@)?\d+\.\d+\.\d+$/.test(range))
  return loose.map(([name, range]) => `${name} ${range} is not one version`)
}

function depended() {
  const { dependencies = {}, peerDependencies = {} } = read('package.json')
  return Object.keys({ ...dependencies, ...peerDependencies })
}

const deny = (...args) => program(checker('cargo-deny'), args)
const { values } = parseArgs({ options: { online: { type: 'boolean' } } })
const online = {
  'no crate has a known advisory': () => deny('check', 'advisories')(),
  'what npm installed is signed': program('npm', ['audit', 'signatures']),
  'no npm package has a known advisory': program('npm', ['audit']),
}
try {
  runChecks({
    'the crates of Cargo.lock are here': program('cargo', ['fetch', '--locked', '--quiet']),
    'crates have licences, sources and versions that we want': () =>
      deny('--offline', 'check', '--deny=unmatched-skip', 'licenses', 'bans', 'sources')(),
    'every npm package is locked to its hash': without('integrity'),
    'no npm package is bound to a registry': located,
    'npm packages have licences that we want': unlicensed,
    'no other npm package runs a script when it is installed': scripted,
    'what we develop with is pinned': unpinned,
    'users install nothing but this package': depended,
    ...(values.online ? online : {}),
  })
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
