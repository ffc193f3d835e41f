// Everything that must hold before a commit: format, lint, types, the tests of the core, the tests of the package.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const npx = (...args) => ['npx', ['--no-install', ...args]]

const steps = {
  'Rust is formatted': ['cargo', ['fmt', '--check']],
  'Rust passes the linter': ['cargo', ['clippy', '--all-targets', '--quiet', '--', '-D', 'warnings']],
  'the core passes its tests': ['cargo', ['test', '--quiet']],
  'JavaScript is formatted and passes the linter': npx(
    'biome',
    'ci',
    '--error-on-warnings',
    ...(process.stdout.isTTY ? [] : ['--colors=off']),
    '.',
  ),
  'the types hold for a consumer with the library dom': npx('tsc', '--project', '__test__/types'),
  'the types hold for a consumer with @types/node': npx('tsc', '--project', '__test__/types/tsconfig.node.json'),
  'the types hold for a consumer with neither': npx('tsc', '--project', '__test__/types/tsconfig.bare.json'),
  'every option of ioredis, BullMQ and Node is in a list of ours': npx('tsc', '--project', '__test__/types/lists'),
  'the reference in docs/api is that of the types, each of which has a comment': [
    'node',
    ['scripts/api.mjs', '--check'],
  ],
  'the package passes its tests': npx('jest'),
}

const failed = []
for (const [title, [command, args]] of Object.entries(steps)) {
  console.log(`\n# ${title}`)
  const shell = process.platform === 'win32'
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell })
  if (status !== 0) failed.push(title)
}

console.log(`\n${Object.keys(steps).length - failed.length} passed, ${failed.length} failed`)
for (const title of failed) console.log(`FAILED: ${title}`)
process.exitCode = failed.length > 0 ? 1 : 0
