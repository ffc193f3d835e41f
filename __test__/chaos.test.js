'use strict'
// A short run of `npm run chaos`, over TCP and over TLS, and that its audit sees what it is there to see.
const { spawn } = require('node:child_process')
const path = require('node:path')
const { findServer, hasTls } = require('../tools/find-server.js')
const { runChild } = require('./support/child.js')

const root = path.join(__dirname, '..')

function runChaos(...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['chaos/main.mjs', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** What an expression gives that may use what a module of the run exports. */
async function evaluate(module, expression) {
  const program = `import('./chaos/${module}.mjs').then((it) => console.log(JSON.stringify(${expression})))`
  const { stdout, stderr } = await runChild(program, { bare: true })
  if (stderr) throw new Error(stderr)
  return JSON.parse(stdout)
}

test('nothing is lost, doubled or answered falsely while every kind of fault strikes', async () => {
  // How late a call may be is for a machine that does nothing else.
  const { code, output } = await runChaos('--quick', '--calls', '12000', '--seed', '7', '--grace', '10000')
  const ways = (await hasTls(await findServer())) ? 'TCP and TLS' : 'TCP'
  expect(output).toContain(`12,000 calls from 4 processes over ${ways}, `)
  const struck = [...output.matchAll(/next: (\w+)/g)].map(([, kind]) => kind)
  expect(struck.sort()).toEqual((await evaluate('schedule', 'it.KINDS')).sort())
  expect(output).toContain('No breach')
  expect(code).toBe(0)
}, 180_000)

test('the same seed brings the same faults, another brings others', async () => {
  const options = (seed) => `{ seed: ${seed}, rounds: 3, longestMs: 1000 }`
  const schedule = (seed) => `it.schedule(${options(seed)})`
  const [first, again, other] = await evaluate('schedule', `[${[4, 4, 5].map(schedule).join()}]`)
  expect(again).toEqual(first)
  expect(other).not.toEqual(first)
})

describe('the audit', () => {
  const call = { code: 'queued', outcome: 'queued', replicated: false, at: 5000, late: 0, unexcused: 0 }
  const done = { own: false, at: 5100, intact: true }
  const refused = { outcome: 'refused', code: 'QUEUE_UNAVAILABLE' }
  const crash = 5050

  /** A run in which all is well: one job waits, one was done and is gone. */
  const evidence = (changes) => ({
    started: 4000,
    processes: [{ number: 0, started: 2, settled: 2 }],
    calls: [
      { ...call, id: 'a' },
      { ...call, id: 'b' },
    ],
    runs: [{ ...done, id: 'b' }],
    places: [
      ['wait', ['a']],
      ['failed', []],
    ],
    repeated: [],
    stored: ['a'],
    crashes: [],
    ...changes,
  })
  const audited = async (changes) => {
    const { checks, figures } = await evaluate('audit', `it.audit(${JSON.stringify(evidence(changes))}, 250)`)
    const broken = checks.filter(({ breaches }) => breaches.length > 0)
    return { broken: Object.fromEntries(broken.map(({ title, breaches }) => [title, breaches])), figures }
  }
  const calls = (...more) => ({ calls: [...evidence().calls, ...more.map((it) => ({ ...call, ...it }))] })

  test('finds nothing where all is well', async () => {
    expect((await audited({})).broken).toEqual({})
  })

  test.each([
    [
      'a call that never settled',
      { processes: [{ number: 0, started: 3, settled: 2 }] },
      'every call settled',
      'process 0: 2 of 3',
    ],
    [
      'a late call',
      calls({ id: 'a', late: 300, unexcused: 251 }),
      'within 250 ms after its deadline',
      'a: queued, 300 ms late',
    ],
    [
      'an odd answer',
      calls({ id: 'a', code: 'odd: nothing' }),
      'with one record and an answer that is documented',
      'a: odd: nothing, 0 ms late',
    ],
    ['a lost job', calls({ id: 'c' }), 'queued: its job is there, or ran', 'c'],
    [
      'a refused job that is there',
      { calls: calls({ ...refused, id: 'c' }).calls, stored: ['a', 'c'] },
      'refused or not sent: nothing is there',
      'c',
    ],
    [
      'a refused job that ran',
      { ...calls({ ...refused, id: 'c' }), runs: [...evidence().runs, { ...done, id: 'c' }] },
      'refused or not sent: nothing is there',
      'c',
    ],
    [
      'a job that ran twice',
      { runs: [...evidence().runs, { ...done, id: 'b', at: 5200 }] },
      'no id ran twice but by BullMQ’s own retry',
      'b: ran 1.1 s and 1.2 s, calls: queued 1.0 s',
    ],
    ['an id in two places', { places: [...evidence().places, ['active', ['a']]] }, 'no id was in two places', 'a'],
    ['an id that was in two places', { repeated: ['b'] }, 'no id was in two places', 'b'],
    ['a job that no worker will find', { stored: ['a', 'b'] }, 'every stored job is listed', 'b'],
    ['an id without a job', { stored: [] }, 'every listed job is stored', 'a'],
    [
      'a job with the data of another',
      { runs: [{ ...done, id: 'b', intact: false }] },
      'every job has its own data',
      'b',
    ],
    ['a job that nobody sent', { stored: ['a', 'x'] }, 'every job was sent', 'x'],
    ['a failed job', { places: [['failed', ['a']]] }, 'no job failed', 'a'],
  ])('finds %s', async (_, changes, title, breach) => {
    expect((await audited(changes)).broken).toMatchObject({ [title]: [breach] })
  })

  test('excuses a second run that BullMQ itself made of the job', async () => {
    const again = { ...done, id: 'b', own: true, at: 9000 }
    const { broken, figures } = await audited({ runs: [...evidence().runs, again] })
    expect(broken).toEqual({})
    expect(figures['runs again by BullMQ’s own retry']).toBe(1)
  })

  test('counts apart what a primary took with it that alone had acknowledged it', async () => {
    const { broken, figures } = await audited({ ...calls({ id: 'c' }), crashes: [crash] })
    expect(broken).toEqual({})
    expect(figures['ids acknowledged by a primary alone and lost when it died']).toBe(1)
  })

  test('does not excuse the loss of what a replica had as well', async () => {
    const { broken } = await audited({ ...calls({ id: 'c', replicated: true }), crashes: [crash] })
    expect(broken).toEqual({ 'queued: its job is there, or ran': ['c'] })
  })

  test('does not excuse the loss of what was acknowledged long before, or after', async () => {
    for (const at of [crash - 5000, crash + 5000]) {
      const { broken } = await audited({ ...calls({ id: 'c', at }), crashes: [crash] })
      expect(broken).toEqual({ 'queued: its job is there, or ran': ['c'] })
    }
  })
})
