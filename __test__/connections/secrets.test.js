'use strict'
// No error holds a secret: whatever is wrong with the settings that a password comes with, neither message nor cause,
// stack, `stats()` or warning repeats it, or its bytes in another form.
const { inspect } = require('node:util')
const fc = require('fast-check')
const { useFaults } = require('../support/faults.js')
const { freePort } = require('../support/redis.js')
const { newTicket, recorder, rejection } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')
const { Pipeline, isEnqueueError, ticketTriageDefinition } = require('../..')

const SECRET = 'hunter2Zq9'
const on = useFaults()

/** The secret, and what it would look like as bytes, in hex and in base64. */
const FORMS = [
  SECRET,
  SECRET.slice(0, 8),
  [...Buffer.from(SECRET)].slice(0, 6).join(', '),
  [...Buffer.from(SECRET)].slice(0, 6).join(','),
  Buffer.from(SECRET).toString('hex').slice(0, 12),
  Buffer.from(SECRET).toString('base64').slice(0, 9),
]

function expectNoSecret(value) {
  const text = [
    inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity }),
    String(value?.stack),
    String(value?.cause?.stack),
    JSON.stringify(value) ?? '',
    JSON.stringify(value?.toProblem?.()) ?? '',
  ].join('\n')
  for (const form of FORMS) expect(text).not.toContain(form)
}

const warnings = []
const onWarning = (warning) => warnings.push(warning)
beforeAll(() => process.on('warning', onWarning))
afterAll(() => {
  process.off('warning', onWarning)
  for (const warning of warnings) expectNoSecret(warning)
})

/** What making a pipeline throws, or else what its first call ends in. Nothing of it may be queued. */
async function errorOf(connection, prefix = '{bull}') {
  let pipeline
  try {
    pipeline = new Pipeline({ ...ticketTriageDefinition, connection, prefix })
  } catch (error) {
    expect(isEnqueueError(error)).toBe(true)
    return error
  }
  const error = await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 100 }))
  expectNoSecret(pipeline.stats())
  expectNoSecret(pipeline)
  await pipeline.close()
  return error
}

describe('a password in a connection that cannot be used', () => {
  test.each([
    ['a URL of another scheme', `http://:${SECRET}@h`],
    ['a URL with no host', `redis://:${SECRET}@`],
    ['a URL whose port is none', `redis://:${SECRET}@h:port`],
    ['a URL with a database that is none', `redis://:${SECRET}@h/x`],
    ['a password with a slash', `redis://web:1/${SECRET}@h`],
    ['a password with a slash and no user', `redis://:/${SECRET}@h`],
    ['a password with a question mark', `redis://web:1?${SECRET}@h`],
    ['a password with a question mark and an equals sign', `redis://web:1?${SECRET}=a@h`],
    ['a password with a hash', `redis://web:1#${SECRET}@h`],
    ['a password with a percent sign', `redis://:${SECRET}%zz@h`],
    ['a password in a query that is not understood', `redis://h?pwd=${SECRET}`],
    ['a password in a query beside what is not understood', `redis://h?password=${SECRET}&x=1`],
    ['a password that is the name in a query', `redis://h?${SECRET}@`],
    ['a command', `redis-cli -a ${SECRET} -h h`],
    ['an assignment', `REDIS_URL=redis://:${SECRET}@h`],
    ['a password alone', `:${SECRET}@`],
    ['a socket', `unix://run/x.sock?pass=${SECRET}`],
    ['a URL in place of a host', { host: `redis://:${SECRET}@h` }],
    ['user and password in place of a host', { host: `web:${SECRET}@h` }],
    ['an option that is misnamed', { host: 'h', pass: SECRET }],
    ['an option of another client', { socket: { host: 'h' }, password: SECRET }],
    ['an option that is refused', { host: 'h', password: SECRET, keyPrefix: SECRET }],
    ['options of the wrong type', { host: 'h', password: [SECRET] }],
    ['a port', { host: 'h', port: SECRET }],
    ['a database', { host: 'h', db: SECRET }],
    ['TLS as text', { host: 'h', tls: SECRET }],
    ['a user without a server', { host: '', username: 'web', password: SECRET }],
    ['a database of a cluster', { cluster: [{ host: 'h' }], db: 1, password: SECRET }],
    ['a client', { connect() {}, password: SECRET }],
  ])('%s', async (_, connection) => {
    expectNoSecret(await errorOf(connection))
  })

  test.each(['redis://web:1?swordfish=a@h', 'redis://web:1?a=b&swordfish=c@h', 'redis://web:1?swordfish&a=b@h'])(
    'that could be the name of an option: %s',
    async (url) => {
      expect(inspect(await errorOf(url))).not.toContain('swordfish')
    },
  )

  test('of any shape', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'redis://',
        'rediss://',
        ':',
        '@',
        '/',
        '?',
        '#',
        '%',
        '=',
        '&',
        'a',
        '1',
        ' ',
        '"',
        '[',
        ']',
        ',',
      ),
      fc.string({ maxLength: 3 }),
    )
    const around = fc.tuple(fc.array(piece, { maxLength: 6 }), fc.array(piece, { maxLength: 6 }))
    const { readConnection } = require('../../lib/connection/index.js')
    fc.assert(
      fc.property(around, ([before, after]) => {
        const url = [...before, SECRET, ...after].join('')
        try {
          readConnection(url)
        } catch (error) {
          if (!isEnqueueError(error)) throw error
          expectNoSecret(error)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

test('a server that repeats a password, or the end of one, in whatever it answers, is not repeated', async () => {
  const net = require('node:net')
  const answers = { AUTH: '+OK', CLIENT: '+OK', SELECT: '+OK', PING: '+PONG', INFO: '$-1' }
  for (const word of Object.keys(answers)) {
    for (const said of [SECRET, SECRET.slice(-8)]) {
      const replies = Object.values({ ...answers, [word]: `-ERR no such session ${said}` })
      const server = net.createServer((socket) => {
        socket.on('error', () => {}).once('data', () => socket.end(replies.map((reply) => `${reply}\r\n`).join('')))
      })
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      const pipeline = on.pipeline({ connection: `redis://web:${SECRET}@127.0.0.1:${server.address().port}/3` })
      const error = await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 200 }))
      await until(() => pipeline.stats().lastProblem !== undefined)
      for (const told of [error, pipeline.stats()]) {
        expectNoSecret(told)
        expect(inspect(told, { depth: Infinity, showHidden: true })).not.toContain(SECRET.slice(-8))
      }
      await pipeline.close()
      await new Promise((resolve) => server.close(resolve))
    }
  }
})

describe('a password of a connection that cannot be made', () => {
  const url = (port) => `redis://web:${SECRET}@127.0.0.1:${port}`

  test('to a port that nobody listens on', async () => {
    expectNoSecret(await errorOf(url(await freePort())))
  })

  test('to a name that has no address', async () => {
    expectNoSecret(await errorOf(`redis://web:${SECRET}@nowhere.invalid`))
  })

  test('to a server that does not take it', async () => {
    const server = await on.server()
    expectNoSecret(await errorOf(url(server.port)))
  })

  test('to servers that repeat what they were sent', async () => {
    const net = require('node:net')
    for (const echo of [
      (sent) => `-ERR unknown command 'AUTH', with args beginning with: ${sent}\r\n`,
      (sent) => `-ERR ${sent}\r\n`,
      (sent) => `-${sent}\r\n`,
      (sent) => sent,
      (sent) => `+${sent}\r\n`,
    ]) {
      const server = net.createServer((socket) => {
        socket
          .on('error', () => {})
          .on('data', (sent) => {
            socket.write(echo(sent.toString('latin1').replaceAll(/[\r\n]+/g, ' ')))
          })
      })
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      const pipeline = on.pipeline({ connection: url(server.address().port) })
      const error = await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 300 }))
      await until(() => pipeline.stats().lastProblem !== undefined)
      expectNoSecret(error)
      expectNoSecret(pipeline.stats())
      await pipeline.close()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
