'use strict'
// How the doctor is called, what it prints, and what it never does.
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { main } = require('../../lib/doctor/cli.js')
const { run, diagnose } = require('../support/doctor.js')
const { OwnServer, freePort } = require('../support/redis.js')

const SECRET = 'correct-horse-battery'
let server
let folder
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-doctor-'))
  server = await OwnServer.start(['--requirepass', SECRET, '--appendonly', 'yes'])
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const url = () => `redis://:${SECRET}@127.0.0.1:${server.port}`
const file = (name, text) => {
  writeFileSync(path.join(folder, name), text)
  return path.join(folder, name)
}

/** Runs it in this process, into a terminal of ours or into what is none. */
async function print(args, { isTTY = false } = {}) {
  let text = ''
  const stdout = { isTTY, write: (more) => (text += more) }
  const code = await main(args, { stdout, stderr: stdout })
  return { code, text }
}

describe('bad usage ends with 2, says how it is called, and repeats nothing that was given', () => {
  test.each([
    ['nothing', []],
    ['another command', [`enqueue-${SECRET}`]],
    ['two URLs', ['doctor', 'redis://a', `redis://:${SECRET}@b`]],
    ['an unknown option', ['doctor', `--${SECRET}`]],
    ['a value for a flag', ['doctor', `--json=${SECRET}`]],
    ['no value', ['doctor', '--queue']],
    ['an empty queue', ['doctor', '--queue', '']],
    ['another durability', ['doctor', '--durability', SECRET]],
    ['a timeout that is no number', ['doctor', '--timeout', SECRET]],
    ['a timeout of 0', ['doctor', '--timeout', '0']],
    ['a URL that is none', ['doctor', `http://:${SECRET}@h`]],
    ['a URL and a file', ['doctor', 'redis://a', '--connection', SECRET]],
    ['a file that is not there', ['doctor', '--connection', '/nowhere.json']],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await run(args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^enqueue-boundary: .+\n\nUsage: enqueue-boundary doctor \[url\]/)
    expect(stderr).not.toContain(SECRET)
  })

  test('a file that holds no options, whatever it holds', async () => {
    for (const [name, text] of [
      ['broken.json', `{"password":"${SECRET}"`],
      ['broken.mjs', `export default { password: '${SECRET}'`],
      ['throwing.cjs', `throw new Error('${SECRET}')`],
    ]) {
      const { code, stdout, stderr } = await run(['doctor', '--connection', file(name, text)])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('--connection cannot be read')
      expect(stderr).not.toContain(SECRET)
    }
  })
})

test('--help says how it is called, within 100 columns', async () => {
  const { code, stdout } = await run(['doctor', '--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Usage: enqueue-boundary doctor \[url\]/)
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
})

describe('the server is found', () => {
  test('at a URL, whose password is not told', async () => {
    const { code, stdout, stderr } = await run(['doctor', url()])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`127.0.0.1:${server.port} answers`)
    expect(stdout).not.toContain(SECRET)
  })

  test('at REDIS_URL', async () => {
    const { of } = await diagnose([], { REDIS_URL: url() })
    expect(of('connection')).toMatchObject({ status: 'ok', text: `127.0.0.1:${server.port} answers` })
  })

  test.each([
    ['JSON', 'a.json', (options) => JSON.stringify(options)],
    ['an ES module', 'a.mjs', (options) => `export const connection = ${JSON.stringify(options)}`],
    ['a module with a default', 'b.mjs', (options) => `export default ${JSON.stringify(options)}`],
    ['CommonJS', 'a.cjs', (options) => `module.exports = ${JSON.stringify(options)}`],
    ['CommonJS with a name', 'b.cjs', (options) => `exports.connection = ${JSON.stringify(options)}`],
  ])('with options in a file of %s', async (_, name, write) => {
    const options = { host: '127.0.0.1', port: server.port, password: SECRET }
    const { of } = await diagnose(['--connection', file(name, write(options))])
    expect(of('connection').status).toBe('ok')
  })
})

describe('no server is a failure that says what to do', () => {
  test('where none listens', async () => {
    const report = await diagnose([`127.0.0.1:${await freePort()}`])
    expect(report.checks).toEqual([expect.objectContaining({ name: 'connection', status: 'failure' })])
    expect(report.of('connection')).toMatchObject({
      text: expect.stringContaining('connection refused'),
      advice: expect.stringContaining('start the server'),
    })
  })

  test('where one never answers', async () => {
    const silent = net.createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { of } = await diagnose([`127.0.0.1:${silent.address().port}`, '--timeout', '300'])
    expect(of('connection')).toMatchObject({ status: 'failure', advice: expect.stringContaining('firewalls') })
    await new Promise((resolve) => silent.close(resolve))
  })

  test('where it stops answering half-way', async () => {
    const lying = net.createServer((socket) => {
      const replies = ['+OK\r\n+PONG\r\n$0\r\n\r\n', ':1\r\n']
      socket.on('error', () => {}).on('data', () => socket.write(replies.shift() ?? ''))
    })
    await new Promise((resolve) => lying.listen(0, '127.0.0.1', resolve))
    const { checks } = await diagnose([`127.0.0.1:${lying.address().port}`, '--timeout', '500'])
    expect(checks.at(-1)).toMatchObject({
      name: 'connection',
      status: 'failure',
      text: expect.stringMatching(/^lost: /),
    })
    await new Promise((resolve) => lying.close(resolve))
  })

  test('where the password is wrong, which is not told', async () => {
    const wrong = 'another-password'
    const { of, checks } = await diagnose([`redis://:${wrong}@127.0.0.1:${server.port}`])
    expect(of('connection')).toMatchObject({ status: 'failure', advice: expect.stringContaining('password') })
    expect(JSON.stringify(checks)).not.toContain(wrong)
  })

  test('where REDIS_URL cannot be used', async () => {
    const { of, checks } = await diagnose([], { REDIS_URL: `http://:${SECRET}@h` })
    expect(of('connection')).toMatchObject({ status: 'failure', text: expect.stringContaining('HTTP') })
    expect(JSON.stringify(checks)).not.toContain(SECRET)
  })
})

describe('what is printed', () => {
  const ESCAPE = '\u001b'

  test('is plain in a pipe: a status, a name and a text in each line, within 100 columns', async () => {
    const { text } = await print(['doctor', url(), '--queue', 'x'.repeat(300)])
    expect(text).not.toContain(ESCAPE)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant.
    expect(text).toMatch(/^[\x00-\x7f]*$/)
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(text).toMatch(/^ok {6}round-trip {3}\d/m)
    expect(text).toMatch(/\n\d+ failures?, \d+ warnings?, \d+ ok(, \d+ not looked at)?\n$/)
  })

  test('has colours in a terminal, unless NO_COLOR or a dumb one says no', async () => {
    const { NO_COLOR, TERM } = process.env
    const set = (env) => {
      for (const [name, value] of Object.entries(env)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
    try {
      for (const [env, colours] of [
        [{ NO_COLOR: undefined, TERM: 'xterm' }, true],
        [{ NO_COLOR: '', TERM: 'xterm' }, true],
        [{ NO_COLOR: '1', TERM: 'xterm' }, false],
        [{ NO_COLOR: undefined, TERM: 'dumb' }, false],
      ]) {
        set(env)
        expect((await print(['doctor', url()], { isTTY: true })).text.includes(ESCAPE)).toBe(colours)
      }
    } finally {
      set({ NO_COLOR, TERM })
    }
  })

  test('gives a terminal no orders that stand in the name of a queue', async () => {
    const name = 'a\u001b]0;x\u0007\u009b2Jb'
    const { text } = await print(['doctor', url(), '--queue', name], { isTTY: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
    expect(text.replaceAll(/\u001b\[\d\d?m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  })

  test('is one object with --json', async () => {
    const { text } = await print(['doctor', url(), '--json'], { isTTY: true })
    const { status, server: at, prefix, checks } = JSON.parse(text)
    expect({ at, prefix }).toEqual({ at: `127.0.0.1:${server.port}`, prefix: 'bull' })
    expect(['ok', 'warning']).toContain(status)
    for (const check of checks) {
      expect(check).toMatchObject({ name: expect.any(String), text: expect.any(String) })
      expect(['ok', 'skipped', 'warning']).toContain(check.status)
      if (check.status === 'warning') expect(check.advice).toEqual(expect.any(String))
    }
  })
})
