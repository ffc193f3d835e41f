// Compiles the addon in release form, without a path of this machine in it, into the package of this platform: `npm/<target>`,
// which stands in `node_modules` as it does in an application.
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { hostTarget, link, makeFolder } from './platform-package.mjs'

const root = path.resolve(fileURLToPath(new URL('..', import.meta.url)))
const cargoHome = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo')

const remap = [`${cargoHome}=cargo`, `${root}=.`].map((pair) => `--remap-path-prefix=${pair}`)
// As a setting and not as RUSTFLAGS, which the CLI sets itself for some targets.
const rustflags = `build.rustflags=${JSON.stringify(remap)}`
const target = hostTarget()
const args = ['build', '--release', '--no-js', '--dts', '../../target/binding.d.ts', '--output-dir', makeFolder(target)]

const cli = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js')
const { status } = spawnSync(process.execPath, [cli, ...args, ...process.argv.slice(2), '--', '--config', rustflags], {
  cwd: root,
  stdio: 'inherit',
})
if (status === 0) link(target)
process.exitCode = status ?? 1
