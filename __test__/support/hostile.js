'use strict'
// What a caller may hand to a call, from the ordinary to the hostile, sorted by what the call comes to if nothing else is
// wrong with it. `program` is what makes the calls (see fuzz.test.js): it throws, calls and closes for the caller's code.
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises')

/** Milliseconds that a call has which does not say otherwise. */
const TIMEOUT_MS = 60
const LIMIT = 2 ** 20

const nested = (depth) => {
  let value = {}
  for (let at = 0; at < depth; at++) value = { tenantId: value }
  return value
}

const withGetter = (ticket, key, get) => Object.defineProperty({ ...ticket }, key, { get, enumerable: true })

/** Notes when a property is asked for again. */
const readOnce = (program, ticket) => {
  const asked = new Set()
  const get = (target, key) => {
    if (asked.has(key)) program.broken.push(`${String(key)} was read twice`)
    asked.add(key)
    return target[key]
  }
  return new Proxy(ticket, { get })
}

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** Resolves, and then does all that a promise never does. */
const unruly = {
  // biome-ignore lint/suspicious/noThenProperty: a foreign thenable is what is tested
  then(resolve, reject) {
    resolve()
    resolve()
    reject(new Error('too late to matter'))
    throw new Error('too late to matter')
  },
}

/** Made from a valid ticket. */
const INPUTS = {
  queued: {
    plain: (_, ticket) => ticket,
    inherited: (_, ticket) => Object.create(ticket),
    'without a prototype': (_, ticket) => Object.assign(Object.create(null), ticket),
    'with __proto__ of its own': (_, ticket) =>
      JSON.parse(JSON.stringify(ticket).replace('{', '{"__proto__":{"x":1},')),
    'with much beside': (_, ticket) => ({ ...ticket, rest: nested(10_000), more: 'x'.repeat(2 ** 24) }),
    'read once': readOnce,
    'calling from a getter': (program, ticket) =>
      withGetter(ticket, 'summary', () => {
        program.call({ id: 'inner' })
        return ticket.summary
      }),
    'closing from a getter': (program, ticket) =>
      withGetter(ticket, 'ticketId', () => {
        program.close()
        return ticket.ticketId
      }),
  },
  INVALID_INPUT: {
    nothing: () => undefined,
    deep: () => nested(10_000),
    cyclic: () => {
      const value = {}
      return Object.assign(value, { tenantId: value, ticketId: value, summary: value })
    },
    boxed: (_, ticket) => ({ ...ticket, tenantId: new String('x') }),
    'with a colon': (_, ticket) => ({ ...ticket, ticketId: `${ticket.ticketId}:` }),
    'ill-formed': (_, ticket) => ({ ...ticket, tenantId: `${ticket.tenantId}\ud800` }),
  },
  PAYLOAD_TOO_LARGE: {
    'too long': (_, ticket) => ({ ...ticket, summary: 'x'.repeat(LIMIT) }),
    'far too long': (_, ticket) => ({ ...ticket, tenantId: '\u0000'.repeat(2 ** 25) }),
    'too long in UTF-8': (_, ticket) => ({ ...ticket, summary: '日'.repeat(LIMIT / 2) }),
  },
  thrown: {
    'throwing from a getter': (program, ticket) => withGetter(ticket, 'ticketId', () => program.throw()),
    'throwing from a trap': (program) => new Proxy({}, { get: () => program.throw() }),
    revoked,
  },
}

/** What createPending does. */
const STORAGES = {
  queued: {
    'records at once': () => undefined,
    'records soon': async () => {},
    'records a turn later': () => turn(),
    'records some milliseconds later': () => sleep(3),
    'records unruly': () => unruly,
    'calls as well': async (program) => program.call({ id: 'inner' }),
    closes: (program) => program.close(),
    'changes the record': (_, record) => Object.assign(record, { jobId: 'x', tenantId: 'x', ticketId: 'x' }),
  },
  thrown: {
    throws: (program) => program.throw(),
    'throws undefined': (program) => program.throw(undefined),
    rejects: async (program) => program.throw(Symbol('rejected')),
    'throws from then': (program) => Object.defineProperty({}, 'then', { get: () => program.throw() }),
  },
  STORAGE_TIMEOUT: {
    'never records': () => new Promise(() => {}),
    'records too late': () => sleep(5 * TIMEOUT_MS),
  },
}

/** Instead of a storage. */
const NO_STORAGES = {
  ERR_INVALID_ARG_TYPE: {
    null: () => null,
    text: () => 'createPending',
    'an empty object': () => ({}),
    'what cannot be called': () => ({ createPending: {} }),
  },
  thrown: {
    'throwing when asked': (program) => Object.defineProperty({}, 'createPending', { get: () => program.throw() }),
  },
}

const OPTIONS = {
  queued: {
    usual: () => ({ timeoutMs: TIMEOUT_MS }),
    hasty: () => ({ timeoutMs: 0.5 }),
    patient: () => ({ timeoutMs: 4 * TIMEOUT_MS }),
    'own tenant': ({ tenantId }) => ({ timeoutMs: TIMEOUT_MS, caller: { tenantId }, authorize: async () => true }),
    'closing authorize': (program) => ({
      timeoutMs: TIMEOUT_MS,
      authorize: () => {
        program.close()
        return true
      },
    }),
  },
  TENANT_MISMATCH: {
    'other tenant': () => ({ timeoutMs: TIMEOUT_MS, caller: { tenantId: 'other' } }),
    nobody: () => ({ timeoutMs: TIMEOUT_MS, caller: undefined }),
  },
  FORBIDDEN: {
    forbidden: () => ({ timeoutMs: TIMEOUT_MS, authorize: () => 'yes' }),
  },
  AUTHORIZE_TIMEOUT: {
    undecided: () => ({ timeoutMs: TIMEOUT_MS, authorize: () => new Promise(() => {}) }),
  },
  thrown: {
    'throwing authorize': (program) => ({ timeoutMs: TIMEOUT_MS, authorize: () => program.throw() }),
    'throwing caller': (program) => ({ caller: Object.defineProperty({}, 'tenantId', { get: () => program.throw() }) }),
  },
  ERR_INVALID_ARG_TYPE: {
    'a number': () => 5,
    'time as text': () => ({ timeoutMs: '60' }),
  },
  ERR_OUT_OF_RANGE: {
    'no time': () => ({ timeoutMs: Number.NaN }),
    'endless time': () => ({ timeoutMs: Number.POSITIVE_INFINITY }),
  },
}

/** By name: how it is made, and what a call with it comes to. */
const byName = (sorted) =>
  Object.fromEntries(
    Object.entries(sorted).flatMap(([code, group]) =>
      Object.entries(group).map(([name, make]) => [name, { code, make }]),
    ),
  )

module.exports = {
  INPUTS: byName(INPUTS),
  NO_STORAGES: byName(NO_STORAGES),
  OPTIONS: byName(OPTIONS),
  STORAGES: byName(STORAGES),
  TIMEOUT_MS,
}
