'use strict'
// Random programs of calls against the public face: hostile inputs, storages and options, ids that repeat, calls made from
// within calls, links that break, an end in the middle. Whatever the program, what must always hold is checked.
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises')
const fc = require('fast-check')
const { Redis } = require('ioredis')
const { INPUTS, NO_STORAGES, OPTIONS, STORAGES, TIMEOUT_MS } = require('./support/hostile.js')
const { OwnServer } = require('./support/redis.js')
const { jobId, jobKey } = require('./support/tickets.js')
const { Pipeline, enqueueTicketTriage, isEnqueueError, ticketTriageDefinition } = require('..')

/** What a call may come to for want of time or room, whatever was handed to it. */
const TRANSIENT = [
  'AUTHORIZE_TIMEOUT',
  'CLOSED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'QUEUE_UNAVAILABLE',
  'STORAGE_TIMEOUT',
]
const RECORDED = ['OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE', 'STORAGE_TIMEOUT']

let server
let redis
let programs = 0
/** What calls came to, over all programs. */
const seen = new Set()

beforeAll(async () => {
  server = await OwnServer.start()
  process.env.REDIS_URL = server.url
  redis = new Redis(server.url)
})
afterAll(async () => {
  await redis.quit()
  await server.stop()
})

// --- a program ------------------------------------------------------------------------------------------------------

class Program {
  tenantId = `p${programs++}`
  /** What the caller's code saw that must not be. */
  broken = []
  #calls = []
  #thrown = []
  #pipeline
  #closed

  /** @param {object} [options] of a pipeline; without, calls go to enqueueTicketTriage */
  constructor(options) {
    if (options) this.#pipeline = new Pipeline({ ...ticketTriageDefinition, connection: server.url, ...options })
  }

  #enqueue(...all) {
    return this.#pipeline ? this.#pipeline.enqueue(...all) : enqueueTicketTriage(...all)
  }

  /** Throws what no one else throws. */
  throw(...reason) {
    const thrown = reason.length > 0 ? reason[0] : new Error('thrown by the caller’s own code')
    this.#thrown.push(thrown)
    throw thrown
  }

  close() {
    this.#closed ??= this.#pipeline?.close()
  }

  /** Makes a call; resolves when it is settled. */
  call({ id, input = 'plain', storage = 'records soon', options = 'usual' }) {
    const ticket = { tenantId: this.tenantId, ticketId: id, summary: `call ${this.#calls.length}` }
    const parts = [
      INPUTS[input] ?? { code: 'INVALID_INPUT', make: () => input.value },
      STORAGES[storage] ?? NO_STORAGES[storage],
      OPTIONS[options],
    ]
    const wrong = parts.map(({ code }) => code).filter((code) => code !== 'queued')
    const call = { ticket, records: [], expected: [...TRANSIENT, ...(wrong.length > 0 ? wrong : ['queued'])] }
    this.#calls.push(call)

    const [madeInput, madeStorage, madeOptions] = parts
    const createPending = (record) => {
      call.records.push({ ...record })
      return madeStorage.make(this, record)
    }
    call.settled = this.#enqueue(
      madeInput.make(this, ticket),
      Object.hasOwn(STORAGES, storage) ? Object.freeze({ createPending }) : madeStorage.make(this),
      madeOptions.make(this),
    ).then(
      (result) => this.#onQueued(call, result),
      (reason) => this.#onFailed(call, reason),
    )
    return call.settled
  }

  #onQueued(call, result) {
    this.#note(call, 'queued')
    const { tenantId, ticketId } = call.ticket
    const { created, existing, ...queued } = result
    expect(queued).toStrictEqual({ jobId: jobId(call.ticket), status: 'queued' })
    // Each call has data of its own.
    expect(existing).toEqual(created === false ? { state: expect.any(String), sameData: false } : undefined)
    expect(call.records).toEqual([{ jobId: result.jobId, tenantId, ticketId }])
  }

  #onFailed(call, reason) {
    if (!isEnqueueError(reason)) {
      this.#note(call, 'thrown')
      // What the caller's code threw comes back as it was. A revoked Proxy throws what the engine throws.
      expect(this.#thrown.some((thrown) => Object.is(thrown, reason)) || reason instanceof TypeError).toBe(true)
      return
    }
    this.#note(call, reason.code)
    call.outcome = reason.outcome
    expect(['refused', 'not-sent', 'unknown']).toContain(reason.outcome)
    expect(JSON.parse(JSON.stringify(reason.toProblem()))).toMatchObject({
      status: reason.statusCode,
      code: reason.code,
    })
    expect(call.records).toHaveLength(RECORDED.includes(reason.code) ? 1 : 0)
  }

  #note(call, code) {
    call.code = code
    seen.add(code)
    expect(call.expected).toContain(code)
  }

  async run(steps) {
    for (const step of steps) {
      // A call that fails an expectation does so again when it is waited for.
      if (step.call) this.call(step.call).catch(() => {})
      else await step.act(this)
    }
    // Calls make calls, also while they are waited for.
    for (const call of this.#calls) await call.settled
    if (this.#closed === undefined) await this.#goesOn()
    this.close()
    await this.#closed
    if (this.#pipeline) expect(this.#pipeline.stats()).toMatchObject({ inFlight: 0, waitingForRedis: 0, bytes: 0 })
    expect(this.broken).toEqual([])
    await this.#leftInRedis()
  }

  /** After all of that, an ordinary call succeeds. */
  async #goesOn() {
    const ticket = { tenantId: this.tenantId, ticketId: 'last', summary: 'an ordinary call' }
    await this.#enqueue(ticket, { createPending: async () => {} }, { timeoutMs: 10_000 })
    this.#calls.push({ ticket, code: 'queued' })
  }

  /** An id has one job if a call for it was queued, none if all were refused, and the data of one of its calls. */
  async #leftInRedis() {
    const own = `ticket-triage:${this.tenantId}:`
    const waiting = (await redis.lrange('bull:ticket-triage:wait', 0, -1)).filter((id) => id.startsWith(own))
    expect(waiting).toHaveLength(new Set(waiting).size)
    for (const id of new Set(this.#calls.map(({ ticket }) => ticket.ticketId))) {
      const calls = this.#calls.filter(({ ticket }) => ticket.ticketId === id)
      const queued = calls.some(({ code }) => code === 'queued')
      const unknown = calls.some(({ outcome }) => outcome === 'unknown')
      const data = await redis.hget(jobKey(calls[0].ticket), 'data')
      const isThere = [data !== null, waiting.includes(jobId(calls[0].ticket))]
      if (queued || !unknown) expect(isThere).toEqual([queued, queued])
      if (data !== null) expect(calls.map(({ ticket }) => JSON.stringify(ticket))).toContain(data)
    }
    await redis.del('bull:ticket-triage:wait')
  }
}

// --- the programs ---------------------------------------------------------------------------------------------------

const named = (things) => fc.constantFrom(...Object.keys(things))
const mostly = (usual, ...others) => fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, ...others)
const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withBoxedValues: true })

const call = fc.record({
  id: fc.constantFrom('a', 'b', 'c', '', '\u0000', 'é'),
  input: mostly(
    'plain',
    named(INPUTS),
    anything.map((value) => ({ value })),
  ),
  storage: mostly('records soon', named(STORAGES), named(STORAGES), named(NO_STORAGES)),
  options: mostly('usual', named(OPTIONS)),
})
const act = (name, act) => fc.constant({ act, toString: () => name })
const step = fc.oneof(
  { weight: 30, arbitrary: call.map((call) => ({ call })) },
  { weight: 4, arbitrary: act('a turn', () => turn()) },
  { weight: 2, arbitrary: act('some milliseconds', () => sleep(5)) },
  { weight: 1, arbitrary: act('the links break', () => redis.call('CLIENT', 'KILL', 'TYPE', 'normal')) },
  { weight: 1, arbitrary: act('the script is gone', () => redis.script('FLUSH')) },
  { weight: 1, arbitrary: act('the end', (program) => program.close()) },
)
const program = fc.array(step, { minLength: 1, maxLength: 40, size: 'max' })
const pipeline = fc.record({ maxInFlight: fc.constantFrom(1, 3, 1000), timeoutMs: fc.constant(TIMEOUT_MS) })

test('whatever is asked of enqueueTicketTriage, every call ends in one true answer', async () => {
  const runs = fc.asyncProperty(program, (steps) => new Program().run(steps))
  await fc.assert(runs, { numRuns: 100 })
}, 120_000)

test('whatever is asked of a pipeline, every call ends in one true answer', async () => {
  const runs = fc.asyncProperty(pipeline, program, (options, steps) => new Program(options).run(steps))
  await fc.assert(runs, { numRuns: 200 })
}, 120_000)

test('those programs came to every end that a call has on a server that is up', () => {
  const ends = [INPUTS, STORAGES, NO_STORAGES, OPTIONS].flatMap((things) => Object.values(things))
  const expected = new Set([...ends.map(({ code }) => code), 'CLOSED', 'OVERLOADED'])
  expect([...seen]).toEqual(expect.arrayContaining([...expected]))
})
