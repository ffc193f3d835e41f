// Compiles the addon for work on it, tests included, into the package of this platform, `npm/<target>`, which stands in
// `node_modules` as it does in an application.
//   node scripts/build.mjs [--published]   as it is published, but that it may need the newest libraries of this machine
import { parseArgs } from 'node:util'
import { compile, hostTriple } from './compile.mjs'
import { place } from './place.mjs'

try {
  const { values } = parseArgs({ options: { published: { type: 'boolean' } } })
  place(compile(values), hostTriple())
} catch (error) {
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
