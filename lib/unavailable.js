'use strict'
// What an import leads to where there are no native addons: in a browser's bundle, in an edge runtime.

throw new Error(
  'enqueue-boundary is native code for Node.js, Bun and Deno, and cannot run in a browser or an edge runtime: ' +
    "import it on the server alone; a Next.js route needs export const runtime = 'nodejs', jest testEnvironment: 'node'.",
)
