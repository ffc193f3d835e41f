'use strict'
// zod is the referee of what is valid: it and the boundary see the same value, of every kind there is, and must agree.
// Only then come the boundary's own refusals: what no job id can hold, and what is too large for a job.
const fc = require('fast-check')
const { z } = require('zod')
const { useDatabase } = require('./support/redis.js')
const { jobId, jobKey, recorder } = require('./support/tickets.js')
const { enqueueTicketTriage, ticketInputSchema } = require('..')

const database = useDatabase()

const FIELDS = ['tenantId', 'ticketId', 'summary']
const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().min(1) })
const { validate } = ticketInputSchema['~standard']

// --- values ---------------------------------------------------------------------------------------------------------

const cyclic = {}
cyclic.self = cyclic

const text = fc.oneof(
  fc.constantFrom('', ':', 'a:b', ':\ud800', '印刷 😀', '"\\/', '\u0000\u001f\u007f\u2028\ufffd', '\ud83d', 'x\udc00'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0x20, max: 0x7e })).map((units) => String.fromCharCode(...units)),
  // Any units at all, half of them surrogates, paired or not.
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units)),
)

const noText = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    0,
    Number.NaN,
    1n,
    Symbol('s'),
    () => {},
    class {},
    async () => {},
  ),
  fc.constantFrom([], ['x'], {}, Object.create(null), cyclic, new String('x'), Object(1n), new Date(Number.NaN), /x/),
  fc.constantFrom(...[{}, [], () => {}, new String('x')].map((it) => new Proxy(it, {}))),
  fc.anything({
    key: fc.constantFrom(...FIELDS, '__proto__', 'x'),
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
)

// --- objects --------------------------------------------------------------------------------------------------------

const HOLDERS = {
  object: () => ({}),
  'object without prototype': () => Object.create(null),
  'class instance': () => new (class Ticket {})(),
  'boxed string': () => new String('x'),
  map: () => new Map(),
  error: () => new Error('x'),
  array: () => [],
  function: () => () => {},
}

/** How a property comes to be there: what it is defined by. `ran` notes that a getter ran. */
const WAYS = {
  own: (value) => ({ value, enumerable: true }),
  hidden: (value) => ({ value }),
  getter: (value, ran) => ({ get: () => ran() ?? value }),
  throwing: (value, ran) => ({
    get() {
      ran()
      throw value
    },
  }),
}

const mostly = (often, seldom) => fc.oneof({ weight: 9, arbitrary: often }, { weight: 1, arbitrary: seldom })

const property = fc.record({
  way: mostly(fc.constantFrom('own', 'hidden', 'getter'), fc.constantFrom('throwing', 'missing')),
  inherited: fc.boolean(),
  value: mostly(text, noText),
})

const object = fc.record({
  holder: mostly(
    fc.constantFrom('object', 'object without prototype', 'class instance'),
    fc.constantFrom(...Object.keys(HOLDERS)),
  ),
  proxy: mostly(fc.constantFrom('none', 'noting'), fc.constant('revoked')),
  properties: fc.tuple(property, property, property),
})

/** What a call is made with: a value as it is, or an object that each call gets its own copy of. */
const inputs = mostly(
  object.map((recipe) => ({ recipe })),
  fc.oneof(text, noText).map((value) => ({ value })),
)

/** A new object by the recipe, and the log of all that is done to it. */
function build({ recipe, value }) {
  const log = []
  if (!recipe) return { input: value, log }
  const { holder, proxy, properties } = recipe
  const target = HOLDERS[holder]()
  const parent = Object.create(Object.getPrototypeOf(target))
  Object.setPrototypeOf(target, parent)
  for (const [i, { way, inherited, value }] of properties.entries()) {
    if (way === 'missing') continue
    const ran = () => void log.push(`ran ${FIELDS[i]}`)
    Object.defineProperty(inherited ? parent : target, FIELDS[i], WAYS[way](value, ran))
  }
  for (const key of ['toJSON', 'then', 'undeclared', Symbol.toPrimitive]) {
    Object.defineProperty(target, key, { get: () => log.push(`read ${String(key)}`), enumerable: true })
  }
  if (proxy === 'none') return { input: target, log }
  const revocable = Proxy.revocable(target, noting(log))
  if (proxy === 'revoked') revocable.revoke()
  return { input: revocable.proxy, log }
}

/**
 * The traps of a Proxy that changes nothing and notes everything. One that answers Gets for properties it says it has not
 * is refused by zod, which asks; the boundary does not ask, since a Get is all it may do.
 */
function noting(log) {
  const trap = (name) => (target, key, rest) => {
    log.push(`${name} ${String(key)}`)
    return Reflect[name](target, key, rest)
  }
  return new Proxy({}, { get: (_, name) => trap(name) })
}

/** All that the boundary may do to such an input: one Get of each declared property, until one throws. */
function allowed({ recipe }) {
  if (!recipe || ['array', 'function'].includes(recipe.holder) || recipe.proxy === 'revoked') return []
  const ways = recipe.properties.map(({ way }) => way)
  const last = ways.indexOf('throwing')
  return FIELDS.slice(0, last < 0 ? 3 : last + 1).flatMap((field, i) => [
    ...(recipe.proxy === 'noting' ? [`get ${field}`] : []),
    ...(ways[i] === 'getter' || ways[i] === 'throwing' ? [`ran ${field}`] : []),
  ])
}

// --- verdicts -------------------------------------------------------------------------------------------------------

function caught(run) {
  try {
    return run()
  } catch (thrown) {
    return { thrown }
  }
}

const issue = (path, code) => ({ path, code, pointer: path.map((key) => `/${key}`).join('') })
const plain = ({ path, pointer, code, message }) => {
  expect(message).toMatch(/./)
  return { path, code, pointer }
}

/** What must come of an input: zod's verdict first, and to it what no job id can hold. */
function expected(it) {
  // The message is given, so that zod does not look into a value again to find words for it.
  const verdict = caught(() => schema.safeParse(build(it).input, { error: () => 'no' }))
  if ('thrown' in verdict) return verdict
  const all = verdict.success ? [] : verdict.error.issues.map(({ path, code }) => issue(path, code))
  // zod measures whatever has a `length`, so that it also finds an array too small where it wants a string.
  const fromZod = all.filter(({ path, code }, i) => code !== 'too_small' || all[i - 1]?.path[0] !== path[0])
  if (fromZod[0]?.path.length === 0) return { issues: fromZod }
  const { input } = build(it)
  const issues = FIELDS.flatMap((field) => {
    const id = field === 'summary' ? undefined : input[field]
    return [
      ...fromZod.filter(({ path }) => path[0] === field),
      ...(typeof id === 'string' && id.includes(':') ? [issue([field], 'invalid_format')] : []),
      ...(typeof id === 'string' && !id.isWellFormed() ? [issue([field], 'invalid_format')] : []),
    ]
  })
  return issues.length > 0 ? { issues } : { data: JSON.stringify(verdict.data) }
}

/** The very value for what an input's own code throws; for what the engine throws, one that says the same. */
function expectThrown(it, thrown, actual) {
  if (it.recipe.proxy !== 'revoked') expect(actual).toBe(thrown)
  else expect([actual.constructor, actual.message]).toEqual([thrown.constructor, thrown.message])
}

/** Fails when the inputs were not of every sort. */
function expectVariety(tally, runs) {
  for (const sort of ['data', 'issues', 'thrown']) expect(tally[sort] ?? 0).toBeGreaterThan(runs / 50)
}

test('validation agrees with zod on any value, and reads each declared property once and nothing else', () => {
  const tally = {}
  fc.assert(
    fc.property(inputs, (it) => {
      const wanted = expected(it)
      const { input, log } = build(it)
      const result = caught(() => validate(input))
      expect(log).toEqual(allowed(it))
      const [sort] = Object.keys(wanted)
      tally[sort] = (tally[sort] ?? 0) + 1
      expect(Object.keys(result)).toEqual([sort === 'data' ? 'value' : sort])
      if (sort === 'thrown') expectThrown(it, wanted.thrown, result.thrown)
      else if (sort === 'data') expect(JSON.stringify(result.value)).toBe(wanted.data)
      else expect(result.issues.map(plain)).toEqual(wanted.issues)
    }),
    { numRuns: 40_000 },
  )
  expectVariety(tally, 40_000)
})

test('enqueueing agrees with zod on any value, and stores the data as JSON.stringify writes it', async () => {
  const { redis } = database
  const tally = {}
  await fc.assert(
    fc.asyncProperty(inputs, async (it) => {
      await redis.flushdb()
      const wanted = expected(it)
      const { input, log } = build(it)
      const storage = recorder()
      const result = await enqueueTicketTriage(input, storage).catch((thrown) => ({ thrown }))
      expect(log).toEqual(allowed(it))
      const [sort] = Object.keys(wanted)
      tally[sort] = (tally[sort] ?? 0) + 1
      if (sort === 'data') {
        const { summary, ...ids } = JSON.parse(wanted.data)
        expect(result).toEqual({ jobId: jobId(ids), status: 'queued' })
        expect(storage.records).toEqual([{ jobId: jobId(ids), ...ids }])
        expect((await redis.hgetBuffer(jobKey(ids), 'data')).equals(Buffer.from(wanted.data))).toBe(true)
        return
      }
      expect(storage.records).toEqual([])
      expect(await redis.dbsize()).toBe(0)
      if (sort === 'thrown') return expectThrown(it, wanted.thrown, result.thrown)
      expect(result.thrown.code).toBe('INVALID_INPUT')
      expect(result.thrown.issues.map(plain)).toEqual(wanted.issues)
    }),
    { numRuns: 4000 },
  )
  expectVariety(tally, 4000)
})

test.each(['x', 'é', '印', '😀', '\n', '"', '\u0001', '\ud800'])(
  'data of 1 MiB of JSON is stored and a byte more is PAYLOAD_TOO_LARGE, in a summary of %j',
  async (unit) => {
    const bytesOf = (data) => Buffer.byteLength(JSON.stringify(data))
    const ids = { tenantId: 'é', ticketId: '"1"' }
    const room = 1_048_576 - bytesOf({ ...ids, summary: '' })
    const size = bytesOf(unit) - 2
    const fits = { ...ids, summary: unit.repeat(room / size) + 'x'.repeat(room % size) }
    const over = { ...ids, summary: `${fits.summary}x` }
    expect([bytesOf(fits), bytesOf(over)]).toEqual([1_048_576, 1_048_577])

    await database.redis.flushdb()
    await expect(enqueueTicketTriage(over, recorder())).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      status: 413,
    })
    expect(validate(over).issues).toMatchObject([{ path: [], code: 'too_big' }])
    expect(await database.redis.dbsize()).toBe(0)

    await enqueueTicketTriage(fits, recorder())
    expect(validate(fits).issues).toBeUndefined()
    expect(await database.redis.hget(jobKey(fits), 'data')).toBe(JSON.stringify(fits))
  },
)
