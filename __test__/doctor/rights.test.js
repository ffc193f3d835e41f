'use strict'
// Users who lack a right, and whether the doctor names it. The lists are held against the scripts themselves.
const { readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')
const { COMMANDS, FOR_SOME, NEEDED, SPARED, TRIED } = require('../../lib/doctor/rights.js')
const { diagnose } = require('../support/doctor.js')
const { OwnServer } = require('../support/redis.js')
const { withClient } = require('../../tools/until.js')

const LINK = ['ping', 'evalsha', 'eval']
const EVERY = [...new Set([...NEEDED, ...TRIED, ...Object.values(FOR_SOME).flat()])]
const SOME = EVERY.filter((command) => !NEEDED.includes(command))

let server
beforeAll(async () => {
  server = await OwnServer.start(['--appendonly', 'yes'])
})
afterAll(() => server.stop())

let users = 0
/** What the doctor finds as a user who has these rights. */
async function as(commands, { keys = '~bull:*', args = [] } = {}) {
  const user = `user${++users}`
  const allowed = commands.map((command) => `+${command}`)
  await withClient(server, (client) => client.acl('SETUSER', user, 'on', '>pw', keys, ...allowed))
  return diagnose([`redis://${user}:pw@127.0.0.1:${server.port}`, ...args])
}

test('every command that a script of ours calls is asked about, and no other', () => {
  const folder = path.join(__dirname, '../../src/queue/scripts')
  const files = readdirSync(folder, { recursive: true }).filter((file) => `${file}`.endsWith('.lua'))
  const texts = files.map((file) => readFileSync(path.join(folder, `${file}`), 'utf8').replaceAll(/--.*$/gm, ''))
  // Also where which one it is depends: `call(form.is.l and 'RPUSH' or 'LPUSH', list, id)`.
  const calls = texts.flatMap((text) => text.match(/\b(?:p?call|try)\((?:[\w.]+ and )?'[A-Z]+'(?: or '[A-Z]+')?/g))
  const called = new Set(calls.flatMap((call) => call?.match(/'([A-Z]+)'/g) ?? []).values())
  const names = [...called].map((name) => name.slice(1, -1).toLowerCase())
  expect(names.sort()).toEqual([...Object.keys(COMMANDS), ...SPARED].sort())
  expect(EVERY.sort()).toEqual(Object.keys(COMMANDS).sort())
})

test('a user with the rights that README lists may enqueue plain jobs, and is told what other jobs need', async () => {
  const { of, status } = await as([...LINK, ...NEEDED, ...TRIED])
  expect(status).toBe('warning')
  expect(of('scripts').status).toBe('ok')
  expect(of('rights')).toMatchObject({ status: 'warning', text: expect.stringMatching(/not what delay, priority/) })
  expect(of('rights').advice).toContain('+zrevrangebyscore')
  for (const name of ['version', 'eviction', 'persistence', 'clock', 'queues']) expect(of(name).status).toBe('skipped')
})

test('one with all of them is told nothing', async () => {
  expect((await as([...LINK, ...EVERY, 'multi', 'discard'])).of('rights').status).toBe('ok')
})

test.each(NEEDED)('one who may not run %s is told so, and how to be allowed to', async (command) => {
  const rights = [...LINK, ...EVERY.filter((each) => each !== command), 'multi', 'discard']
  const { of, code } = await as(rights)
  expect(of('rights')).toMatchObject({
    status: 'failure',
    text: `every job would be refused: the user may not run ${command}`,
    advice: `ACL SETUSER <user> +${command}`,
  })
  expect(code).toBe(1)
})

test.each(SOME)('one who may not run %s is warned', async (command) => {
  const { of } = await as([...LINK, ...EVERY.filter((each) => each !== command), 'multi', 'discard'])
  expect(of('rights')).toMatchObject({ status: 'warning', advice: expect.stringContaining(`+${command}`) })
})

test.each(['eval', 'evalsha'])('one who may not call %s is told so', async (command) => {
  const { of, code } = await as([...LINK.filter((each) => each !== command), ...EVERY])
  expect(of('scripts')).toMatchObject({ status: 'failure', advice: 'ACL SETUSER <user> +eval +evalsha' })
  expect(code).toBe(1)
})

test('one who may not come near the keys of the queue is told so', async () => {
  const { of } = await as([...LINK, ...EVERY], { keys: '~other:*', args: ['--queue', 'orders'] })
  expect(of('scripts').status).toBe('failure')
  expect(of('scripts').advice).toContain('~bull:')
})

test('one whose keys are those of one queue is fine where that is named', async () => {
  const { of } = await as([...LINK, ...EVERY], { keys: '~bull:orders:*', args: ['--queue', 'orders'] })
  expect(of('scripts').status).toBe('ok')
})

test('asking changes nothing, and leaves nothing behind', async () => {
  await withClient(server, (client) => client.flushall())
  await diagnose([`127.0.0.1:${server.port}`, '--queue', 'orders'])
  expect(await withClient(server, (client) => client.keys('*'))).toEqual([])
})
