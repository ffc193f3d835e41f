// Where a compiled binary goes: beside `binding.js`, which loads the one of its platform.
import { copyFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseTriple, writeJsBinding } from '@napi-rs/cli'
import { hostTriple, root } from './compile.mjs'

const require = createRequire(import.meta.url)
const { name, version, napi } = require('../package.json')

export const binaryOf = (triple) => path.join(root, `${napi.binaryName}.${parseTriple(triple).platformArchABI}.node`)

/** Puts `library` where the addon for `triple` is looked for. */
export async function place(library, triple) {
  const binary = binaryOf(triple)
  // A process that has the old one loaded keeps it.
  copyFileSync(library, `${binary}.new`)
  renameSync(`${binary}.new`, binary)
  if (triple !== hostTriple()) return binary
  await writeJsBinding({
    platform: true,
    jsBinding: 'binding.js',
    idents: Object.keys(require(binary)),
    binaryName: napi.binaryName,
    packageName: name,
    version,
    outputDir: root,
  })
  return binary
}
