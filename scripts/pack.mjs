// Packs the package as it is published: the root package, which holds JavaScript and types only, and one package for each
// platform whose binary has been built here. Works on copies in a temporary folder; the repository is only read.
//   node scripts/pack.mjs [--json] [folder for the tarballs; a new temporary one when left out]
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { NapiCli } from '@napi-rs/cli'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('..', import.meta.url))
const read = (...file) => JSON.parse(readFileSync(path.join(...file), 'utf8'))
// On Windows npm is a .cmd file, which only a shell can start.
const npm = (args, cwd) => run('npm', args, { cwd, shell: process.platform === 'win32' })

/** Copies what npm would publish from the repository: what `files` lists, and the files npm always adds. */
async function stageRoot(stage) {
  const manifest = read(repository, 'package.json')
  const missing = manifest.files.filter((file) => !existsSync(path.join(repository, file)))
  if (missing.length > 0) throw new Error(`not there yet: ${missing.join(', ')}. Run npm run build first.`)
  const { stdout } = await npm(['pack', '--dry-run', '--json', '--ignore-scripts'], repository)
  for (const { path: file } of JSON.parse(stdout)[0].files) cpSync(path.join(repository, file), path.join(stage, file))
  return manifest
}

/** One folder a target, as @napi-rs/cli lays them out, with the binary in those that have been built. */
async function stagePlatforms(stage) {
  await new NapiCli().createNpmDirs({ cwd: stage })
  const folder = path.join(stage, 'npm')
  return readdirSync(folder).map((platform) => {
    const cwd = path.join(folder, platform)
    const { name, version, main } = read(cwd, 'package.json')
    const binary = path.join(repository, main)
    const built = existsSync(binary)
    if (built) copyFileSync(binary, path.join(cwd, main))
    return { name, version, cwd, built }
  })
}

async function tarball(cwd, out) {
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', out], cwd)
  const [{ name, filename, files }] = JSON.parse(stdout)
  return { name, tarball: path.join(out, filename), files: files.map((file) => file.path) }
}

/**
 * @param {string} out the folder for the tarballs
 * @returns {Promise<{ name: string, tarball: string, files: string[] }[]>} the root package first
 */
export async function pack(out) {
  const stage = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-pack-'))
  try {
    const manifest = await stageRoot(stage)
    const platforms = await stagePlatforms(stage)
    const built = platforms.filter((platform) => platform.built)
    if (built.length === 0) throw new Error('no binary has been built here. Run npm run build first.')
    // The CLI's own prepublish step writes this as well, but only where the binaries of all targets have come together.
    manifest.optionalDependencies = Object.fromEntries(platforms.map(({ name, version }) => [name, version]))
    writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    const packed = []
    for (const cwd of [stage, ...built.map((platform) => platform.cwd)]) packed.push(await tarball(cwd, out))
    return packed
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true })
    const out = path.resolve(positionals[0] ?? mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-tarballs-')))
    mkdirSync(out, { recursive: true })
    const packed = await pack(out)
    console.log(values.json ? JSON.stringify(packed, null, 2) : packed.map((each) => each.tarball).join('\n'))
  } catch (error) {
    console.error(`pack: ${error.message}`)
    process.exitCode = 1
  }
}
