// What a user gets with a binary: its size, what it needs of the system, what it exports, the folders it tells of, and how long
// it takes to load.
//   node scripts/inspect.mjs [--published] [file.node; the one that was built here when left out]
// With --published it fails where a limit of what is published is passed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../tools/count.js'
import { hostTriple, output, root } from './compile.mjs'
import { binaryOf } from './place.mjs'

/** The newest glibc that a published binary may need. */
export const GLIBC = '2.17'
const MOST_BYTES = 5_000_000
const LOADS = 15

const inOrder = (words) => [...new Set(words)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

/** What a binary of Linux needs and exports, as readelf of binutils or LLVM reads it, also for other processors. */
function linkage(file) {
  const find = (option, pattern) => {
    const env = { ...process.env, LC_ALL: 'C' }
    const text = execFileSync('readelf', ['--wide', option, file], { encoding: 'utf8', env, maxBuffer: 2 ** 28 })
    return inOrder(Array.from(text.matchAll(pattern), ([, name]) => name))
  }
  return {
    glibc: find('--version-info', /Name: GLIBC_([\d.]+)/g).at(-1),
    libraries: find('--dynamic', /\(NEEDED\).*\[(.+)\]/g),
    exports: find('--dyn-syms', /(?:GLOBAL|WEAK) +DEFAULT +\d+ (\S+)/g),
  }
}

/** The folders of this machine, and of anyone's home or build, that stand in a binary. */
function foldersIn(bytes) {
  const text = bytes.toString('latin1')
  const ours = [root, homedir(), process.env.CARGO_HOME, output('rustc', ['--print', 'sysroot'])]
  const told = ours.filter((folder) => folder && text.includes(path.join(folder, path.sep)))
  const usual = text.match(/(?:\/(?:home|root|Users|builds|tmp)\/|[A-Z]:\\(?:Users|a)\\)[\x21-\x7e]+/g) ?? []
  return inOrder([...told, ...usual])
}

/** The ms that fresh processes take to load it, or undefined where this one's kind can't. */
function loadTime(file) {
  const program = `const from = performance.now(); require(process.argv[1]); console.log(performance.now() - from)`
  const load = () => Number(execFileSync(process.execPath, ['--eval', program, file], { stdio: 'pipe' }))
  try {
    return median(Array.from({ length: LOADS }, load))
  } catch {
    return undefined
  }
}

/** @param {string} file */
export function inspect(file) {
  const bytes = readFileSync(file)
  const isElf = bytes.toString('latin1', 1, 4) === 'ELF'
  const absolute = path.resolve(file)
  return { file, bytes: bytes.length, ...(isElf && linkage(file)), folders: foldersIn(bytes), load: loadTime(absolute) }
}

/** The limits of what is published that a binary passes, in words. */
export function excesses({ bytes, glibc, folders }) {
  const rules = [
    [bytes <= MOST_BYTES, `it has ${bytes} bytes, more than ${MOST_BYTES}`],
    [!glibc || inOrder([glibc, GLIBC]).at(-1) === GLIBC, `it needs glibc ${glibc}, newer than ${GLIBC}`],
    [folders.length === 0, `it tells of ${folders.length} folders, such as ${folders[0]}`],
  ]
  return rules.filter(([holds]) => !holds).map(([, complaint]) => complaint)
}

export function print({ file, bytes, glibc, libraries = [], exports = [], folders, load }) {
  const lines = {
    file: path.relative('', file),
    size: `${(bytes / 1e6).toFixed(2)} MB`,
    glibc: glibc ?? 'none',
    libraries: libraries.join(', '),
    exports: exports.join(', '),
    folders: folders.length > 0 ? folders.join(', ') : 'none of a machine',
    load: load === undefined ? 'not by this process' : `${load.toFixed(1)} ms, median of ${LOADS} processes`,
  }
  for (const [name, text] of Object.entries(lines)) if (text) console.log(`${name.padEnd(11)}${text}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values, positionals } = parseArgs({
      options: { published: { type: 'boolean' } },
      allowPositionals: true,
    })
    const found = inspect(positionals[0] ?? binaryOf(hostTriple()))
    print(found)
    const wrong = values.published ? excesses(found) : []
    for (const complaint of wrong) console.error(`inspect: ${complaint}`)
    process.exitCode = wrong.length > 0 ? 1 : 0
  } catch (error) {
    console.error(`inspect: ${error.message}`)
    process.exitCode = 1
  }
}
