'use strict'
// Bodies made to hurt: each is refused with a 4xx before anything is recorded, or enqueued as what it says.
const fc = require('fast-check')
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')

const MIB = 1024 * 1024

const on = useFaults()
const database = useDatabase()
let pipeline
beforeEach(async () => {
  await database.redis.flushdb()
  pipeline = on.pipeline({ connection: database.connection })
})

/** What came of a call, and whether a record was made. */
async function attempt(input) {
  const storage = recorder()
  const result = await pipeline.enqueue(input, storage).then(
    () => 'queued',
    ({ code, status, outcome }) => [code, status, outcome],
  )
  return { result, recorded: storage.records.length }
}

/** Writes the case down, once the next call has shown that all is well. */
async function ends(fault, done, remark) {
  const it = on.fault({ row: 26, fault, done, pipeline })
  it.remark(remark)
  await it.recovers()
  await it.ends(database.redis)
}

const nested = (depth) => {
  let value = 'x'
  for (let i = 0; i < depth; i++) value = [value]
  return value
}
const REFUSED = { result: ['INVALID_INPUT', 400, 'refused'], recorded: 0 }
const TOO_LARGE = { result: ['PAYLOAD_TOO_LARGE', 413, 'refused'], recorded: 0 }
const QUEUED = { result: 'queued', recorded: 1 }

describe('is refused and leaves nothing', () => {
  test.each([
    ['a summary of 100 MB', () => ({ summary: 'x'.repeat(100e6) }), TOO_LARGE],
    ['a summary of 100 MB in two-byte characters', () => ({ summary: '\u2603'.repeat(50e6) }), TOO_LARGE],
    ['a summary that only escaping makes too long', () => ({ summary: '\0'.repeat(MIB / 6) }), TOO_LARGE],
    ['an id of 1 MiB', () => ({ ticketId: 'x'.repeat(MIB) }), TOO_LARGE],
    ['a tenant of 1 MiB', () => ({ tenantId: 'x'.repeat(MIB) }), TOO_LARGE],
    ['an id of 100 KB', () => ({ ticketId: 'x'.repeat(100_000) }), REFUSED],
    ['ids that are too long together', () => ({ tenantId: 'x'.repeat(250), ticketId: 'y'.repeat(250) }), REFUSED],
    ['a summary nested 100,000 deep', () => ({ summary: nested(100_000) }), REFUSED],
    ['an id nested 100,000 deep', () => ({ ticketId: nested(100_000) }), REFUSED],
    ['a lone surrogate in an id', () => ({ ticketId: 'a\ud800b' }), REFUSED],
    ['a lone surrogate in a tenant', () => ({ tenantId: '\udc00' }), REFUSED],
    ['a colon in an id, which would be another tenant’s ticket', () => ({ tenantId: 'a:b' }), REFUSED],
    ['a BigInt', () => ({ summary: 1n }), REFUSED],
    ['a symbol', () => ({ ticketId: Symbol('x') }), REFUSED],
    ['a function', () => ({ ticketId: () => 'x' }), REFUSED],
    ['a string object', () => ({ ticketId: Object('x') }), REFUSED],
    ['an object that turns into a string', () => ({ ticketId: { toString: () => 'x', toJSON: () => 'x' } }), REFUSED],
    ['a Buffer', () => ({ summary: Buffer.from('x') }), REFUSED],
  ])('%s', async (what, fields, expected) => {
    expect(await attempt(newTicket(fields()))).toEqual(expected)
    await ends('hostile input', what, `\`${expected.result[0]}\``)
  })

  test.each([
    ['an own __proto__ that has the fields', JSON.parse('{"__proto__":{"tenantId":"a","ticketId":"b","summary":"c"}}')],
    ['a constructor and a prototype', JSON.parse('{"constructor":{"prototype":{"tenantId":"a"}}}')],
    ['an array that is nested 100,000 deep', nested(100_000)],
    ['an object of a million keys', Object.fromEntries(Array.from({ length: 1e6 }, (_, i) => [`k${i}`, i]))],
    ['an object without a prototype', Object.create(null)],
    ['null', null],
  ])('%s', async (what, input) => {
    expect(await attempt(input)).toEqual(REFUSED)
    expect({}.tenantId).toBeUndefined()
    await ends('hostile input', what, '`INVALID_INPUT`')
  })

  test.each([
    [
      'a getter that throws',
      (thrown) =>
        Object.defineProperty(newTicket(), 'summary', {
          get: () => {
            throw thrown
          },
        }),
    ],
    [
      'a Proxy that throws',
      (thrown) =>
        new Proxy(
          {},
          {
            get: () => {
              throw thrown
            },
          },
        ),
    ],
  ])('%s, whose exception is passed on as it is', async (what, make) => {
    const thrown = new Error('mine')
    const storage = recorder()
    await expect(pipeline.enqueue(make(thrown), storage)).rejects.toBe(thrown)
    expect(storage.records).toEqual([])
    await ends('hostile input', what, 'its own exception')
  })

  test('a revoked Proxy', async () => {
    const { proxy, revoke } = Proxy.revocable(newTicket(), {})
    revoke()
    const storage = recorder()
    await expect(pipeline.enqueue(proxy, storage)).rejects.toThrow(/revoked/)
    expect(storage.records).toEqual([])
  })
})

describe('is enqueued as what it says', () => {
  test.each([
    ['a brace, which is a hash tag to a cluster', { tenantId: '{t', ticketId: 'k}' }],
    ['a NUL', { tenantId: 'a\0b' }],
    ['line ends, which end a command in the protocol', { ticketId: 'a\r\nDEL x\r\n' }],
    ['quotes and backslashes', { tenantId: '"\\', ticketId: '\\u0000"}' }],
    ['astral and right-to-left characters', { tenantId: '\u202e\u{1f4a9}' }],
    ['the name of a key of the queue', { tenantId: 'wait', ticketId: 'meta' }],
    ['an own __proto__ beside the fields', JSON.parse('{"__proto__":{"polluted":true}}')],
    ['100 MB that are not declared', { attachment: 'x'.repeat(100e6) }],
    ['something deep that is not declared', { thread: nested(100_000) }],
  ])('%s', async (what, fields) => {
    const input = { ...newTicket(), ...fields }
    expect(await attempt(input)).toEqual(QUEUED)
    const { tenantId, ticketId, summary } = input
    expect(JSON.parse(await database.redis.hget(jobKey(input), 'data'))).toEqual({ tenantId, ticketId, summary })
    expect(await database.redis.lrange('bull:ticket-triage:wait', 0, -1)).toEqual([jobId(input)])
    await ends('hostile input', what, '`queued`')
  })

  test('a Proxy is asked for each declared field once, and for nothing else', async () => {
    const asked = []
    const get = (target, key) => asked.push(key) && target[key]
    const trap = () => {
      throw new Error('looked at')
    }
    const input = new Proxy(newTicket(), { get, has: trap, ownKeys: trap, getOwnPropertyDescriptor: trap })
    expect(await attempt(input)).toEqual(QUEUED)
    expect(asked).toEqual(['tenantId', 'ticketId', 'summary'])
  })
})

test('a hundred bodies of 100 MB leave the memory of the process as it was', async () => {
  // One string is handed in again and again: what grows is what the boundary keeps.
  const program = `
    const body = (field) => ({ ...ticket('big'), [field]: big })
    const big = Buffer.alloc(100e6, 'x').toString('latin1')
    const attempt = (field) => enqueueTicketTriage(body(field), storage).then(() => 'queued', ({ code }) => code)
    ;(async () => {
      await attempt('summary')
      const before = process.memoryUsage().rss
      const codes = new Set()
      for (let i = 0; i < 100; i++) codes.add(await attempt(['summary', 'ticketId', 'tenantId'][i % 3]))
      console.log(JSON.stringify({ codes: [...codes], grown: process.memoryUsage().rss - before }))
    })()`
  const { stdout, stderr } = await runChild(program, { env: { REDIS_URL: database.url } })
  expect(stderr).toBe('')
  const { codes, grown } = JSON.parse(stdout)
  expect(codes).toEqual(['PAYLOAD_TOO_LARGE'])
  expect(grown).toBeLessThan(20e6)
  await ends(
    'hostile input',
    '100 bodies of 100 MB in one process',
    `\`PAYLOAD_TOO_LARGE\`; ${Math.round(grown / 1e6)} MB more in use`,
  )
})

test('anything at all is refused with a 4xx or enqueued, and is never thrown', async () => {
  const ids = fc.oneof(fc.string({ unit: 'binary' }), fc.anything({ withBigInt: true, withDate: true }))
  const bodies = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
    fc.record({ tenantId: ids, ticketId: ids, summary: ids }, { requiredKeys: [] }),
  )
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const { result, recorded } = await attempt(body)
      expect([QUEUED, REFUSED, TOO_LARGE]).toContainEqual({ result, recorded })
      if (recorded) expect(await database.redis.exists(jobKey(body))).toBe(1)
    }),
    { numRuns: 2000 },
  )
  await ends('hostile input', '2000 random values', '`queued` or a 4xx each')
})
