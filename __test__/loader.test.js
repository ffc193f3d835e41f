'use strict'
// What a program is told that has no binary to go on with: what the system said, where it runs, what mends it.
const { execFile } = require('node:child_process')
const {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { hostTarget, TARGETS } = require('../lib/binary/target.js')

const root = path.join(__dirname, '..')
const target = hostTarget()
const { version } = require('../package.json')
const [os, cpu] = target.split('-')
const onLinux = os === 'linux' ? test : () => {}

let app
const ours = () => path.join(app, 'node_modules/enqueue-boundary')
const platform = (name = target) => path.join(app, 'node_modules/@enqueue-boundary', name)
const binary = () => path.join(platform(), 'enqueue-boundary.node')

beforeEach(() => {
  app = realpathSync(mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-loader-')))
  // Another user reads it in one of the tests.
  chmodSync(app, 0o755)
  for (const file of ['bin', 'index.js', 'lib', 'package.json']) {
    cpSync(path.join(root, file), path.join(ours(), file), { recursive: true })
  }
  cpSync(path.join(root, 'node_modules/@enqueue-boundary', target), platform(), { recursive: true, dereference: true })
})
afterEach(() => rmSync(app, { recursive: true }))

const REPORT = `
try {
  console.log(typeof require('enqueue-boundary').Pipeline)
} catch ({ name, code, message, cause }) {
  console.log(JSON.stringify({ name, code, lines: message.split('\\n').map((line) => line.trim()), cause: cause?.message }))
}`

/** What a program of the application prints that requires the package. */
function load({ flags = [], before = '', uid } = {}) {
  const { NODE_OPTIONS, ...env } = process.env
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, '-e', before + REPORT], { cwd: app, uid, env }, (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim()),
    )
  })
}

/** The failure of such a program. */
async function failure(options) {
  const { name, code, lines, cause } = JSON.parse(await load(options))
  expect([name, code, lines.length]).toEqual(['Error', 'ERR_ENQUEUE_BOUNDARY_BINARY', 4])
  const [what, said, where, mend] = lines
  expect(what).toBe('enqueue-boundary cannot load its native binary.')
  expect(where).toMatch(/^This is \S+, Node\.js \d+\.\d+\.\d+\. There are binaries for /)
  expect(where).toContain(TARGETS.join(', '))
  expect(mend).toMatch(/^To mend it: /)
  return { said, where, mend: mend.slice('To mend it: '.length), cause }
}

const INSTALL = `npm install --os=${os} --cpu=${cpu} (--libc=\\w+ )?enqueue-boundary@`
const expectInstall = (mend, wanted = version) => expect(mend).toMatch(new RegExp(`^${INSTALL}${wanted}$`))
/** As npm finds nothing wrong where there is a package of the right version. */
const expectReinstall = (mend, wanted = version) =>
  expect(mend).toMatch(new RegExp(`^rm -r ${platform()} && ${INSTALL}${wanted}$`))

test('a program whose binary is there has it', async () => {
  expect(await load()).toBe('function')
})

test('the package of the platform is missing', async () => {
  rmSync(platform(), { recursive: true })
  const { said, where, mend, cause } = await failure()
  expect(said).toBe(
    `Cannot find module '@enqueue-boundary/${target}': the package @enqueue-boundary/${target} is not installed: ` +
      'optional dependencies were left out, or the lock file was made on another platform',
  )
  expect(where).toContain(`This is ${target}, `)
  expectInstall(mend)
  expect(cause).toMatch(/^Cannot find module/)
})

test('the doctor of a package without a binary says so, and what mends it', async () => {
  rmSync(platform(), { recursive: true })
  const doctor = path.join(ours(), 'bin/enqueue-boundary.js')
  const { code, stdout } = await new Promise((resolve) => {
    execFile(process.execPath, [doctor, 'doctor', '--json'], { cwd: app }, (error, out) =>
      resolve({ code: error?.code, stdout: out }),
    )
  })
  expect(code).toBe(1)
  const [{ name, status, text, advice }] = JSON.parse(stdout).checks
  expect([name, status]).toEqual(['binary', 'failure'])
  expect(text).toMatch(/^enqueue-boundary cannot load its native binary/)
  expectInstall(advice)
})

test('the packages of other platforms are there', async () => {
  rmSync(platform(), { recursive: true })
  const others = TARGETS.filter((other) => other !== target).slice(0, 2)
  for (const other of others) mkdirSync(platform(other), { recursive: true })
  const { said } = await failure()
  expect(said).toBe(
    `Cannot find module '@enqueue-boundary/${target}': dependencies were installed for ${others.join(', ')}`,
  )
})

test('its binary is missing', async () => {
  rmSync(binary())
  const { said, mend } = await failure()
  expect(said).toMatch(/^Cannot find .*enqueue-boundary/)
  expect(said).toMatch(/: the package @enqueue-boundary\/\S+ is there, but its binary is not$/)
  expectReinstall(mend)
})

test('its binary is of another version', async () => {
  const manifest = path.join(ours(), 'package.json')
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(`"version": "${version}"`, '"version": "99.0.0"'))
  const { said, mend } = await failure()
  expect(said).toBe(
    `@enqueue-boundary/${target} is of version ${version}, enqueue-boundary of 99.0.0: the two must be the same`,
  )
  expectReinstall(mend, '99.0.0')
})

test.each([
  ['empty', () => Buffer.alloc(0)],
  ['text', () => Buffer.from('<html>404</html>')],
  ['cut off', () => readFileSync(binary()).subarray(0, 40)],
  // The machine of an ELF file, the one thing that tells that it is for another processor.
  ['for another processor', () => Object.assign(readFileSync(binary()), { 18: 0x16 })],
])('its binary is %s', async (_, bytes) => {
  writeFileSync(binary(), bytes())
  const { said, mend, cause } = await failure()
  expect(said.startsWith(cause.split('\n')[0])).toBe(true)
  expect(said).toMatch(/: the binary is for another system or processor, or not whole$/)
  expectReinstall(mend)
})

onLinux('its binary needs a newer glibc', async () => {
  const bytes = readFileSync(binary())
  const [wanted] = /GLIBC_2\.\d+\0/.exec(bytes.toString('latin1'))
  writeFileSync(
    binary(),
    Buffer.from(bytes.toString('latin1').replaceAll(wanted, wanted.replace('2.', '9.')), 'latin1'),
  )
  const { said, mend } = await failure()
  const newest = wanted.replace('2.', '9.').slice('GLIBC_'.length, -1)
  expect(said).toContain(`version \`GLIBC_${newest}' not found`)
  expect(said).toMatch(
    new RegExp(`: the C library of this system is older than glibc ${newest}, which this binary needs$`),
  )
  expect(mend).toBe(`run on a system with glibc ${newest} or newer; binaries from the registry need 2.17`)
})

onLinux('its binary is for another C library', async () => {
  const bytes = readFileSync(binary()).toString('latin1').replaceAll('libc.so.6\0', 'libc.so.9\0')
  writeFileSync(binary(), Buffer.from(bytes.replaceAll('libc.so.9\0', 'musl.so.6\0'), 'latin1'))
  const { said } = await failure()
  expect(said).toMatch(/^musl\.so\.6: cannot open shared object file.*: the binary is for another C library/)
})

onLinux('its binary may not be read', async () => {
  chmodSync(binary(), 0o000)
  // Root may read whatever there is.
  const { said, mend } = await failure({ uid: process.getuid() === 0 ? 65534 : undefined })
  expect(said).toMatch(/permission denied: this process may not read or execute the file/i)
  expect(mend).toBe(`chmod -R a+rX ${platform()}`)
})

test('Node.js may load no native code', async () => {
  const { said, mend } = await failure({ flags: ['--no-addons'] })
  expect(said).toMatch(/: Node\.js was told to load no native code$/)
  expect(mend).toBe('start it without --no-addons, also in NODE_OPTIONS')
})

test.each([
  ['freebsd', 'x64', 'freebsd-x64'],
  ['linux', 'ppc64', /linux-ppc64-(gnu|musl)/],
  ['android', 'arm64', 'android-arm64'],
  ['__proto__', 'x64', '__proto__-x64'],
])('there is no binary for the platform: %s on %s', async (system, processor, name) => {
  const before = `
    Object.defineProperty(process, 'platform', { value: '${system}' })
    Object.defineProperty(process, 'arch', { value: '${processor}' })`
  const { said, where, mend } = await failure({ before })
  expect(said).toMatch(/^no binary is published for /)
  expect(where).toMatch(name)
  expect(mend).toBe('run on one of the supported platforms')
})

test.each([
  [
    'Yarn',
    'node_modules/.yarn-state.yml',
    `yarn install, with supportedArchitectures: { os: [${os}], cpu: [${cpu}] } in .yarnrc.yml`,
  ],
  ['Yarn 1', 'node_modules/.yarn-integrity', 'yarn install --force'],
  ['Bun', 'bun.lock', `bun install --force --os=${os} --cpu=${cpu}`],
])('the command is that of the package manager in use: %s', async (_, mark, command) => {
  rmSync(platform(), { recursive: true })
  writeFileSync(path.join(app, mark), '')
  expect((await failure()).mend).toBe(command)
})

describe('on Linux the C library is told', () => {
  const under = (before) => `
    Object.defineProperty(process, 'platform', { value: 'linux' })
    Object.defineProperty(process, 'arch', { value: 's390x' })
    ${before}`
  const program = (text) => {
    const file = path.join(app, 'program')
    writeFileSync(file, text)
    return `process.execPath = ${JSON.stringify(file)}`
  }
  const report = (value) => `process.report.getReport = () => (${JSON.stringify(value)})`

  test.each([
    ['by the loader of the program: musl', () => program('…/lib/ld-musl-x86_64.so.1\0'), 'musl'],
    ['by the loader of the program: glibc', () => program('…/lib64/ld-linux-x86-64.so.2\0'), 'gnu'],
    [
      'by what Node reports: glibc',
      () => `${program('')};${report({ header: { glibcVersionRuntime: '2.36' } })}`,
      'gnu',
    ],
    [
      'by what Node reports: musl',
      () => `${program('')};${report({ header: {}, sharedObjects: ['/lib/ld-musl-x86_64.so.1'] })}`,
      'musl',
    ],
    ['to be glibc where nobody says anything', () => `${program('')};process.report = undefined`, 'gnu'],
    [
      'where the program cannot be read',
      () => `process.execPath = '/nowhere';${report({ header: {}, sharedObjects: ['/lib/libc.musl-x86_64.so.1'] })}`,
      'musl',
    ],
  ])('%s', async (_, before, abi) => {
    const { where } = await failure({ before: under(before()) })
    expect(where).toContain(`This is linux-s390x-${abi}, `)
  })
})

test.each(['browser', 'edge-light', 'workerd'])(
  'under the condition %s one sentence says that it cannot run',
  async (condition) => {
    const { name, lines } = JSON.parse(await load({ flags: ['--conditions', condition] }))
    expect(name).toBe('Error')
    expect(lines).toEqual([
      expect.stringMatching(
        /^enqueue-boundary is native code for .* Next\.js route that has it needs the runtime 'nodejs'/,
      ),
    ])
  },
)
