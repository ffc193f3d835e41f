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

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const cyclic = {}
cyclic.self = cyclic

const text = fc.oneof(
  fc.constantFrom('', ':', 'a:b', 'é', '印刷', '😀', '\u0000\u001f\u007f', '"\\/', '\u2028', '\ufffd', '\ud83d', 'x\udc00'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0x20, max: 0x7e })).map((units) => String.fromCharCode(...units)),
  // Any units at all, half of them surrogates, paired or not.
  fc
    .array(fc.oneof(fc.integer({ max: 0xffff, min: 0 }), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units)),
)

const noText = fc.oneof(
  fc.constantFrom(undefined, null, true, 0, Number.NaN, 1n, Symbol('s'), Symbol.iterator, () => {}, class {}, async () => {}),
  fc.constantFrom([], ['x'], {}, Object.create(null), cyclic, new String('x'), Object(1n), new Date(Number.NaN), /x/),
  fc.constantFrom(...[{}, [], () => {}, new String('x')].flatMap((it) => [new Proxy(it, {}), revoked(it)])),
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

/** How a property comes to be there, as what to define it by. `reads` notes that a getter ran. */
const WAYS = {
  own: (value) => ({ value, enumerable: true }),
  hidden: (value) => ({ value }),
  getter: (value, read) => ({ get: () => read() ?? value }),
  throwing: (value, read) => ({
    get() {
      read()
      throw value
    },
  }),
}

const property = fc.record({
  way: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('own', 'hidden', 'getter') }, { weight: 1, arbitrary: fc.constantFrom('throwing', 'missing') }),
  inherited: fc.boolean(),
  value: fc.oneof({ weight: 5, arbitrary: text }, { weight: 1, arbitrary: noText }),
})

const recipe = fc.record({
  holder: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('object', 'object without prototype', 'class instance') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(HOLDERS)) },
  ),
  proxied: fc.boolean(),
  properties: fc.tuple(property, property, property),
})

/** A new object by the recipe, and the log of what was done to it. Whatever is not declared throws when it is read. */
function build({ holder, proxied, properties }) {
  const log = []
  const target = HOLDERS[holder]()
  const parent = Object.create(Object.getPrototypeOf(target))
  Object.setPrototypeOf(target, parent)
  for (const [i, { way, inherited, value }] of properties.entries()) {
    if (way === 'missing') continue
    const read = () => void log.push(`ran ${FIELDS[i]}`)
    Object.defineProperty(inherited ? parent : target, FIELDS[i], WAYS[way](value, read))
  }
  for (const key of ['toJSON', 'then', 'undeclared', Symbol.toPrimitive]) {
    const get = () => log.push(`read ${String(key)}`)
    Object.defineProperty(target, key, { get, enumerable: true })
  }
  return { input: proxied ? new Proxy(target, logging(log)) : target, log }
}

/** The traps of a Proxy that hides nothing and notes everything. */
function logging(log) {
  return new Proxy(
    {},
    {
      get: (_, trap) => (...args) => {
        log.push(`${trap} ${typeof args[1] === 'string' ? args[1] : ''}`)
        return Reflect[trap](...args)
      },
    },
  )
}

const inputs = fc.oneof(
  { weight: 8, arbitrary: recipe.map((it) => () => build(it)) },
  { weight: 1, arbitrary: fc.oneof(noText, text).map((input) => () => ({ input, log: [] })) },
)
