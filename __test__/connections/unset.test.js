'use strict'
// What was meant to name a server and is empty never means the default one. A build that evaluates modules where no
// variable is set gets through; the first call says what is missing, before the record.
const { runChild } = require('../support/child.js')
const { useDatabase } = require('../support/redis.js')
const { NOTHING_ENDED, newTicket, recorder, rejection } = require('../support/tickets.js')
const { Pipeline, ticketTriageDefinition } = require('../..')

const database = useDatabase()
const env = {}

const SET = ': set it to the server, as redis://host:port or as options'
const FORMS = [
  ['a variable that is not set', env.UNSET, 'connection is empty'],
  ['null', null, 'connection is empty'],
  ['an empty text', '', 'connection is empty'],
  ['blanks', ' \n', 'connection is empty'],
  ['quotes around nothing', '""', 'connection is empty'],
  ['a variable that was turned into text', `${env.UNSET}`, 'connection is empty'],
  ['a template of variables', `redis://${env.HOST}:${env.PORT}`, 'connection names no host'],
  ['a template of variables that are empty', 'redis://:', 'connection names no host'],
  ['a template whose host is empty', 'redis://:6379', 'connection names no host'],
  ['a template whose password alone is set', 'redis://:pw@:6379', 'connection names no host'],
  ['a template without a scheme', `${env.HOST}:6379`, 'connection names no host'],
  ['a template whose port is not set', `redis://cache.example:${env.PORT}`, 'connection names no port'],
  ['a URL of nothing but its scheme', 'rediss://', 'connection names no host'],
  ['a URL of nothing but a database', 'redis:///3', 'connection names no host'],
  ['a url that is undefined', { url: env.UNSET }, 'connection.url is empty'],
  ['a url that is empty', { url: '' }, 'connection.url is empty'],
  ['a url of a template', { url: `redis://${env.HOST}` }, 'connection.url names no host'],
  ['a url that is undefined beside a password', { url: env.UNSET, password: 'x' }, 'connection.url is empty'],
  ['a host that is undefined', { host: env.HOST }, 'connection.host is empty'],
  ['a host that is empty', { host: '' }, 'connection.host is empty'],
  ['a host that is null beside a port', { host: null, port: 6379 }, 'connection.host is empty'],
  ['a host that was turned into text', { host: `${env.HOST}` }, 'connection.host is empty'],
  ['a host and a port that is no number', { host: env.HOST, port: Number(env.PORT) }, 'connection.host is empty'],
  ['a port that is no number', { host: 'cache.example', port: Number(env.PORT) }, 'connection.port is empty'],
  ['a port that is empty', { host: 'cache.example', port: '' }, 'connection.port is empty'],
  ['a port alone that is undefined', { port: env.PORT }, 'connection.port is empty'],
  ['a path that is undefined', { path: env.UNSET }, 'connection.path is empty'],
  [
    'a sentinel whose host is undefined',
    { sentinels: [{ host: env.HOST }], name: 'm' },
    'connection.sentinels has a host that is empty',
  ],
  ['a cluster node whose host is empty', { cluster: [{ host: '' }] }, 'connection.cluster has a host that is empty'],
]

test.each(FORMS)('%s: made without a word, and the first call says so', async (_, connection, message) => {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, prefix: '{bull}' })
  expect(pipeline.stats()).toEqual({
    inFlight: 0,
    waitingForRedis: 0,
    bytes: 0,
    connected: false,
    connects: 0,
    closed: false,
    ...NOTHING_ENDED,
  })
  const storage = recorder()
  for (let call = 0; call < 2; call++) {
    const error = await rejection(pipeline.enqueue(newTicket(), storage))
    expect(error).toMatchObject({ code: 'MISCONFIGURED', status: 500, outcome: 'refused', retryable: false })
    expect(error.cause.message).toBe(message + SET)
  }
  expect(storage.records).toEqual([])
  await pipeline.close()
})

test.each(FORMS)('%s: reconnect throws, and the connection stays', async (_, connection, message) => {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: database.connection })
  expect(() => pipeline.reconnect(connection)).toThrow(
    expect.objectContaining({ code: 'MISCONFIGURED', cause: expect.objectContaining({ message: message + SET }) }),
  )
  await expect(pipeline.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
  await pipeline.close()
})

test('reconnect gives a server to a pipeline that had none', async () => {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: env.UNSET })
  expect(() => pipeline.reconnect({ cluster: [{}] })).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }))
  expect((await rejection(pipeline.enqueue(newTicket(), recorder()))).code).toBe('MISCONFIGURED')
  pipeline.reconnect(database.connection)
  await expect(pipeline.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
  await pipeline.close()
})

describe('a connection that is absent', () => {
  const program = `
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    const pipeline = new Pipeline(ticketTriageDefinition)
    Object.assign(process.env, JSON.parse(process.env.LATER))
    const call = (enqueue) => enqueue(ticket('x'), storage, { timeoutMs: 300 })
    ;(async () => {
      for (const enqueue of [(...args) => pipeline.enqueue(...args), enqueueTicketTriage]) {
        const said = await call(enqueue).then(({ status }) => status, ({ code, message, cause }) => [code, cause?.message ?? message])
        console.log(JSON.stringify(said))
      }
      await pipeline.close()
    })()`
  const run = async (now, later) => {
    const { stdout, stderr } = await runChild(program, { env: { ...now, LATER: JSON.stringify(later) } })
    expect(stderr).toBe('')
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  test('means REDIS_URL, read at the first call', async () => {
    expect(await run({ REDIS_URL: 'http://nowhere.invalid' }, { REDIS_URL: database.url })).toEqual([
      'queued',
      'queued',
    ])
  })

  test.each([[''], [' '], ["''"]])('means the default server where REDIS_URL is %p', async (url) => {
    const said = await run({ REDIS_URL: url }, {})
    // Whatever runs there, or does not: it is where the call went.
    for (const answer of said) if (answer !== 'queued') expect(answer[1]).toMatch(/^127\.0\.0\.1:6379: /)
  })

  test.each([['undefined'], ['redis://undefined:6379']])('and a REDIS_URL of %p is a misconfiguration', async (url) => {
    for (const [code, message] of await run({}, { REDIS_URL: url })) {
      expect(code).toBe('MISCONFIGURED')
      expect(message).toMatch(/^REDIS_URL (is empty|names no host): set it to the server/)
    }
  })
})
