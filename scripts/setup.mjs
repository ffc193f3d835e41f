// Everything a fresh machine with Node and Rust needs before the demo, the tests or the bench: the locked dependencies
// and the addon, compiled quickly or (with --published) as it is published. Does again only what is out of date.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function fail(message) {
  console.error(message)
  process.exit(1)
}

function run(title, command, args) {
  console.log(`# ${title}`)
  // npm is a batch file on Windows, which needs a shell.
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell })
  if (error) fail(`${command} could not be started: ${error.message}`)
  if (status !== 0) fail(`${title}: failed (${command} ${args.join(' ')} ended with ${status})`)
}

function modified(file) {
  const path = `${root}/${file}`
  return existsSync(path) ? statSync(path).mtimeMs : 0
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 9)) fail(`Node 20.9 or newer is needed; this is ${process.version}.`)
if (spawnSync('cargo', ['--version']).status !== 0) fail('Rust is needed to compile the addon: https://rustup.rs')

// npm writes this file last, so an interrupted install is done again.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
  run('install the locked dependencies', 'npm', ['ci', '--loglevel=error'])
}
run('compile the addon', process.execPath, ['scripts/build.mjs', ...process.argv.slice(2)])
