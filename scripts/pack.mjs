// Packs the package as it is published: the root package, which holds JavaScript and types only, and one for each target
// whose binary is in `npm/`. Works on copies in a temporary folder; the repository is only read.
//   node scripts/pack.mjs [--json] [--all-targets] [folder for the tarballs; a new temporary one when left out]
// With --all-targets nothing is packed unless the binaries of all targets are there, as when it is published.
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { BINARY, makeFolder, published, TARGETS } from './platform-package.mjs'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('..', import.meta.url))
// On Windows npm is a .cmd file, which only a shell can start.
const npm = (args, cwd) => run('npm', args, { cwd, shell: process.platform === 'win32' })
/** What `npm pack --json` says of the one package it packed: npm 11 prints a list, npm 12 an object. */
const packedBy = ({ stdout }) => Object.values(JSON.parse(stdout))[0]

/** What is beside a package's manifest in `npm/<target>`. */
const BESIDE = [BINARY, 'sbom.cdx.json']

/** Copies what npm would publish of the repository: what `files` lists, and the files npm always adds. */
async function stageRoot(stage) {
  const manifest = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'))
  const { files } = packedBy(await npm(['pack', '--dry-run', '--json', '--ignore-scripts'], repository))
  for (const { path: file } of files) cpSync(path.join(repository, file), path.join(stage, file))
  writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
}

function stagePlatform(target, stage) {
  const folder = makeFolder(target, path.join(stage, 'npm', target))
  for (const file of BESIDE) {
    const built = path.join(repository, 'npm', target, file)
    if (existsSync(built)) copyFileSync(built, path.join(folder, file))
  }
  return folder
}

async function tarball(cwd, out) {
  const flags = ['--json', '--ignore-scripts', '--pack-destination', out]
  const { name, filename, files, size, unpackedSize } = packedBy(await npm(['pack', ...flags], cwd))
  return { name, tarball: path.join(out, filename), files: files.map((file) => file.path), size, unpackedSize }
}

/**
 * @param {string} out the folder for the tarballs
 * @param {{ allTargets?: boolean }} [options]
 * @returns {Promise<{ name: string, tarball: string, files: string[], size: number, unpackedSize: number }[]>} the root
 *   package first; sizes in bytes
 */
export async function pack(out, { allTargets = false } = {}) {
  const built = TARGETS.filter((target) => existsSync(path.join(repository, 'npm', target, BINARY)))
  const missing = TARGETS.filter((target) => !built.includes(target))
  if (built.length === 0) throw new Error('no binary has been built here: run npm run build first')
  if (allTargets && missing.length > 0) throw new Error(`not built yet: ${missing.join(', ')}`)
  const stage = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-pack-'))
  try {
    await stageRoot(stage)
    const packed = []
    for (const cwd of [stage, ...built.map((target) => stagePlatform(target, stage))]) {
      packed.push(await tarball(cwd, out))
    }
    return packed
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

const OPTIONS = { json: { type: 'boolean' }, 'all-targets': { type: 'boolean' } }

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    const out = path.resolve(positionals[0] ?? mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-tarballs-')))
    mkdirSync(out, { recursive: true })
    const packed = await pack(out, { allTargets: values['all-targets'] })
    console.log(values.json ? JSON.stringify(packed, null, 2) : packed.map((each) => each.tarball).join('\n'))
  } catch (error) {
    console.error(`pack: ${error.message}`)
    process.exitCode = 1
  }
}
