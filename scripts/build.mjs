// Compiles the addon for work on it, tests included: `binding.js`, which loads the binary of the platform, and the binary itself.
//   node scripts/build.mjs [--published]   as it is published, but that it may need the newest libraries of this machine
import { parseArgs } from 'node:util'
import { compile, hostTriple } from './compile.mjs'
import { place } from './place.mjs'

try {
  const { values } = parseArgs({ options: { published: { type: 'boolean' } } })
  await place(compile(values), hostTriple())
} catch (error) {
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
