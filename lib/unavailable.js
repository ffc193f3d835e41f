'use strict'
// What an import leads to where there are no native addons: in a browser's bundle, in an edge runtime.

// The exports are left to be found out, since a bundler that knew there are none would complain of each name that is imported.
module.exports = refuse()

function refuse() {
  throw new Error(
    'enqueue-boundary is native code for Node.js, Bun and Deno, and cannot run in a browser or an edge runtime: ' +
      "keep it to the server; a Next.js route that has it needs the runtime 'nodejs', a test of jest the environment 'node'.",
  )
}
