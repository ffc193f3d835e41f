// The package as users get it: published to a registry on loopback, installed by each package manager, run on each runtime,
// bundled, and built into a Next.js application.
//   node scripts/test-package.mjs [names of files in __test__/install, all when left out]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startRegistry, upstream } from '../__test__/install/registry.mjs'
import { installTools } from '../__test__/install/tools.mjs'
import { findServer } from '../tools/find-server.js'
import { OwnServer } from '../tools/server.js'

const folder = fileURLToPath(new URL('../__test__/install/', import.meta.url))

async function main(names) {
  if (`${process.platform}-${process.arch}` !== 'linux-x64') throw new Error('its runtimes are those of Linux on x64')
  const files = readdirSync(folder).filter((file) => file.endsWith('.test.mjs'))
  const wanted = files.filter((file) => names.length === 0 || names.some((name) => file.startsWith(name)))
  if (wanted.length === 0) throw new Error(`no such tests: ${names.join(', ')}; there are ${files.join(', ')}`)
  installTools()
  const command = process.env.TEST_REDIS_COMMAND ?? (await findServer(console.error))
  if (!command) throw new Error('a Redis or Valkey program is needed: put redis-server on PATH')
  const redis = await OwnServer.start([], { command })
  const registry = await startRegistry(await upstream())
  try {
    const child = spawn(
      process.execPath,
      ['--test', '--test-concurrency=2', '--test-reporter=spec', ...wanted.map((file) => path.join(folder, file))],
      {
        stdio: 'inherit',
        env: {
          ...process.env,
          REDIS_URL: redis.url,
          TEST_REDIS_COMMAND: command,
          INSTALL_REGISTRY: registry.url,
          INSTALL_PACKED: JSON.stringify(registry.packed),
        },
      },
    )
    const [status] = await once(child, 'exit')
    process.exitCode = status ?? 1
  } finally {
    await registry.stop()
    await redis.stop()
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`test:package: ${error.message}`)
  process.exitCode = 1
}
