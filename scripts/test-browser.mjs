// The application of examples/next-app in a real browser: built once, run as it is deployed, with stores that the tests stop.
//   node scripts/test-browser.mjs [--pictures] [names of files in __test__/browser, all when left out]
// The browser is a Chromium or Chrome that this machine has, or CHROMIUM; where there is none it is installed with apt if that may be,
// and otherwise the tests are skipped, but never where CI is set. Pictures of the pages are left in .cache/browser; with --pictures those
// of README are made anew.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, placeStandalone } from '../tools/example.js'
import { installExample } from './example-app.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const pictures = path.join(root, '.cache/browser')

/** Those that README shows. */
const SHOWN = ['light-wide', 'dark-phone']

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

function findBrowser() {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const named = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)))
  return [process.env.CHROMIUM, ...named, ...PLACES].find((file) => file && existsSync(file))
}

/** @returns {string | undefined} why there is none, if there is none */
function installBrowser() {
  if (process.getuid?.() !== 0)
    return 'no Chromium or Chrome was found, and only root may install one: name one in CHROMIUM'
  console.log('# install Chromium with apt')
  for (const args of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, error } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status !== 0)
      return `apt-get ${args[0]} failed (${error?.message ?? `status ${status}`}): name a Chromium in CHROMIUM`
  }
  return undefined
}

async function main({ values, positionals: names }) {
  const why = findBrowser() ? undefined : installBrowser()
  const browser = findBrowser()
  if (!browser) {
    const reason = why ?? 'apt has installed no Chromium'
    if (process.env.CI) throw new Error(reason)
    console.log(`skipped: ${reason}`)
    return
  }
  await installExample((line) => console.log(`# ${line}`))
  console.log('# build examples/next-app')
  await build()
  const standalone = placeStandalone()
  try {
    const jest = path.join(root, 'node_modules/jest/bin/jest.js')
    const args = [jest, '--config', '__test__/browser/jest.config.js', '--verbose', ...names]
    const { status } = spawnSync(process.execPath, args, {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        TEST_BROWSER: browser,
        TEST_STANDALONE: standalone.folder,
        TEST_PICTURES: pictures,
      },
    })
    process.exitCode = status ?? 1
    if (status !== 0 || !values.pictures) return
    for (const name of SHOWN) {
      copyFileSync(path.join(pictures, `${name}.png`), path.join(root, `docs/pictures/desk-${name}.png`))
    }
  } finally {
    standalone.remove()
  }
}

try {
  await main(parseArgs({ options: { pictures: { type: 'boolean' } }, allowPositionals: true }))
} catch (error) {
  console.error(`test:browser: ${error.message}`)
  process.exitCode = 1
}
