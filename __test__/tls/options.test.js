'use strict'
// Which TLS options are taken, refused and passed over, and that each of Node's is one of them.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { EnqueueError, Pipeline, ticketTriageDefinition } = require('../..')
const { IGNORED, REFUSED, SUPPORTED } = require('../../lib/connection/tls-options.js')
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { useFaults } = require('../support/faults.js')
const { OwnServer } = require('../support/redis.js')
const { newTicket, recorder, rejection } = require('../support/tickets.js')

const on = useFaults()
const authority = new Authority()
let server
let secure
beforeAll(async () => {
  server = await OwnServer.start()
  secure = await TlsFront.start(server.port, authority.issue())
})
afterAll(async () => {
  await secure.stop()
  await server.stop()
  authority.remove()
})

const make = (options) => new Pipeline({ ...ticketTriageDefinition, connection: options })

function refusal(options) {
  try {
    make(options)
  } catch (error) {
    expect(error).toBeInstanceOf(EnqueueError)
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE')
    return error.cause.message
  }
  throw new Error('nothing was refused')
}

const enqueue = (tls, port = secure.port) =>
  on.pipeline({ connection: { host: 'localhost', port, tls }, timeoutMs: 1500 }).enqueue(newTicket(), recorder())

describe('tls', () => {
  test.each([true, 'true', '1'])('%j is {}', async (tls) => {
    expect((await rejection(enqueue(tls))).cause.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  test.each([false, null, undefined, ''])('%j is none', async (tls) => {
    expect((await enqueue(tls, server.port)).status).toBe('queued')
  })

  test.each([
    ['false', "must not be the text 'false', which ioredis takes for yes: write tls: false or tls: true"],
    ['0', "must not be the text '0', which ioredis takes for yes: write tls: false or tls: true"],
    [
      'RedisCloudFixed',
      "must not be 'RedisCloudFixed', a profile of ioredis: write tls: { ca }, with the authority of your servers",
    ],
    [
      'hunter2',
      'must be true, false or an object of TLS options, and not another text, which ioredis takes for yes: write tls: true',
    ],
    [1, 'must be true, false or an object of TLS options'],
    [[], 'must be true, false or an object of TLS options'],
    [() => {}, 'must be true, false or an object of TLS options'],
  ])('%p is refused', (tls, message) => {
    expect(refusal({ tls })).toBe(`connection.tls ${message}`)
    expect(refusal({ sentinelTLS: tls, sentinels: [{}], name: 'm' })).toBe(
      `connection.sentinelTLS ${message}`.replaceAll(/ tls: /g, ' sentinelTLS: '),
    )
  })
})

describe('an option', () => {
  test.each(Object.entries(REFUSED))('%s is refused by name', (option, why) => {
    expect(refusal({ tls: { [option]: 'hunter2' } })).toBe(`connection.tls.${option} is not supported: ${why}`)
    for (const none of [undefined, null, false]) expect(() => make({ tls: { [option]: none } })).not.toThrow()
  })

  test.each(Object.keys(IGNORED))('%s changes nothing', async (option) => {
    expect((await enqueue({ ca: authority.ca, [option]: 'x' })).status).toBe('queued')
  })

  test.each([
    ['rejectUnauthorised', 'rejectUnauthorized'],
    ['rejectUnauthorize', 'rejectUnauthorized'],
    ['reject_unauthorized', 'rejectUnauthorized'],
    ['serverName', 'servername'],
    ['servernames', 'servername'],
    ['CA', 'ca'],
    ['useSystemCa', 'useSystemCA'],
    ['minversion', 'minVersion'],
    ['checkServerIdentify', 'checkServerIdentity'],
    ['cipher', 'ciphers'],
  ])('%s, which means nothing, is refused with a hint at %s', (option, meant) => {
    expect(refusal({ tls: { [option]: 'hunter2' } })).toBe(
      `connection.tls has no option ${option}: did you mean ${meant}?`,
    )
  })

  test.each(['comment', 'cas', 'verify', 'hosts', 'x'])('%s, which means nothing, is passed over', (option) => {
    expect(() => make({ tls: { [option]: 'x' } })).not.toThrow()
  })

  test.each([
    ['ca', 42, 'must be PEM, as a string or a Buffer'],
    ['cert', {}, 'must be PEM, as a string or a Buffer'],
    ['key', [{ pem: 1 }], 'must be PEM, as a string or a Buffer'],
    ['servername', 42, 'must be a string'],
    ['rejectUnauthorized', 'false', 'must be true or false'],
    ['rejectUnauthorized', 0, 'must be true or false'],
    ['useSystemCA', '1', 'must be true or false'],
    ['minVersion', 'TLSv1', "must be 'TLSv1.2' or 'TLSv1.3': older ones are not spoken"],
    ['minVersion', 'toString', "must be 'TLSv1.2' or 'TLSv1.3': older ones are not spoken"],
    ['maxVersion', 'TLSv1.1', "must be 'TLSv1.2' or 'TLSv1.3': older ones are not spoken"],
  ])('%s must not be %p', (option, value, message) => {
    expect(refusal({ tls: { [option]: value } })).toBe(`connection.tls.${option} ${message}`)
  })

  test('minVersion must not be newer than maxVersion', () => {
    expect(refusal({ tls: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } })).toBe(
      'connection.tls.minVersion must not be newer than maxVersion',
    )
  })

  test('servername must be a name that a certificate can have', () => {
    let thrown
    try {
      make({ tls: { servername: 'a..b' } })
    } catch (error) {
      thrown = error
    }
    expect(thrown.code).toBe('MISCONFIGURED')
    expect(thrown.cause.message).toMatch(/connection\.tls\.servername must be the name of a host, or an address/)
  })

  test.each(Object.keys(SUPPORTED).filter((option) => option !== 'ca'))(
    '%s may be undefined or null',
    async (option) => {
      for (const none of [undefined, null]) {
        expect((await enqueue({ ca: authority.ca, [option]: none })).status).toBe('queued')
      }
    },
  )

  test.each([
    [{}, 'TLSv1.3'],
    [{ maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }, 'TLSv1.3'],
    [{ minVersion: 'TLSv1.3' }, 'TLSv1.3'],
  ])('with %j, %s is spoken', async (versions, spoken) => {
    const seen = new Promise((resolve) => secure.once('secured', resolve))
    await enqueue({ ca: authority.ca, ...versions })
    expect((await seen).getProtocol()).toBe(spoken)
  })
})

describe('what someone put on Object.prototype', () => {
  const polluted = {
    rejectUnauthorized: false,
    ca: 'x',
    pfx: 'x',
    pem: 'x',
    servername: 'other.example',
    maxVersion: 'TLSv1',
  }
  afterEach(() => {
    for (const key of Object.keys(polluted)) delete Object.prototype[key]
  })

  test('changes nothing of who is trusted', async () => {
    for (const [key, value] of Object.entries(polluted)) Object.prototype[key] = value
    expect((await rejection(enqueue({}))).cause.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    const { cert, key } = authority.issue()
    const own = Object.assign(Object.create(null), { ca: authority.ca, cert, key })
    expect((await enqueue(own)).status).toBe('queued')
  })
})

test('docs/tls.md names each option where it belongs', () => {
  const docs = readFileSync(path.join(__dirname, '../../docs/tls.md'), 'utf8')
  const [, options] = /## Options\n\n([^#]+)/.exec(docs)
  const named = options
    .trim()
    .split('\n\n')
    .map((paragraph) =>
      [...paragraph.matchAll(/`(\w+)`/g)].map(([, name]) => name).filter((name) => !/^TLSv/.test(name)),
    )
  for (const [at, list] of [SUPPORTED, REFUSED, IGNORED].entries()) {
    expect(named[at].toSorted()).toEqual(Object.keys(list).toSorted())
  }
})

test('each option is in one list', () => {
  const all = [SUPPORTED, REFUSED, IGNORED].flatMap(Object.keys)
  expect(all).toEqual([...new Set(all)])
})
