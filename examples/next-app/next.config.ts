import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const here = fileURLToPath(new URL('.', import.meta.url))

const config: NextConfig = {
  // It holds native code, which no bundler can take in.
  serverExternalPackages: ['enqueue-boundary'],
  // `.next/standalone` is the whole server, with the binary in it.
  output: 'standalone',
  // The repository around this folder has a lock file too; an application of its own needs neither line.
  outputFileTracingRoot: here,
  turbopack: { root: here },
}

export default config
