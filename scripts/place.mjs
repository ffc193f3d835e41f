// Where a compiled binary goes: into the package of its target, which for this platform is put where it is looked for.
import { copyFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { hostTriple, root } from './compile.mjs'
import { BINARY, link, makeFolder, targetOf } from './platform-package.mjs'

/** Where the binary for `triple` is. */
export const binaryOf = (triple) => path.join(root, 'npm', targetOf(triple), BINARY)

/** Puts `library` into the package of the target that Rust calls `triple`; gives where it is then. */
export function place(library, triple) {
  const target = targetOf(triple)
  const binary = path.join(makeFolder(target), BINARY)
  // A process that has the old one loaded keeps it.
  copyFileSync(library, `${binary}.new`)
  renameSync(`${binary}.new`, binary)
  if (triple === hostTriple()) link(target)
  return binary
}
