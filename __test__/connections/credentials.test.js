'use strict'
// Passwords that are wrong or change, and users that may not do all that enqueueing takes. An operator's mistake is never
// the client's: no answer is a 401 or a 403.
const { useFaults } = require('../support/faults.js')
const { dump } = require('../support/keyspace.js')
const { jobId, newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const SHORT = { timeoutMs: 300 }

const on = useFaults()
let server
let admin
beforeEach(async () => {
  server = await on.server()
  admin = on.client(server.url)
})

const setUser = (...rules) => admin.acl('SETUSER', 'web', ...rules)
const connectionOf = (password = 'secret') => ({ port: server.port, username: 'web', password })

function expectUnsent({ code, outcome, error }, cause) {
  expect([code, outcome, error.status, error.retryable]).toEqual(['QUEUE_UNAVAILABLE', 'not-sent', 503, true])
  expect(error.cause.message).toMatch(cause)
  expect(JSON.stringify([error.cause.message, error.message, error.toProblem()])).not.toMatch(/secret/)
}

describe('a password', () => {
  test('that is wrong keeps calls unsent until the server takes it, with no restart of ours', async () => {
    await setUser('on', '>other', '~*', '+@all')
    const pipeline = on.pipeline({ connection: connectionOf() })
    const fault = on.fault({
      row: 15,
      fault: 'WRONGPASS',
      done: 'the server has another password, then ours',
      pipeline,
    })
    expectUnsent(await fault.call(newTicket(), SHORT), /WRONGPASS/)
    await setUser('>secret')
    await fault.recovers()
    await fault.ends(admin)
  })

  test('that is asked for and not given keeps calls unsent', async () => {
    const pipeline = on.pipeline({ connection: { port: server.port } })
    const fault = on.fault({
      row: 15,
      fault: 'NOAUTH',
      done: '`requirepass` set before we connect, then lifted',
      pipeline,
    })
    await admin.config('SET', 'requirepass', 'secret')
    expectUnsent(await fault.call(newTicket(), SHORT), /NOAUTH/)
    await admin.config('SET', 'requirepass', '')
    await fault.recovers()
    await fault.ends(admin)
  })

  test('that is rotated does not disturb a connection that stands, and matters to the next one', async () => {
    await setUser('on', '>secret', '~*', '+@all')
    const pipeline = on.pipeline({ connection: connectionOf() })
    const done = 'rotated amid calls, the connection killed, the old one added again'
    const fault = on.fault({ row: 15, fault: 'password rotated', done, pipeline })
    await fault.burst(20)
    await setUser('resetpass', '>rotated')
    for (const { outcome } of await fault.burst(20)) expect(outcome).toBe('queued')
    await admin.client('KILL', 'USER', 'web')
    await until(() => !pipeline.stats().connected)
    expectUnsent(await fault.call(newTicket(), SHORT), /WRONGPASS/)
    await setUser('>secret')
    await fault.recovers()
    await fault.ends(admin)
  })

  test('that is rotated can be handed in without a restart', async () => {
    await setUser('on', '>secret', '~*', '+@all')
    const pipeline = on.pipeline({ connection: connectionOf() })
    const done = 'rotated amid calls, the connection killed, the new one given to `reconnect()`'
    const fault = on.fault({ row: 15, fault: 'password rotated', done, pipeline })
    await fault.burst(20)
    await setUser('resetpass', '>rotated')
    await admin.client('KILL', 'USER', 'web')
    await until(() => !pipeline.stats().connected)
    const waiting = fault.burst(20)
    await until(() => /WRONGPASS/.test(pipeline.stats().lastProblem))
    pipeline.reconnect(connectionOf('rotated'))
    for (const { outcome } of await waiting) expect(outcome).toBe('queued')
    await fault.recovers()
    await fault.ends(admin)
  })

  test('of a user who is deleted amid calls keeps calls unsent until there is such a user again', async () => {
    await setUser('on', '>secret', '~*', '+@all')
    const pipeline = on.pipeline({ connection: connectionOf() })
    const fault = on.fault({ row: 15, fault: 'user deleted', done: '`ACL DELUSER`, then set again', pipeline })
    await fault.call()
    await admin.acl('DELUSER', 'web')
    await until(() => !pipeline.stats().connected)
    expectUnsent(await fault.call(newTicket(), SHORT), /WRONGPASS/)
    await setUser('on', '>secret', '~*', '+@all')
    await fault.recovers()
    await fault.ends(admin)
  })
})

/** Calls as a user of these rules, who may do everything before and after; what the call came to. */
async function callAs(rules) {
  await setUser('on', '>secret', '~*', '+@all')
  const pipeline = on.pipeline({ connection: connectionOf() })
  const fault = on.fault({
    row: 16,
    fault: 'ACL denies what enqueueing takes',
    done: `\`${rules.join(' ')}\``,
    pipeline,
  })
  await fault.burst(3)
  await setUser(...rules)
  const before = await dump(admin)
  const ticket = newTicket()
  const result = await fault.call(ticket)
  expect(await dump(admin)).toEqual(before)
  expect([result.code, result.outcome]).toEqual(['MISCONFIGURED', 'refused'])
  expect(result.error).toMatchObject({ status: 500, retryable: false, jobId: jobId(ticket) })
  await setUser('~*', '+@all')
  await fault.recovers()
  // What was refused left nothing that would keep it from being enqueued.
  expect((await fault.call(ticket)).outcome).toBe('queued')
  await fault.ends(admin)
  return result.error
}

describe('a user who may not run', () => {
  test.each(['EVALSHA', 'INCRBY', 'HSET', 'XADD', 'LPUSH', 'ZADD', 'XTRIM'])(
    '%s is refused, the command is named, and nothing is left',
    async (command) => {
      const error = await callAs([`-${command.toLowerCase()}`])
      expect(error.cause.message).toContain('Redis does not let this user enqueue; the job was not enqueued')
      expect(error.cause.message).toMatch(new RegExp(`\\b${command}\\b`, 'i'))
    },
  )

  test.each(['HMGET', 'LLEN', 'XLEN', 'ZCARD', 'EXISTS'])('%s is refused, and nothing is left', async (command) => {
    await callAs([`-${command.toLowerCase()}`])
  })

  test('EVAL is refused when the script is not there, and nothing is left', async () => {
    await setUser('on', '>secret', '~*', '+@all', '-eval')
    const pipeline = on.pipeline({ connection: connectionOf() })
    const done = '`-eval`, and the script not loaded'
    const fault = on.fault({ row: 16, fault: 'ACL denies what enqueueing takes', done, pipeline })
    const { code, error } = await fault.call()
    expect(code).toBe('MISCONFIGURED')
    expect(error.cause.message).toMatch(/NOPERM.*'eval'/)
    await setUser('+eval')
    await fault.recovers()
    await fault.ends(admin)
  })
})

test.each([
  ['no key of the queue', ['resetkeys', '~other:*']],
  ['only the jobs', ['resetkeys', '~bull:ticket-triage:ticket-triage:*']],
  [
    'all but the events',
    [
      'resetkeys',
      ...['wait', 'paused', 'meta', 'id', 'active', 'marker', 'ticket-triage:*'].map(
        (key) => `~bull:ticket-triage:${key}`,
      ),
    ],
  ],
])('a user who may touch %s is refused, and nothing is left', async (_, rules) => {
  const error = await callAs(rules)
  expect(error.cause).toMatchObject({
    code: 'NOPERM',
    message: expect.stringMatching(/ \(127\.0\.0\.1:\d+: NOPERM .*key/),
  })
})

test('a user who may do just what enqueueing takes can enqueue', async () => {
  const commands = [
    'eval',
    'evalsha',
    'ping',
    'exists',
    'hmget',
    'hset',
    'incrby',
    'llen',
    'lpush',
    'xadd',
    'xlen',
    'xtrim',
    'zadd',
    'zcard',
  ]
  await setUser('on', '>secret', '~bull:ticket-triage:*', ...commands.map((command) => `+${command}`))
  const fault = on.fault({
    row: 16,
    fault: 'the fewest permissions',
    done: commands.map((command) => `\`+${command}\``).join(' '),
    pipeline: on.pipeline({ connection: connectionOf() }),
  })
  // What jobs of other kinds take is in __test__/scripts/any-jobs.test.js.
  for (const { outcome } of await fault.burst(20, { jobOptions: undefined })) expect(outcome).toBe('queued')
  await fault.ends(admin)
})
