// Makes the binary of a platform as it is published, and beside it the list of what is compiled into it (CycloneDX). On Linux
// zig links it and compiles its C, so that it runs with the oldest C library that Node itself runs with.
//   node scripts/build-release.mjs [target, as Rust names it; this machine's when left out]
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetchWheels } from '../tools/wheels.js'
import { compile, hostTriple, root } from './compile.mjs'
import { listComponents } from './components.mjs'
import { excesses, GLIBC, inspect, print } from './inspect.mjs'
import { place } from './place.mjs'

const cache = path.join(root, 'node_modules/.cache')

/** The command that compiles with zig, and its environment, in which all that it keeps is kept in our cache. */
function zig() {
  const list = fileURLToPath(new URL('zig.txt', import.meta.url))
  const wheels = fetchWheels('zig', list, () =>
    console.error('fetching zig and cargo-zigbuild (PyPI wheels, 102 MB; 420 MB unpacked) into node_modules/.cache'),
  )
  const env = {
    CARGO_ZIGBUILD_ZIG_PATH: path.join(wheels, 'ziglang/zig'),
    CARGO_ZIGBUILD_CACHE_DIR: path.join(cache, 'cargo-zigbuild'),
    ZIG_GLOBAL_CACHE_DIR: path.join(cache, 'zig-objects'),
    ZIG_LOCAL_CACHE_DIR: path.join(cache, 'zig-objects'),
  }
  return { cargo: [path.join(wheels, 'bin/cargo-zigbuild'), 'zigbuild'], env }
}

/** How to compile for `triple`. */
function toolsFor(triple) {
  if (process.platform !== 'linux' || !triple.includes('-linux-')) return { target: triple }
  // cargo-zigbuild reads the version of glibc behind the name.
  return { target: triple.endsWith('-gnu') ? `${triple}.${GLIBC}` : triple, ...zig() }
}

try {
  const { positionals } = parseArgs({ allowPositionals: true })
  const [triple = hostTriple()] = positionals
  const binary = place(compile({ published: true, ...toolsFor(triple) }), triple)
  listComponents(triple, path.join(path.dirname(binary), 'sbom.cdx.json'))
  const found = inspect(binary)
  print(found)
  const wrong = excesses(found)
  if (wrong.length > 0) throw new Error(wrong.join('; '))
} catch (error) {
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
