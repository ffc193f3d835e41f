// Compiles the addon in release form, without a path of this machine in it: `binding.js`, which loads the binary of the
// platform, and the binary itself.
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(fileURLToPath(new URL('..', import.meta.url)))
const cargoHome = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo')

const remap = [`${cargoHome}=cargo`, `${root}=.`].map((pair) => `--remap-path-prefix=${pair}`)
// As a setting and not as RUSTFLAGS, which the CLI sets itself for some targets.
const rustflags = `build.rustflags=${JSON.stringify(remap)}`
const args = ['build', '--platform', '--release', '--js', 'binding.js', '--dts', 'binding.d.ts']

const cli = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js')
const { status } = spawnSync(process.execPath, [cli, ...args, ...process.argv.slice(2), '--', '--config', rustflags], {
  cwd: root,
  stdio: 'inherit',
})
process.exitCode = status ?? 1
