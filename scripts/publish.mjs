// Publishes what scripts/pack.mjs has packed, in an order in which nobody ever installs a part of it: the platform packages
// before the root package that asks for them, and all of them before any moves a dist-tag that users install by.
//   node scripts/publish.mjs stage <folder of tarballs>   under the dist-tag `staging`; what is there already is left
//   node scripts/publish.mjs promote <version>            `latest`, or `next` for a prerelease, becomes this version
// Who may do so is npm's to know: a trusted publisher, or whoever is logged in.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = 'enqueue-boundary'
const STAGING = 'staging'

// On Windows npm is a .cmd file, which only a shell can start.
const shell = process.platform === 'win32'
const npm = (...args) => execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], shell })

/** What the registry says of a version, or undefined where it has none of it. */
function view(spec, field) {
  try {
    const text = execFileSync('npm', ['view', spec, field, '--json', '--prefer-online'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      shell,
    })
    // npm 12 makes a list of it.
    return text.trim() === '' ? undefined : [JSON.parse(text)].flat()[0]
  } catch (error) {
    if (/\bE404\b/.test(`${error.stdout}${error.stderr}`)) return undefined
    throw error
  }
}

/** @returns {{ name: string, version: string, tarball: string, platforms: Record<string, string> }[]} the root last */
function readTarballs(folder) {
  const packages = readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .map((file) => {
      // npm takes a relative path of two parts for a repository.
      const tarball = path.resolve(folder, file)
      const json = execFileSync('tar', ['-xOzf', tarball, 'package/package.json'], { encoding: 'utf8' })
      const { name, version, optionalDependencies: platforms = {} } = JSON.parse(json)
      return { name, version, tarball, platforms }
    })
  const isRoot = ({ name }) => Number(name === ROOT)
  return packages.sort((a, b) => isRoot(a) - isRoot(b))
}

/** Nothing is published of a release that is not whole. */
function checkWhole(packages) {
  const root = packages.at(-1)
  if (root?.name !== ROOT) throw new Error(`there is no tarball of ${ROOT}`)
  const wanted = Object.entries({ ...root.platforms, [ROOT]: root.version }).map(
    ([name, version]) => `${name}@${version}`,
  )
  const found = packages.map(({ name, version }) => `${name}@${version}`)
  const differ = [
    ...wanted.filter((spec) => !found.includes(spec)).map((spec) => `${spec} is not there`),
    ...found.filter((spec) => !wanted.includes(spec)).map((spec) => `${spec} is not asked for by ${ROOT}`),
  ]
  if (wanted.length === 1) differ.push(`${ROOT} asks for no platform package`)
  if (differ.length > 0) throw new Error(`the tarballs are not one release: ${differ.join('; ')}`)
}

function stage(folder) {
  const packages = readTarballs(folder)
  checkWhole(packages)
  for (const { name, version, tarball } of packages) {
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    const published = view(`${name}@${version}`, 'dist.integrity')
    if (published !== undefined && published !== integrity) {
      throw new Error(`${name}@${version} is published already, and is another tarball (${published})`)
    }
    if (published === undefined) npm('publish', tarball, '--access', 'public', '--tag', STAGING, '--ignore-scripts')
    console.log(`${published === undefined ? 'published' : 'there already'}: ${name}@${version} ${integrity}`)
  }
}

function promote(version) {
  const platforms = view(`${ROOT}@${version}`, 'optionalDependencies')
  if (platforms === undefined) throw new Error(`${ROOT}@${version} is not published`)
  const names = [...Object.keys(platforms), ROOT]
  const missing = names.filter((name) => view(`${name}@${version}`, 'version') !== version)
  if (missing.length > 0) throw new Error(`not published in version ${version}: ${missing.join(', ')}`)
  const tag = version.includes('-') ? 'next' : 'latest'
  for (const name of names) {
    npm('dist-tag', 'add', `${name}@${version}`, tag)
    console.log(`${tag}: ${name}@${version}`)
  }
  for (const name of names) if (view(name, 'dist-tags')[STAGING] === version) npm('dist-tag', 'rm', name, STAGING)
}

const [verb, what, ...rest] = process.argv.slice(2)
const verbs = { __proto__: null, stage, promote }
try {
  if (!verbs[verb] || !what || rest.length > 0) throw new Error('stage <folder of tarballs>, or promote <version>')
  verbs[verb](what)
} catch (error) {
  console.error(`publish: ${error.message}`)
  process.exitCode = 1
}
