// The tests of the servers in examples/servers/, of which `npm test` runs the answers alone.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { status, error } = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', '__test__/frameworks/'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, FRAMEWORKS: 'all' },
})
if (error) console.error(error.message)
process.exitCode = status ?? 1
